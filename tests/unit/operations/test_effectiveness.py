"""How well a score tells: people by band, the area under the curve, points and lift by rule."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.operations import effectiveness
from processors.operations.effectiveness import Effectiveness, People, Standing, Tally
from tests.properties import budget

RULES = ("view", "buy")
BANDS = ("hot", "cold")


def stands(has_converted: bool, value: float = 0, **more: Any) -> Standing:
    given: dict[str, Any] = {"band": "cold", "points": {}}
    return Standing(has_converted=has_converted, value=value, **given | more)


def counted(*people: Standing, bands: tuple[str, ...] = BANDS) -> Effectiveness:
    tally = Tally(bands, RULES)
    for each in people:
        tally.add(each)
    return tally.result()


def people(count: int, conversions: int) -> People:
    return People(people=count, conversions=conversions)


def test_people_and_conversions_are_counted_by_band() -> None:
    found = counted(stands(True, band="hot"), stands(False, band="hot"), stands(False))
    assert found.bands == {"hot": people(2, 1), "cold": people(1, 0)}
    assert list(found.bands) == ["hot", "cold"]
    assert found.everybody == people(3, 1)
    assert [each.rate for each in found.bands.values()] == [0.5, 0]


def test_band_of_nobody_has_no_rate() -> None:
    assert counted(stands(True)).bands["hot"].rate is None


def test_people_without_a_band_are_counted_all_the_same() -> None:
    found = counted(stands(True, band=None), bands=())
    assert (found.bands, found.everybody) == ({}, people(1, 1))


@pytest.mark.parametrize(
    ("converted", "others", "area"),
    [
        ([3, 4], [1, 2], 1.0),
        ([1, 2], [3, 4], 0.0),
        ([5], [5], 0.5),
        ([2, 3], [1, 2], 0.875),
        ([1], [], None),
        ([], [1], None),
    ],
)
def test_area_is_one_where_all_who_convert_have_more(
    converted: list[float], others: list[float], area: float | None
) -> None:
    rows = [stands(True, each) for each in converted] + [stands(False, each) for each in others]
    assert counted(*rows).auc == area


def share_of_pairs(rows: Iterable[tuple[bool, float]]) -> float | None:
    """The area as it is defined: every pair is looked at."""
    held = list(rows)
    pairs = [
        1.0 if mine > theirs else 0.5 if mine == theirs else 0.0
        for is_mine, mine in held
        for is_theirs, theirs in held
        if is_mine and not is_theirs
    ]
    return sum(pairs) / len(pairs) if pairs else None


@budget(200)
@given(st.lists(st.tuples(st.booleans(), st.integers(-3, 6) | st.sampled_from([0.5, 2.25]))))
def test_area_is_the_share_of_pairs_in_which_who_converts_has_more(
    rows: list[tuple[bool, float]],
) -> None:
    found = counted(*(stands(*row) for row in rows)).auc
    assert found == pytest.approx(share_of_pairs(rows))


def test_share_of_a_rule_is_of_all_points_without_their_sign() -> None:
    found = counted(
        stands(True, points={"view": 2, "buy": -10}, added=4), stands(False, points={"view": 4})
    )
    assert [each.points for each in found.rules.values()] == [6, -10]
    assert [each.share for each in found.rules.values()] == [0.3, 0.5]
    assert (found.added.points, found.added.share) == (4, 0.2)


def test_where_nobody_has_points_there_are_no_shares() -> None:
    found = counted(stands(False))
    assert {each.share for each in (*found.rules.values(), found.added)} == {None}


def test_lift_compares_those_who_ever_held_points_with_the_others() -> None:
    found = counted(
        stands(True, held=["view"]),
        stands(False, held=["view"]),
        stands(True),
        *[stands(False)] * 3,
    )
    rule = found.rules["view"]
    assert (rule.holders, rule.others) == (people(2, 1), people(4, 1))
    assert rule.lift == 2.0


@pytest.mark.parametrize(
    "rows",
    [
        [stands(True), stands(False)],
        [stands(True, held=["view"])],
        [stands(True, held=["view"]), stands(False)],
    ],
)
def test_there_is_no_lift_over_nobody(rows: list[Standing]) -> None:
    assert counted(*rows).rules["view"].lift is None


def warned(*rows: Standing) -> list[str]:
    return list(effectiveness.warnings(counted(*rows)))


def both(view: float, buy: float, added: float = 0) -> list[Standing]:
    row: dict[str, Any] = {"points": {"view": view, "buy": buy}, "held": RULES, "added": added}
    return [stands(True, **row), stands(False, **row)]


def test_rule_that_gives_more_than_half_of_all_points_is_warned_of() -> None:
    assert warned(*both(5, 5)) == []
    assert warned(*both(5, -6)) == ["rule buy gives 55% of all points"]
    assert warned(*both(1, 1, added=6)) == ["triggers give 75% of all points"]


def test_rule_that_never_gives_points_is_warned_of() -> None:
    assert warned(stands(True, held=["view"]), stands(False)) == [
        "rule buy gives nobody any points before they convert"
    ]


def test_history_that_tells_nobody_apart_is_warned_of() -> None:
    row: dict[str, Any] = {"held": RULES}
    assert warned(stands(False, **row)) == [
        "nobody converts: is the event named as in the history?"
    ]
    assert warned(stands(True, **row)) == ["everybody converts: there is nobody to tell them from"]
