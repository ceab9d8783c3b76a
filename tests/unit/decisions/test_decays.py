"""Decays: what fading points are worth, and the first instant at which they cross a mark."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.decisions import decays
from processors.decisions.decays import Course, Marks, Number, Term, crossing, marks, rounded
from processors.state.profiles import NEVER
from tests.builders import DAY, HOUR, T0
from tests.properties import budget


def term(points: float, half_life_ms: int = DAY, since_ms: int = T0) -> Term:
    return Term(points, since_ms, half_life_ms)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, "5"),
        (5.0, "5"),
        (4.9999999999999, "5"),
        (2.504, "2.5"),
        (-2.506, "-2.51"),
        (-0.001, "0"),
        (0.625, "0.62"),
        (0.625 + 1e-15, "0.62"),
    ],
)
def test_values_have_two_decimals_and_whole_ones_none(value: float, expected: str) -> None:
    assert str(rounded(value)) == expected


def test_half_is_left_after_each_half_life() -> None:
    found = term(10, HOUR)
    assert [found.at(T0 + hours * HOUR) for hours in range(4)] == [10, 5, 2.5, 1.25]
    assert found.at(T0 + 10_000 * DAY) == 0


@budget(100)
@given(st.lists(st.integers(0, 60 * DAY), min_size=1, max_size=8))
def test_a_running_sum_does_not_depend_on_the_order(offsets: list[int]) -> None:
    """It is the sum over all occurrences, as of the latest one."""
    kept = None
    for offset in offsets:
        kept = decays.add(kept, T0 + offset, DAY)
    assert kept is not None
    since, total = kept
    assert since == T0 + max(offsets)
    brute = math.fsum(0.5 ** ((max(offsets) - offset) / DAY) for offset in offsets)
    assert total == pytest.approx(brute, rel=0, abs=1e-9)


def test_many_occurrences_are_one_sum() -> None:
    kept = None
    for n in range(100_000):
        kept = decays.add(kept, n, 1)
    assert kept is not None
    assert kept[1] == pytest.approx(2.0, rel=0, abs=1e-9)


def test_terms_of_one_half_life_are_one_and_cancel_out() -> None:
    found = decays.merged([term(10), term(-5, since_ms=T0 + DAY), term(1, HOUR)])
    assert {each.half_life_ms: each.points for each in found} == {
        DAY: 0,
        HOUR: pytest.approx(2**-24),
    }
    assert decays.merged([term(3)]) == [term(3)]


@pytest.mark.parametrize(
    ("reached", "passed", "leasts"),
    [
        ({5, 2.5}, set(), (2.5, 5)),
        (set(), {5, 2.505, -3}, (-2.99, 2.51, 5.01)),
        ({1e300}, {-1e300}, (-decays.MAX_MARK, decays.MAX_MARK)),
        ({10}, {10.0}, (10, 10.01)),
    ],
)
def test_marks_are_the_least_values_over_what_is_asked(
    reached: set[float], passed: set[float], leasts: tuple[float, ...]
) -> None:
    assert marks(reached, passed).leasts == leasts


def test_a_course_is_held_between_its_bounds_at_each_place() -> None:
    group = Course(5, [term(40)], floor=None, limit=30)
    found = Course(-4, [term(8)], [group], floor=6, limit=32)
    assert [found.at(T0 + days * DAY) for days in range(4)] == [32, 25, 13, 7]
    assert found.at(T0 + 60 * DAY) == 6


def first_turn(course: Course, asked: Marks, until: int) -> int:
    """Looks at every ms."""
    here = asked.zone(rounded(course.at(T0)))
    for now in range(T0 + 1, until):
        if asked.zone(rounded(course.at(now))) != here:
            return now
    return NEVER


def test_a_value_that_fades_crosses_at_the_first_ms_on_the_other_side() -> None:
    at = crossing(Course(0, [term(10)]), marks({5}), T0)
    assert at == T0 + math.ceil(math.log2(10 / 4.995) * DAY)
    assert rounded(10 * 0.5 ** ((at - 1 - T0) / DAY)) == 5
    assert rounded(10 * 0.5 ** ((at - T0) / DAY)) == 4.99


def test_a_guess_that_bounds_have_made_useless_is_searched_for() -> None:
    """As if there were no bounds, the value would never come down to the mark."""
    course = Course(0, [term(10)], [Course(100, [term(1)], limit=50)])
    assert crossing(course, marks({55}), T0) == T0 + math.ceil(math.log2(10 / 4.995) * DAY)


@pytest.mark.parametrize(
    ("course", "asked"),
    [
        (Course(0, [term(10)]), Marks()),
        (Course(10), marks({5})),
        (Course(5, [term(10)]), marks({5})),
        (Course(0, [term(10)]), marks({20, 0})),
        (Course(0, [term(10)], floor=6), marks({5})),
        (Course(0, [term(10), term(-1, HOUR)]), marks({50})),
        (Course(0, [term(10, 1), term(-10, 1)]), marks({3})),
    ],
    ids=[
        "nobody asks",
        "nothing fades",
        "ends on it",
        "out of reach",
        "held",
        "mixed",
        "outweighed",
    ],
)
def test_what_time_alone_never_brings_has_no_instant(course: Course, asked: Marks) -> None:
    assert crossing(course, asked, T0) == NEVER


SPAN = 800
half_lives = st.sampled_from([20, 30, 80])
terms = st.lists(
    st.builds(term, st.sampled_from([-20.0, -3.0, 4.0, 10.0, 20.0]), half_lives),
    min_size=1,
    max_size=3,
)
bounds = st.sampled_from([None, 0, 5]), st.sampled_from([None, 8, 15])
groups = st.builds(
    lambda fixed, terms, floor, limit: Course(fixed, terms, floor=floor, limit=limit),
    st.sampled_from([-5, 0, 3]),
    terms,
    *bounds,
)
courses = st.builds(
    lambda terms, parts, floor, limit: Course(0, terms, parts, floor=floor, limit=limit),
    terms,
    st.lists(groups, max_size=2),
    *bounds,
)


@budget(100)
@given(courses, st.sets(st.sampled_from([-4, 0, 1.5, 5, 8, 12]), min_size=1, max_size=3))
def test_crossing_is_the_one_that_looking_at_every_ms_finds(
    course: Course, asked: set[Number]
) -> None:
    """Whatever rises and falls at different speeds, between whatever bounds."""
    found = crossing(course, marks(asked, asked), T0)
    looked = first_turn(course, marks(asked, asked), T0 + SPAN)
    assert found == looked or (looked == NEVER and found >= T0 + SPAN)


@budget(100)
@given(courses, st.integers(0, 2_000), st.integers(1, 2_000))
def test_bounds_of_a_span_hold_all_that_is_in_it(course: Course, begin: int, width: int) -> None:
    reach = course.between(T0 + begin, T0 + begin + width)
    for now in range(begin, begin + width, max(1, width // 20)):
        value = course.at(T0 + now)
        assert reach.least - 1e-9 <= value <= reach.most + 1e-9


def test_points_that_nearly_outweigh_each_other_are_searched_in_few_spans(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At most 250 are left on the way, and that mark is missed by a hundredth."""
    course = Course(0, [term(1000, 14 * DAY), term(-1000, 7 * DAY)])
    monkeypatch.setattr(decays, "MAX_SPANS", 100)
    assert crossing(course, marks({250.02, 0}), T0) == NEVER
    at = crossing(course, marks({250, 0}), T0)
    assert rounded(course.at(at)) == 250 > rounded(course.at(at - 1))


def test_a_crossing_within_one_ms_of_points_against_each_other_is_found() -> None:
    groups = [Course(0, [term(10, 1)], limit=8), Course(0, [term(-5, 1)], floor=-4)]
    assert crossing(Course(0, [], groups), marks({3}), T0) == T0 + 1


def test_a_search_that_takes_too_long_ends_before_the_crossing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    course = Course(0, [term(30, HOUR), term(-20, DAY)])
    exact = crossing(course, marks({0}), T0)
    assert T0 < exact < NEVER
    monkeypatch.setattr(decays, "MAX_SPANS", 4)
    assert T0 < crossing(course, marks({0}), T0) < exact
