"""What a person tells its account, and what comes of what the account answers."""

from typing import Any

import pytest

from processors.decisions import decide
from processors.decisions.decide import MAX_HOPS, Due
from processors.decisions.moments import Decision
from processors.state.profiles import Belonging, decode, encode
from schemas import relays
from schemas.relays import Answered, Relay, Told
from tests.builders import (
    DAY,
    HOUR,
    T0,
    Document,
    Person,
    account,
    emit,
    holding,
    identify,
    joins,
    moves,
    of_people,
    on,
    reasons,
    score,
    segment,
    tag,
    track,
    trigger,
)

SEEN: Document = {"event": "a", "within": "1h"}
ANY: Document = segment(of_people("any", SEEN))


def key(person: Person) -> str:
    (found,) = person.compiled.people
    return found


def telling(decision: Decision) -> list[tuple[str, int, list[bool | float] | None]]:
    """Returns to whom something is told, when, and what holds."""
    return [
        (each.account, each.at - T0, None if each.holds is None else [*each.holds.values()])
        for each in decision.relays
        if isinstance(each, Told)
    ]


def answer(person: Person, any_: bool, all_: bool, at_ms: int = T0, **more: Any) -> Decision:
    """Has the person's account answer what is asked first."""
    given = {"account": "acme", "cause": "c", "answers": {key(person): (any_, all_)}} | more
    answered = Answered(person="p", at=at_ms, **given)
    decision, due = Decision(), Due(at_ms, at_ms // 1000)
    decide.on_answered(
        person.compiled, person.profile, person.seen, answered, due=due, decision=decision
    )
    return decision


# What is told


def test_who_has_no_account_tells_nobody_and_waits_for_nothing() -> None:
    person = Person(ANY)
    decision = person.hears(track("a"))
    assert decision.relays == []
    assert person.profile.timers == {}
    assert person.profile.belongs is None


def test_joining_tells_what_holds_and_asks_for_an_answer() -> None:
    person = Person(ANY)
    person.hears(track("a"))
    (told,) = person.hears(joins("acme", T0 + 1)).relays
    assert told == Told(
        account="acme",
        person="p",
        at=T0 + 1,
        cause=relays.cause("p", f"joins@{T0 + 1}"),
        holds={key(person): True},
        asks=True,
    )


def test_what_turns_is_told_at_its_instant_and_nothing_else_is() -> None:
    person = Person(ANY)
    assert telling(person.hears(joins("acme"))) == [("acme", 0, [False])]
    assert telling(person.hears(track("b", T0 + 1))) == []
    assert telling(person.hears(track("a", T0 + 2))) == [("acme", 2, [True])]
    assert telling(person.hears(track("a", T0 + 3))) == []
    assert telling(person.waits(T0 + DAY)) == [("acme", HOUR + 3, [False])]
    assert person.profile.clock == T0 + HOUR + 3


def test_who_has_all_answers_asks_no_more() -> None:
    person = Person(ANY)
    person.hears(joins("acme"))
    answer(person, False, False)
    (told,) = person.hears(track("a", T0 + 2)).relays
    assert isinstance(told, Told)
    assert not told.asks


def test_all_that_turns_at_once_is_told_once() -> None:
    person = Person(ANY, segment(of_people("all", {"tag": "x"}), "t"), trigger("a", tag("x")))
    assert telling(person.hears(joins("acme"))) == [("acme", 0, [False, False])]
    assert telling(person.hears(track("a", T0 + 1))) == [("acme", 1, [True, True])]


def test_what_is_asked_twice_is_told_once() -> None:
    person = Person(ANY, segment({"not": of_people("none", SEEN)}, "t"))
    assert telling(person.hears(joins("acme"))) == [("acme", 0, [False])]


def test_who_changes_account_tells_both() -> None:
    person = Person(ANY)
    person.hears(joins("acme"))
    answer(person, True, False)
    assert person.segments == {"s"}
    decision = person.hears(joins("other", T0 + 5))
    assert telling(decision) == [("acme", 5, None), ("other", 5, [False])]
    assert moves(decision) == [("s", "exited", 5, f"joins@{T0 + 5}")]


def test_account_is_that_of_the_latest_event() -> None:
    person = Person(ANY)
    person.hears(joins("acme", T0 + 5))
    assert person.hears(joins("before", T0 + 4)).relays == []
    assert person.hears(joins("acme", T0 + 9)).relays == []
    assert person.hears(joins("before", T0 + 8)).relays == []
    assert telling(person.hears(joins("other", T0 + 9, id="m"))) == [
        ("acme", 9, None),
        ("other", 9, [False]),
    ]


@pytest.mark.parametrize("told", [account(T0 + 1, tier=1), joins("", T0 + 1)])
def test_a_group_event_without_an_id_says_nothing_of_the_account(told: Document) -> None:
    person = Person(ANY)
    person.hears(joins("acme"))
    assert person.hears(told).relays == []
    assert person.profile.belongs is not None
    assert person.profile.belongs.account == "acme"


def test_account_is_known_before_anybody_asks() -> None:
    person = Person()
    assert person.hears(joins("acme")).relays == []
    assert telling(person.gets(ANY)) == [("acme", 0, [False])]


def test_an_account_that_was_told_of_nobody_is_not_told_that_somebody_left() -> None:
    person = Person()
    person.hears(joins("acme"))
    assert person.hears(joins("other", T0 + 1)).relays == []


def test_traits_without_anything_in_them_change_nothing() -> None:
    person = Person(ANY)
    assert person.hears(identify()) == Decision()


def test_profile_with_an_account_is_the_same_from_its_bytes() -> None:
    person = Person(ANY)
    person.hears(joins("acme"))
    answer(person, True, False)
    found = decode("p", encode(person.profile))
    assert found == person.profile
    assert found.belongs == Belonging(
        "acme", T0, {key(person): False}, {key(person): (True, False)}
    )


# What is answered


@pytest.mark.parametrize(
    ("pair", "inside"),
    [
        ((False, False), {"none"}),
        ((True, False), {"any"}),
        ((True, True), {"any", "all"}),
    ],
)
def test_who_asks_turns_with_the_answer(pair: tuple[bool, bool], inside: set[str]) -> None:
    person = Person(*(segment(of_people(each, SEEN), each) for each in ("any", "all", "none")))
    person.hears(joins("acme"))
    assert person.segments == set()
    decision = answer(person, *pair, at_ms=T0 + 7)
    assert person.segments == inside
    assert {each.at - T0 for each in decision.segment_changes} == {7}
    assert {each.cause for each in decision.segment_changes} == {"account"}


def test_without_an_account_any_all_and_none_are_false() -> None:
    asked = [of_people(each, SEEN) for each in ("any", "all", "none")]
    person = Person(segment({"any": asked}), segment({"not": {"any": asked}}, "t"))
    person.hears(track("a"))
    assert person.segments == {"t"}


def test_scores_and_triggers_may_ask_too() -> None:
    person = Person(
        score(holding(of_people("any", SEEN), points=5)),
        trigger("b", tag("x"), when=of_people("all", {"event": "b"})),
        trigger(
            {"schedule": "0 0 * * *", "audience": of_people("any", SEEN)}, tag("y"), id="nightly"
        ),
    )
    person.hears(joins("acme"))
    assert len(person.compiled.people) == 2
    known = dict.fromkeys(person.compiled.people, (True, True))
    decision, due = Decision(), Due(T0, T0 // 1000)
    answered = Answered(account="acme", person="p", at=T0, cause="c", answers=known)
    decide.on_answered(
        person.compiled, person.profile, person.seen, answered, due=due, decision=decision
    )
    assert person.score() == 5
    person.hears(track("b", T0 + 1))
    person.waits(T0 + DAY)
    assert set(person.profile.tags) == {"x", "y"}


def test_answer_of_an_account_that_was_left_is_passed_over() -> None:
    person = Person(ANY)
    assert answer(person, True, True) == Decision()
    assert person.profile.is_new
    person.hears(joins("other", T0 + 1))
    assert answer(person, True, True, account="acme") == Decision()
    assert person.segments == set()


def test_answer_to_what_nobody_asks_here_is_not_kept() -> None:
    person = Person(ANY)
    person.hears(joins("acme"))
    answer(person, True, True, answers={"unknown": (True, True)})
    assert person.profile.belongs is not None
    assert person.profile.belongs.answers == {}


def test_answer_that_changes_nothing_leaves_no_trace() -> None:
    person = Person(ANY)
    person.hears(joins("acme"))
    answer(person, False, False, at_ms=T0 + 5)
    assert person.profile.clock == T0
    assert answer(person, False, False, at_ms=T0 + 6) == Decision()
    answer(person, True, True, at_ms=T0 + 7)
    assert person.profile.clock == T0 + 7


def test_timers_that_are_due_before_an_answer_come_before_it() -> None:
    person = Person(ANY, segment(SEEN, "own"))
    person.hears(joins("acme"))
    person.hears(track("a", T0 + 1))
    decision = answer(person, True, True, at_ms=T0 + 2 * HOUR)
    assert moves(decision) == [
        ("own", "exited", HOUR + 1, "clock"),
        ("s", "entered", 2 * HOUR, "account"),
    ]


def test_answer_that_comes_late_takes_effect_now() -> None:
    person = Person(ANY)
    person.hears(joins("acme"))
    person.hears(track("a", T0 + DAY))
    (change,) = answer(person, True, True, at_ms=T0 + 1).segment_changes
    assert (change.at, change.late) == (T0 + DAY, True)


def test_answer_is_no_activity_of_the_person() -> None:
    person = Person(ANY, trigger({"inactive": "1d"}))
    person.hears(joins("acme"))
    answer(person, True, True, at_ms=T0 + HOUR)
    assert [each.at for each in person.waits(T0 + 2 * DAY).commands] == [T0 + DAY]


# Scores of all people


BASE: Document = score(on("a", 5, within="1h"), id="base")


def rolled_up(function: str = "sum", points: int = 2) -> Document:
    rule = {"id": "team", "points": points, "people": {function: "base"}}
    return score(rule, id="team", limit=100)


def test_a_score_is_told_whenever_it_moves() -> None:
    person = Person(BASE, rolled_up())
    found = [person.hears(joins("acme")), person.hears(track("a", T0 + 1))]
    found += [person.hears(track("b", T0 + 2)), person.waits(T0 + DAY)]
    told = [each for decision in found for each in telling(decision)]
    assert told == [("acme", 0, [0]), ("acme", 1, [5]), ("acme", HOUR + 1, [0])]


def test_who_has_no_account_holds_nothing_and_tells_nobody() -> None:
    person = Person(BASE, rolled_up())
    assert person.hears(track("a")).relays == []
    assert person.score("team") == 0


def test_points_are_those_of_what_the_people_come_to() -> None:
    person = Person(BASE, rolled_up())
    person.hears(joins("acme"))
    (change,) = answer(person, True, True, answers={key(person): 7}).score_changes
    assert (change.new, change.rule, change.cause) == (14, "team", "account")
    answer(person, True, True, answers={key(person): 70})
    assert person.score("team") == 100
    person.hears(joins("other", T0 + 1))
    assert person.score("team") == 0


def test_scores_that_ask_the_same_share_what_is_told() -> None:
    twice = rolled_up() | {"id": "other"}
    person = Person(BASE, rolled_up(), twice, rolled_up("max") | {"id": "best"})
    assert len(person.compiled.people) == 2
    assert telling(person.hears(joins("acme"))) == [("acme", 0, [0, 0])]


# Triggers


ENTERED: Document = {"segment": "s", "change": "entered"}


def test_what_an_answer_turns_wakes_triggers_and_what_they_tell_is_heard() -> None:
    person = Person(ANY, trigger(ENTERED, emit("told")), segment({"event": "told"}, "t"))
    person.hears(joins("acme"))
    decision = answer(person, True, True)
    assert reasons(decision) == [("t", "fired")]
    assert person.segments == {"s", "t"}


def test_commands_of_different_causes_have_different_ids() -> None:
    person = Person(ANY, trigger(ENTERED))
    person.hears(joins("acme"))
    first = answer(person, True, True, cause="one").commands
    answer(person, False, False, cause="two")
    second = answer(person, True, True, cause="three").commands
    assert [each.occurrence for each in [*first, *second]] == ["account@one", "account@three"]
    assert first[0].id != second[0].id


def test_what_a_change_of_definitions_led_to_wakes_only_triggers_that_ask_for_it() -> None:
    person = Person(ANY, trigger(ENTERED), trigger(ENTERED, id="eager", fire_on_publish=True))
    person.hears(joins("acme"))
    assert reasons(answer(person, True, True, quiet=True)) == [("eager", "fired")]
    assert person.segments == {"s"}


def test_what_follows_of_a_change_of_definitions_is_said_to() -> None:
    person = Person()
    person.hears(joins("acme"))
    assert [each.quiet for each in person.gets(ANY).relays] == [True]
    assert [each.quiet for each in person.hears(track("a", T0 + 1)).relays] == [False]


def test_circles_through_triggers_and_accounts_come_to_an_end() -> None:
    turning = segment(of_people("none", {"tag": "x"}))
    gone = {"segment": "s", "change": "exited"}
    person = Person(
        turning,
        trigger(ENTERED, tag("x"), id="on"),
        trigger(gone, {"remove_tag": "x"}, id="off"),
    )
    waiting: list[Relay] = [*person.hears(joins("acme")).relays]
    last, heard = Decision(), 0
    while waiting:
        (told,) = waiting
        assert isinstance(told, Told)
        assert told.holds is not None
        (holds,) = told.holds.values()
        last = answer(person, bool(holds), bool(holds), hops=told.hops)
        waiting = last.relays
        heard += 1
    assert heard == MAX_HOPS + 1
    assert [reason for _, reason in reasons(last)] == ["loop"]


def test_told_events_count_the_accounts_that_led_to_them() -> None:
    person = Person(
        segment(of_people("any", {"tag": "x"})),
        trigger(ENTERED, emit("b"), id="tells"),
        trigger("b", tag("x"), id="tags"),
    )
    person.hears(joins("acme"))
    (told,) = answer(person, True, True, hops=3).relays
    assert told.hops == 4


# Other definitions


def test_what_ended_is_forgotten_and_told_again_where_it_comes_back() -> None:
    person = Person(ANY)
    person.hears(joins("acme"))
    answer(person, True, True)
    decision = person.gets(segment({"tag": "x"}, "t"))
    assert decision.relays == []
    assert person.profile.belongs == Belonging("acme", T0, {}, {})
    assert telling(person.gets(ANY)) == [("acme", 0, [False])]


def test_an_account_that_was_told_of_a_person_is_told_that_it_left_whatever_is_asked() -> None:
    person = Person(ANY)
    person.hears(joins("acme"))
    person.gets()
    assert telling(person.hears(joins("other", T0 + 1))) == [("acme", 1, None)]


def test_an_answer_reaches_who_has_not_been_evaluated_yet() -> None:
    person = Person()
    person.hears(joins("acme"))
    person.compiled = Person(ANY).compiled
    decision = answer(person, True, True)
    assert telling(decision) == [("acme", 0, [False])]
    assert person.segments == {"s"}
