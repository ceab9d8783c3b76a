"""The definitions are where the demo looks for them."""

from pathlib import Path

import pytest

from processors.definitions import files
from processors.definitions.actions import Send
from processors.definitions.sets import DefinitionSet
from processors.demo import shops


def test_shop_has_its_ten_definitions(shop: DefinitionSet) -> None:
    assert len(shop.versions) == 10
    kinds = (shop.segments, shop.scores, shop.triggers, shop.templates)
    assert [len(each) for each in kinds] == [4, 1, 3, 2]


def test_shop_has_each_template_that_it_sends(shop: DefinitionSet) -> None:
    done = [each for trigger in shop.triggers.values() for each in trigger.do]
    sent = {each.template for each in done if isinstance(each, Send)}
    assert sent == shop.templates.keys()


def test_wheel_carries_what_the_checkout_has() -> None:
    checkout = Path(__file__).parents[3] / "examples" / "shop"

    assert {each.name for each in checkout.iterdir()} == {
        each.name for each in shops.folder().iterdir()
    }


def test_checkout_at_hand_is_not_copied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(shops.folder().parent)

    assert shops.at_hand(tmp_path) == shops.folder()


def test_definitions_from_afar_are_copied_to_be_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)

    copied = [shops.at_hand(tmp_path / "out") for _ in range(2)]

    assert copied == [tmp_path / "out" / "shop"] * 2
    assert len(files.load(copied[0]).versions) == 10
