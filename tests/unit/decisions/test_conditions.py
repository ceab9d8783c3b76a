"""Conditions: what they ask, and until when their answer is promised to hold."""

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.decisions import conditions
from processors.decisions.comparisons import FALSE, TRUE, instant
from processors.decisions.conditions import Evaluate
from processors.decisions.nodes import SegmentNode
from processors.state.profiles import Profile, ScoreState
from schemas.events import iso
from tests.builders import (
    DAY,
    HOUR,
    SECOND,
    T0,
    Document,
    Json,
    Person,
    account,
    holding,
    identify,
    moves,
    on,
    score,
    segment,
    static_list,
    track,
    trigger,
)
from tests.logs import sorted_histories
from tests.properties import budget
from tests.worlds import DATES, DURATIONS, STATIC
from tests.worlds import conditions as any_condition

WIDTHS = {"1s": SECOND, "1m": 60 * SECOND, "1h": HOUR, "1d": DAY, "3d": 3 * DAY, "7d": 7 * DAY}
LEVELS: Document = {"levels": {"hot": 80, "warm": 50, "cold": 0}, "grades": {"A": 60, "B": 0}}


def asked(when: Document, *others: Document) -> tuple[Person, Evaluate]:
    """Returns a person, and what evaluates a condition."""
    person = Person(segment(when, "asked"), *others)
    node = person.compiled.nodes[person.compiled.places["asked"]]
    assert isinstance(node, SegmentNode)
    return person, node.condition


def answer(when: Document, *heard: Json, now: int = T0, others: tuple[Document, ...] = ()) -> int:
    person, evaluate = asked(when, *others)
    for each in heard:
        person.hears(each)
    return evaluate(person.profile, now, {})


def holds(when: Document, profile: Profile, *others: Document) -> bool:
    _, evaluate = asked(when, *others)
    return evaluate(profile, T0, {}) > 0


# Facts that are held


@pytest.mark.parametrize(
    ("when", "profile"),
    [
        ({"tag": "vip"}, Profile(tags=["vip"])),
        ({"list": "guests"}, Profile(lists=["guests"])),
        ({"status": "lead"}, Profile(status="lead")),
        ({"segment": "other"}, Profile(segments={"other": 0})),
        ({"segment": "other", "is": "in"}, Profile(segments={"other": 0})),
        ({"trait": "plan", "equals": "gold"}, Profile(traits={"plan": ("gold", 0)})),
        ({"trait": "a.b", "equals": 1}, Profile(traits={"a": ({"b": 1}, 0)})),
        ({"account": "plan", "equals": "gold"}, Profile(account={"plan": ("gold", 0)})),
    ],
)
def test_what_is_held_is_true_until_a_fact_turns_it(when: Document, profile: Profile) -> None:
    others = (static_list("guests"), segment({"tag": "other"}, "other"))
    assert holds(when, profile, *others)
    assert not holds(when, Profile(), *others)
    assert not holds({"not": when}, profile, *others)


def test_out_of_a_segment_is_the_opposite_of_in() -> None:
    other = segment({"tag": "other"}, "other")
    assert holds({"segment": "other", "is": "out"}, Profile(), other)
    assert not holds({"segment": "other", "is": "out"}, Profile(segments={"other": 0}), other)


def test_traits_of_person_and_account_are_apart() -> None:
    of_person = {"trait": "plan", "equals": "gold"}
    of_account = {"account": "plan", "equals": "gold"}
    assert answer(of_person, account(plan="gold")) == FALSE
    assert answer(of_account, account(plan="gold")) == TRUE
    assert answer(of_account, identify(plan="gold")) == FALSE


@pytest.mark.parametrize(
    ("asks", "values"),
    [
        ({"at_least": 50}, {50, 79, 80}),
        ({"less_than": 50}, {0, 49}),
        ({"equals": 50.0}, {50}),
        ({"not_equals": 50}, {0, 49, 79, 80}),
        ({"in": [0, 80]}, {0, 80}),
        ({"not_in": [0, 80]}, {49, 50, 79}),
        ({"between": [49, 79]}, {49, 50, 79}),
        ({"level": "hot"}, {80}),
        ({"level": "warm"}, {50, 79}),
        ({"level": "cold"}, {0, 49}),
        ({"grade": "A"}, {79, 80}),
        ({"grade": "B"}, {0, 49, 50}),
    ],
)
def test_score_is_asked_by_value_level_or_grade(asks: Document, values: set[int]) -> None:
    scored = score(on("a"), **LEVELS)
    for value in (0, 49, 50, 79, 80):
        profile = Profile(scores={"fit": ScoreState(value)}) if value else Profile()
        assert holds({"score": "fit"} | asks, profile, scored) is (value in values)


# Buckets


def test_bucket_is_the_hash_of_salt_and_id_in_percent() -> None:
    digest = hashlib.sha256(b"autumn:user-1").hexdigest()
    assert conditions.bucket("autumn", "user-1") == int(digest[:16], 16) / 2**64 * 100
    assert round(conditions.bucket("autumn", "user-1"), 6) == 3.515637


def test_bucket_knows_its_lower_end_but_not_its_upper() -> None:
    at = conditions.bucket("autumn", "user-1")
    for low, high, expected in [(at, 100, True), (0, at, False), (0, 100, True)]:
        when = {"bucket": {"salt": "autumn", "from": low, "to": high}}
        assert holds(when, Profile(id="user-1")) is expected


def test_buckets_share_people_out_evenly_and_independently() -> None:
    people = [f"user-{n}" for n in range(2_000)]
    both = [(conditions.bucket("a", one) < 25, conditions.bucket("b", one) < 25) for one in people]
    assert 400 < sum(first for first, _ in both) < 600
    assert 75 < sum(first and second for first, second in both) < 175


# Counts


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        ({}, [False, True, True, True]),
        ({"at_least": 2}, [False, False, True, True]),
        ({"at_most": 0}, [True, False, False, False]),
        ({"at_most": 2}, [True, True, True, False]),
        ({"exactly": 0}, [True, False, False, False]),
        ({"exactly": 2}, [False, False, True, False]),
    ],
)
@pytest.mark.parametrize(
    "span", [{}, {"within": "7d"}, {"since": iso(T0)}], ids=["ever", "within", "since"]
)
def test_occurrences_are_counted(counted: Document, expected: list[bool], span: Document) -> None:
    for times, wanted in enumerate(expected):
        heard = [track("order", T0 + n) for n in range(times)]
        found = answer({"event": "order"} | counted | span, *heard, now=T0 + times)
        assert (found > 0) is wanted


@pytest.mark.parametrize(("at", "expected"), [(-1, False), (0, True), (1, True)])
def test_since_counts_from_its_instant_on(at: int, expected: bool) -> None:
    found = answer({"event": "order", "since": iso(T0)}, track("order", T0 + at), now=T0 + DAY)
    assert found == (TRUE if expected else FALSE)


@pytest.mark.parametrize(
    ("counted", "at", "expected", "ends"),
    [
        ({}, DAY - 1, True, DAY + 10),
        ({}, DAY + 9, True, DAY + 10),  # the latest counts: it was at 10
        ({}, DAY + 10, False, None),
        ({"at_least": 2}, DAY - 1, True, DAY),
        ({"at_least": 2}, DAY, False, None),
        ({"at_most": 0}, DAY + 9, False, DAY + 10),
        ({"at_most": 0}, DAY + 10, True, None),
        ({"at_most": 1}, DAY - 1, False, DAY),
        ({"at_most": 1}, DAY, True, None),
        ({"exactly": 1}, DAY - 1, False, DAY),
        ({"exactly": 1}, DAY, True, DAY + 10),
        ({"exactly": 1}, DAY + 10, False, None),
        ({"exactly": 2}, DAY - 1, True, DAY),
        ({"exactly": 0}, DAY + 9, False, DAY + 10),
    ],
)
def test_a_window_ends_with_the_nth_latest_to_the_millisecond(
    counted: Document, at: int, expected: bool, ends: int | None
) -> None:
    when = {"event": "order", "within": "1d"} | counted
    found = answer(when, track("order", T0), track("order", T0 + 10), now=T0 + at)
    assert (found > 0) is expected
    assert abs(found) == (TRUE if ends is None else T0 + ends)


@pytest.mark.parametrize("span", [{}, {"within": "1d"}])
def test_only_occurrences_that_fit_are_counted(span: Document) -> None:
    when = {"event": "order", "where": [{"property": "total", "at_least": 100}]} | span
    assert answer(when, track("order", total=99)) == FALSE
    assert answer(when, track("order", total=100)) > 0
    assert answer(when, track("other", total=100)) == FALSE


# Joining: `not` is a minus, `all` a minimum, `any` a maximum


SOON = {"event": "a", "within": "1h"}  # true until T0 + 1 h
LATER = {"event": "b", "within": "1d"}  # true until T0 + 1 d
NOT_YET = {"trait": "soon", "older_than": "1h"}  # false until T0 + 1 h
MUCH_LATER = {"trait": "soon", "older_than": "1d"}  # false until T0 + 1 d


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"not": SOON}, -HOUR),
        ({"not": NOT_YET}, HOUR),
        ({"not": {"not": SOON}}, HOUR),
        ({"all": [SOON, LATER]}, HOUR),
        ({"all": [LATER, SOON]}, HOUR),
        ({"all": [SOON, NOT_YET]}, -HOUR),
        ({"all": [NOT_YET, MUCH_LATER]}, -DAY),
        ({"all": [SOON, {"tag": "none"}]}, None),
        ({"all": [{"tag": "none"}, SOON]}, None),
        ({"any": [SOON, LATER]}, DAY),
        ({"any": [NOT_YET, MUCH_LATER]}, -HOUR),
        ({"any": [MUCH_LATER, NOT_YET]}, -HOUR),
        ({"any": [SOON, NOT_YET]}, HOUR),
        ({"any": [{"not": {"tag": "none"}}, SOON]}, None),
        ({"any": [SOON, {"not": {"tag": "none"}}]}, None),
        ({"any": [SOON, {"tag": "none"}]}, HOUR),
        ({"not": {"all": [SOON, LATER]}}, -HOUR),
    ],
)
def test_an_answer_says_until_when_it_holds(when: Document, expected: int | None) -> None:
    found = answer(when, track("a"), track("b"), identify(soon=iso(T0)))
    if expected is None:
        assert abs(found) == TRUE
    else:
        assert found == (T0 + expected if expected > 0 else -T0 + expected)


def edges(log: list[Json]) -> Iterator[int]:
    """Yields every instant at which a clocked part could turn, and the ms before it."""
    for text in {each["timestamp"] for each in log} | set(DATES):
        at_ms = instant(text)
        assert at_ms is not None
        for width in (0, *WIDTHS.values()):
            for edge in (at_ms - width, at_ms + width):
                yield edge - 1
                yield edge


@budget(150)
@given(any_condition(), sorted_histories())
def test_nothing_turns_before_the_instant_that_was_promised(
    when: Document, log: list[Json]
) -> None:
    person, evaluate = asked(when, *STATIC)
    for each in log:
        person.hears({**each, "userId": "p"})
    now = person.profile.clock
    while now < TRUE:
        found = evaluate(person.profile, now, {})
        assert abs(found) > now
        truths = {
            evaluate(person.profile, at, {}) > 0
            for at in {now, *edges(log)}
            if now <= at < abs(found)
        }
        assert truths == {found > 0}
        now = abs(found)


@budget(100)
@given(any_condition(), any_condition(), sorted_histories(), st.sampled_from(DURATIONS))
def test_joining_follows_the_laws_of_logic(
    one: Document, other: Document, log: list[Json], later: str
) -> None:
    laws: list[tuple[Document, Document]] = [
        ({"not": {"not": one}}, one),
        ({"not": {"all": [one, other]}}, {"any": [{"not": one}, {"not": other}]}),
        ({"not": {"any": [one, other]}}, {"all": [{"not": one}, {"not": other}]}),
        ({"all": [one, other]}, {"all": [other, one]}),
        ({"any": [one, other]}, {"any": [other, one]}),
        ({"all": [one]}, one),
        ({"any": [one, one]}, one),
    ]
    sides = [side for law in laws for side in law]
    named = [segment(side, f"s{n:02}") for n, side in enumerate(sides)]
    person = Person(*STATIC, *named)
    for each in log:
        person.hears({**each, "userId": "p"})
    now = person.profile.clock + WIDTHS[later]
    answers = [
        node.condition(person.profile, now, {})
        for node in person.compiled.nodes
        if isinstance(node, SegmentNode)
    ]
    assert answers[0::2] == answers[1::2]


# Properties


@pytest.mark.parametrize(
    ("properties", "expected"), [({"n": 1}, True), ({"n": 2}, False), ({}, False)]
)
def test_property_asks_the_event_at_hand(properties: dict[str, Any], expected: bool) -> None:
    person = Person(trigger("a", when={"property": "n", "equals": 1}))
    decision = person.hears(track("a", **properties))
    assert [each.reason for each in decision.decisions] == ["fired" if expected else "condition"]


def test_conditions_that_only_rules_hold_are_compiled_too() -> None:
    person = Person(score(holding({"any": [{"tag": "x"}, {"event": "a"}]})))
    person.hears(track("a"))
    assert person.score() == 10


def test_trait_that_changes_its_type_is_held_against_what_it_is_now() -> None:
    person = Person(
        segment({"trait": "plan", "at_least": 1}, "number"),
        segment({"trait": "plan", "equals": "1"}, "text"),
        segment({"trait": "plan", "equals": True}, "truth"),
        segment({"trait": "plan", "contains": 1}, "list"),
        segment({"trait": "plan.size", "equals": 1}, "object"),
        segment({"trait": "plan", "is_not_set": True}, "none"),
    )
    seen = []
    for place, value in enumerate([1, "1", True, 1, [1], {"size": 1}, [True], None, 1.0]):
        person.hears(identify(T0 + place, plan=value))
        seen.append(person.segments)
    assert seen == [
        {"number"}, {"text"}, {"truth"}, {"number"}, {"list"}, {"object"}, set(), {"none"},
        {"number"},
    ]  # fmt: skip


# Having been a member for so long


LATELY = segment({"event": "a", "within": "3d"}, "lately")
LONG = segment({"segment": "lately", "for": "2d"}, "long")


def test_having_been_a_member_for_so_long_is_promised_for_its_instant() -> None:
    when = {"segment": "lately", "for": "2d"}
    since = answer(when, track("a"), now=T0 + DAY, others=(LATELY,))
    assert since == -(T0 + 2 * DAY)
    assert answer(when, track("a"), now=T0 + 2 * DAY - 1, others=(LATELY,)) == -(T0 + 2 * DAY)
    assert answer(when, track("a"), now=T0 + 2 * DAY, others=(LATELY,)) == TRUE
    assert answer(when, track("b"), now=T0 + 2 * DAY, others=(LATELY,)) == FALSE


def test_having_been_a_member_for_so_long_turns_by_the_clock() -> None:
    person = Person(LATELY, LONG)
    person.hears(track("a"))
    assert moves(person.waits(T0 + 9 * DAY)) == [
        ("long", "entered", 2 * DAY, "clock"),
        ("lately", "exited", 3 * DAY, "clock"),
        ("long", "exited", 3 * DAY, "clock"),
    ]


def test_a_break_begins_the_time_anew() -> None:
    person = Person(LATELY, LONG)
    person.hears(track("a"))
    person.hears(track("a", T0 + DAY))
    person.waits(T0 + 4 * DAY)
    assert person.segments == set()
    person.hears(track("a", T0 + 4 * DAY))
    assert moves(person.waits(T0 + 7 * DAY - 1)) == [("long", "entered", 6 * DAY, "clock")]


def test_time_that_ends_with_the_membership_never_came() -> None:
    person = Person(LATELY, segment({"segment": "lately", "for": "3d"}, "long"))
    person.hears(track("a"))
    assert moves(person.waits(T0 + 9 * DAY)) == [("lately", "exited", 3 * DAY, "clock")]


def test_membership_that_a_definition_brought_counts_from_then() -> None:
    person = Person(segment({"event": "z"}, "other"))
    person.hears(track("b"))
    everybody = segment({"event": "z", "exactly": 0}, "lately")
    brought = person.gets(everybody, LONG, adopted_ms=T0 + DAY)
    assert moves(brought) == [("lately", "entered", DAY, "definition")]
    assert moves(person.waits(T0 + 9 * DAY)) == [("long", "entered", 3 * DAY, "clock")]


def test_membership_that_another_definition_goes_on_with_is_no_break() -> None:
    person = Person(LATELY, LONG)
    person.hears(track("a"))
    longer = segment({"event": "a", "within": "9d"}, "lately")
    assert moves(person.gets(longer, LONG, adopted_ms=T0 + DAY)) == []
    assert moves(person.waits(T0 + 4 * DAY)) == [("long", "entered", 2 * DAY, "clock")]


def test_rule_of_a_score_may_ask_for_how_long() -> None:
    person = Person(LATELY, score(holding({"segment": "lately", "for": "1d"})))
    person.hears(track("a"))
    changes = person.waits(T0 + 9 * DAY).score_changes
    assert [(each.new, each.at - T0, each.rule) for each in changes] == [
        (10, DAY, "held"),
        (0, 3 * DAY, "held"),
    ]
