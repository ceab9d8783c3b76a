"""Features: what is counted, shared by all that ask the same."""

from typing import Any

import pytest

from processors.decisions.features import MAX_COUNT, Features, compile_where, read
from processors.definitions.occurrences import PropertyCondition
from processors.state.profiles import NEVER
from processors.state.windows import MAX_TIMES
from schemas.events import iso
from tests.builders import DAY, HOUR, T0


def where(*asked: dict[str, Any]) -> tuple[PropertyCondition, ...]:
    return tuple(PropertyCondition.model_validate(each) for each in asked)


LARGE = {"property": "total", "at_least": 100}
GOLD = {"property": "plan", "equals": "gold"}


def test_who_asks_the_same_shares_one_count() -> None:
    features = Features()
    one = features.count("order", where(LARGE, GOLD), since_ms=None, capacity=2)
    other = features.count("order", where(GOLD, LARGE), since_ms=None, capacity=5)
    assert one is other
    assert one.capacity == 5
    assert list(features.by_key) == [one.key]


def test_a_count_without_ceiling_has_room_for_all() -> None:
    features = Features()
    features.count("order", (), since_ms=None, capacity=2)
    assert features.count("order", (), since_ms=None, capacity=None).capacity == MAX_COUNT


def test_windows_of_all_widths_share_one_list_as_wide_as_the_widest() -> None:
    features = Features()
    one = features.window("order", (), width_ms=DAY, capacity=1)
    assert features.window("order", (), width_ms=HOUR, capacity=3) is one
    assert (one.width_ms, one.capacity) == (DAY, 3)


@pytest.mark.parametrize("capacity", [None, MAX_TIMES + 1])
def test_a_window_is_bounded(capacity: int | None) -> None:
    found = Features().window("order", (), width_ms=DAY, capacity=capacity)
    assert found.capacity == MAX_TIMES


def test_times_that_fade_are_shared_by_those_alone_that_keep_the_same() -> None:
    features = Features()
    one = features.latest("order", (), width_ms=DAY, capacity=2)
    assert features.latest("order", (), width_ms=DAY, capacity=2) is one
    assert features.latest("order", (), width_ms=DAY, capacity=3) is not one
    features.window("order", (), width_ms=7 * DAY, capacity=5)
    assert (one.width_ms, one.capacity) == (DAY, 2)
    ever = features.latest("order", (), width_ms=None, capacity=None)
    assert (ever.width_ms, ever.capacity) == (NEVER, MAX_TIMES)


def test_a_sum_that_fades_is_one_for_each_half_life() -> None:
    features = Features()
    one = features.decay("order", (), half_life_ms=DAY)
    assert features.decay("order", (), half_life_ms=DAY) is one
    assert features.decay("order", (), half_life_ms=HOUR) is not one
    assert one.half_life_ms == DAY


def test_what_differs_is_counted_apart() -> None:
    features = Features()
    features.count("order", (), since_ms=None, capacity=1)
    features.count("order", (), since_ms=T0, capacity=1)
    features.count("order", where(GOLD), since_ms=None, capacity=1)
    features.count("refund", (), since_ms=None, capacity=1)
    features.window("order", (), width_ms=DAY, capacity=1)
    for value in (1, "1", True):
        asked = where({"property": "n", "equals": value})
        features.count("order", asked, since_ms=None, capacity=1)
    for missing in (True, False):
        asked = where({"property": "n", "not_equals": 1, "missing": missing})
        features.count("order", asked, since_ms=None, capacity=1)
    assert len(features.by_key) == 10


def test_keys_do_not_change_from_one_start_to_the_next() -> None:
    assert Features().count("order", where(GOLD), since_ms=None, capacity=1).key == "6YJRVss"


def test_no_conditions_need_no_test() -> None:
    assert compile_where(()) is None


@pytest.mark.parametrize(
    ("asked", "properties", "expected"),
    [
        ([GOLD], {"plan": "gold"}, True),
        ([GOLD], {"plan": "silver"}, False),
        ([GOLD], {}, False),
        ([GOLD, LARGE], {"plan": "gold", "total": 100}, True),
        ([GOLD, LARGE], {"plan": "gold", "total": 99}, False),
        ([{"property": "a.b", "equals": 1}], {"a": {"b": 1}}, True),
        ([{"property": "a.b", "equals": 1}], {"a": 1}, False),
        ([{"property": "a.b", "equals": 1}], {"a.b": 1}, False),
        ([{"property": "a", "not_equals": 1}], {}, True),
    ],
)
def test_all_conditions_must_hold(
    asked: list[dict[str, Any]], properties: dict[str, Any], expected: bool
) -> None:
    holds = compile_where(where(*asked))
    assert holds is not None
    assert holds(properties, T0) is expected


@pytest.mark.parametrize(("ago", "expected"), [(DAY - 1, True), (DAY, False), (-1, False)])
def test_relative_dates_are_measured_at_the_occurrence(ago: int, expected: bool) -> None:
    holds = compile_where(where({"property": "at", "within_last": "1d"}))
    assert holds is not None
    assert holds({"at": iso(T0)}, T0 + ago) is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [(("a",), {"b": [1]}), (("a", "b"), [1]), (("a", "b", "0"), None), (("x", "y"), None)],
)
def test_a_path_goes_through_objects_only(path: tuple[str, ...], expected: Any) -> None:
    assert read({"a": {"b": [1]}}, path) == expected
