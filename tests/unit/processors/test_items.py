"""Items of catalogues from the shell."""

from pathlib import Path

import pytest

from processors.operations import texts
from tests.builders import catalogue
from tests.embedded import Broker
from tests.unit.processors.commands import beckon

pytestmark = pytest.mark.usefixtures("as_it_was")


@pytest.fixture
def products(on_broker: Broker, tmp_path: Path) -> Path:
    """A file of items, where a catalogue is published."""
    on_broker.topic("definitions")
    on_broker.topic("items")
    folder = tmp_path / "definitions"
    folder.mkdir()
    (folder / "shop.yaml").write_text(texts.text(catalogue()))
    assert beckon("publish", "--yes", folder).exit_code == 0
    file = tmp_path / "products.csv"
    file.write_text("id,title\nlamp,Lamp\nchair,Chair\n")
    return file


def test_items_are_loaded_and_pruned(products: Path, on_broker: Broker) -> None:
    done = beckon("items", "import", "shop", products)
    assert (done.exit_code, done.stdout) == (0, "shop: 2 items loaded\n")
    products.write_text("id,title\nlamp,Lamp\n")
    done = beckon("items", "import", "shop", products, "--prune")
    assert done.stdout == "shop: 1 items loaded, 1 ended\n"
    found = on_broker.records(f"{on_broker.prefix}items")
    assert {one.key(): one.value() for one in found} == {
        b"shop/lamp": b'{"title":"Lamp"}',
        b"shop/chair": None,
    }


def test_catalogue_that_is_not_published_is_refused(products: Path) -> None:
    done = beckon("items", "import", "shopp", products)
    assert done.exit_code == 1
    assert "no catalogue shopp is published; did you mean shop?" in done.stderr
    done = beckon("items", "import", "other", products)
    assert "no catalogue other is published; there are shop" in done.stderr


def test_where_none_is_published_it_says_so(on_broker: Broker, tmp_path: Path) -> None:
    on_broker.topic("definitions")
    done = beckon("items", "import", "shop", tmp_path / "products.csv")
    assert done.exit_code == 1
    assert "no catalogue shop is published; there is none" in done.stderr
