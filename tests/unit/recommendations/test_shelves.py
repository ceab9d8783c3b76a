"""Events become what somebody did with items, or nothing."""

from typing import Any

import pytest

from processors.definitions import documents
from processors.definitions.catalogues import Catalogue
from processors.recommendations import shelves
from processors.recommendations.shelves import KEPT_BOUGHT, MOST_ITEMS, Logged, Shelf, named, steps
from schemas import codec
from schemas.errors import BadEvent
from schemas.recommendations import Occurrence
from tests.builders import DAY, MINUTE, T0, catalogue
from tests.unit.schemas.samples import event_bytes

LOGGED = Logged(b"ada", 3, T0 + MINUTE)


def shelf(*written: dict[str, Any]) -> Shelf:
    found: list[Catalogue] = []
    for each in written or (catalogue(),):
        parsed = documents.parse(each)
        assert isinstance(parsed, Catalogue)
        found.append(parsed)
    return Shelf(found)


def read(*written: dict[str, Any], logged: Logged = LOGGED, **fields: Any) -> list[Occurrence]:
    given = {
        "event": "Product Viewed",
        "userId": "ada",
        "timestamp": "2026-01-01T00:00:00Z",
        "sentAt": None,
        "receivedAt": None,
        "properties": {"product_id": "lamp"},
    } | fields
    return shelf(*written).read(codec.decode_event(event_bytes(**given)), logged)


def test_view_is_remembered_at_its_own_time_and_counts_as_a_trend() -> None:
    (found,) = read(catalogue(last_viewed=7))
    assert found == Occurrence(
        id=found.id,
        partition=3,
        logged_at=T0 + MINUTE,
        profile_id="ada",
        catalogue="shop",
        what="viewed",
        items=("lamp",),
        at=T0,
        keeps=7,
        is_trend=True,
    )


def test_order_names_its_items_each_once_in_their_order() -> None:
    ids: list[Any] = ["b", "a", "b", 7, "", None, 1.5, True, {}]
    products = [{"product_id": each} for each in ids]
    (found,) = read(event="Order Completed", properties={"products": [*products, "x"]})
    assert (found.what, found.items, found.keeps) == ("bought", ("b", "a", "7"), KEPT_BOUGHT)
    assert not found.is_trend


def test_id_is_the_same_for_a_repeat_and_another_for_everything_else() -> None:
    two = (catalogue(), catalogue("books", bought=catalogue()["viewed"]))
    given = [
        *read(*two),
        *read(*two, messageId="m-2"),
        *read(*two, userId="bob", logged=LOGGED._replace(key=b"bob")),
    ]
    assert len({each.id for each in given}) == len(given) == 9
    assert {len(each.id) for each in given} == {32}
    assert read(*two, properties={"product_id": "x"})[0].id == given[0].id


@pytest.mark.parametrize(
    "fields",
    [
        {"event": "Something Else"},
        {"properties": {}},
        {"properties": {"product_id": ["lamp"]}},
        {"properties": {"product_id": "x" * 201}},
        {"properties": {"product_id": "a\nb"}},
        {"logged": LOGGED._replace(key=b"bob")},
        {"logged": LOGGED._replace(key=None)},
    ],
)
def test_event_of_nobodys_or_of_no_item_is_nothing(fields: dict[str, Any]) -> None:
    assert read(**fields) == []


def test_event_that_can_not_be_read_is_left_to_others() -> None:
    with pytest.raises(BadEvent):
        read(event=None)


def test_time_ahead_of_the_log_is_held_back() -> None:
    (found,) = read(timestamp="2090-01-01T00:00:00Z")
    assert found.at == LOGGED.at + 5 * MINUTE
    (late,) = read(timestamp="2025-12-31T00:00:00Z")
    assert late.at == T0 - DAY


def test_items_of_one_event_are_bounded() -> None:
    ids = [f"i-{n}" for n in range(MOST_ITEMS + 1)]
    (found,) = read(
        catalogue(viewed={"event": "Product Viewed", "item": "ids[]"}), properties={"ids": ids}
    )
    assert found.items == tuple(ids[:MOST_ITEMS])


@pytest.mark.parametrize(
    ("path", "properties", "ids"),
    [
        ("product.id", {"product": {"id": "a"}}, ("a",)),
        ("product.id", {"product": "a"}, ()),
        ("products[].id", {"products": {"id": "a"}}, ()),
        ("a[].b[].id", {"a": [{"b": [{"id": "x"}]}, {"b": [{"id": "y"}]}]}, ("x", "y")),
    ],
)
def test_path_leads_into_mappings_and_lists(
    path: str, properties: dict[str, Any], ids: tuple[str, ...]
) -> None:
    assert named(properties, steps(path)) == ids


def test_catalogues_are_found_among_documents_and_broken_ones_told() -> None:
    broken = catalogue("broken", last_viewed=0)
    found, problems = shelves.of([catalogue(), {"kind": "template"}, broken])
    assert list(found.catalogues) == ["shop"]
    assert [each.file for each in problems] == ["catalogue/broken"]
