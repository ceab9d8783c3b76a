"""The definitions are where the demo looks for them."""

from pathlib import Path

from processors.definitions.sets import DefinitionSet
from processors.demo import shops


def test_shop_has_its_eight_definitions(shop: DefinitionSet) -> None:
    assert len(shop.versions) == 8
    assert (len(shop.segments), len(shop.scores), len(shop.triggers)) == (4, 1, 3)


def test_wheel_carries_what_the_checkout_has() -> None:
    checkout = Path(__file__).parents[3] / "examples" / "shop"

    assert {each.name for each in checkout.iterdir()} == {
        each.name for each in shops.folder().iterdir()
    }
