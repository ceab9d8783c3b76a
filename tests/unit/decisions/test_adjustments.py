"""Points that triggers give for a time: they add up, end by themselves, and set off no loop."""

from typing import Any

from processors.decisions.triggers import LOOP
from processors.state import profiles
from processors.state.adjustments import MAX_ADJUSTMENTS
from tests.builders import (
    DAY,
    HOUR,
    T0,
    Document,
    Person,
    emit,
    group,
    holding,
    identify,
    on,
    points,
    reasons,
    score,
    segment,
    tag,
    track,
    trigger,
)


def lent(number: int, width: str = "1h", **keys: Any) -> Document:
    return {"add_points": {"score": "fit", "points": number, "for": width} | keys}


FIT = score(on("a", 1), floor=None)
GIVE = trigger("b", lent(10), id="give")


def changes(decision: Any) -> list[tuple[float, float, int, str]]:
    """Returns how scores moved: from, to, ms since T0, cause."""
    return [(each.old, each.new, each.at - T0, each.cause) for each in decision.score_changes]


def test_points_for_a_time_end_at_their_instant_by_the_clock() -> None:
    person = Person(FIT, GIVE)
    assert changes(person.hears(track("b", id="m"))) == [(0, 10, 0, "m")]
    assert changes(person.waits(T0 + HOUR - 1)) == []
    decision = person.waits(T0 + HOUR)
    assert changes(decision) == [(10, 0, HOUR, "clock")]
    assert decision.score_changes[0].rule is None
    assert (person.score(), person.points()) == (0, {})
    assert not person.profile.adjustments
    assert changes(person.waits(T0 + 9 * DAY)) == []


def test_they_are_entries_of_their_own_and_overwrite_nothing() -> None:
    person = Person(FIT, GIVE, trigger("c", points(5), id="more"))
    for each in (track("b"), track("a", T0 + 1), track("b", T0 + 2), track("c", T0 + 3)):
        person.hears(each)
    assert person.score() == 26
    assert changes(person.waits(T0 + DAY)) == [
        (26, 16, HOUR, "clock"),
        (16, 6, HOUR + 2, "clock"),
    ]


def test_those_that_end_together_end_in_one_change() -> None:
    person = Person(FIT, trigger("b", lent(10), lent(-3)))
    assert changes(person.hears(track("b"))) == [(0, 7, 0, f"b@{T0}")]
    assert changes(person.waits(T0 + DAY)) == [(7, 0, HOUR, "clock")]


def test_those_that_cancel_out_end_without_a_change() -> None:
    person = Person(FIT, trigger("b", lent(10), lent(-10)))
    person.hears(track("b"))
    decision = person.waits(T0 + DAY)
    assert (changes(decision), decision.fired) == ([], 1)


def test_what_was_taken_for_good_meanwhile_stays_taken() -> None:
    person = Person(FIT, GIVE, trigger("c", points(-10), id="take"))
    person.hears(track("b"))
    person.hears(track("c", T0 + 1))
    assert (person.score(), person.points()) == (0, {})
    assert changes(person.waits(T0 + DAY)) == [(0, -10, HOUR, "clock")]


def test_bounds_hold_for_them_as_for_all_points() -> None:
    person = Person(score(on("a", 95), limit=100), GIVE)
    person.hears(track("a"))
    assert changes(person.hears(track("b", T0 + 1))) == [(95, 100, 1, f"b@{T0 + 1}")]
    assert changes(person.waits(T0 + DAY)) == [(100, 95, HOUR + 1, "clock")]


def test_of_more_than_a_hundred_those_that_end_first_end_at_once() -> None:
    person = Person(FIT, trigger("b", lent(1, "1d")), trigger("c", lent(7, "1h"), id="short"))
    person.hears(track("c"))
    for number in range(MAX_ADJUSTMENTS - 1):
        person.hears(track("b", T0 + number))
    assert person.score() == 7 + 99
    person.hears(track("b", T0 + 99))
    assert person.score() == 100
    person.hears(track("c", T0 + 100))
    person.hears(track("b", T0 + 101))
    assert person.score() == 101 - 1 == len((person.profile.adjustments or {})["fit"])


def test_levels_segments_and_triggers_turn_at_the_end() -> None:
    person = Person(
        score(on("a", 1), levels={"hot": 10, "cold": 0}),
        segment({"score": "fit", "level": "hot"}),
        GIVE,
        trigger({"score": "fit", "crosses": 10, "direction": "down"}, tag("cooled"), id="down"),
        trigger({"segment": "s", "change": "exited"}, id="left"),
    )
    person.hears(track("b"))
    assert person.segments == {"s"}
    decision = person.waits(T0 + DAY)
    assert reasons(decision) == [("down", "fired"), ("left", "fired")]
    assert {each.at for each in decision.decisions} == {T0 + HOUR}
    assert (person.segments, person.profile.tags) == (set(), ["cooled"])


def test_score_with_points_that_fade_gives_back_what_was_lent() -> None:
    fading = score(groups=[group(on("a", 8, decay={"half_life": "1h"}))])
    person = Person(fading, GIVE)
    person.hears(track("a"))
    person.hears(track("b", T0))
    assert person.score() == 18
    assert changes(person.waits(T0 + HOUR)) == [(18, 4, HOUR, "clock")]


def test_combined_score_follows() -> None:
    both: Document = {"kind": "score", "id": "both", "name": "b"}
    both["combined"] = {"of": ["fit", "other"]}
    person = Person(FIT, score(on("z"), id="other"), both, GIVE)
    person.hears(track("b"))
    assert person.score("both") == 10
    person.waits(T0 + HOUR)
    assert person.score("both") == 0


# No loop


DOWN: Document = {"score": "fit", "crosses": 10, "direction": "down"}


def test_the_end_does_not_have_its_own_trigger_give_again() -> None:
    person = Person(FIT, GIVE, trigger(DOWN, lent(10), id="again"))
    person.hears(track("b"))
    assert reasons(person.waits(T0 + 9 * DAY)) == [("again", LOOP)]
    assert person.score() == 0


def test_nor_does_it_by_way_of_others_or_of_events_that_they_tell() -> None:
    person = Person(
        FIT,
        GIVE,
        trigger(DOWN, tag("x"), emit("b"), id="down"),
        trigger({"tag": "x", "change": "added"}, lent(1), id="tagged"),
    )
    person.hears(track("b"))
    found = reasons(person.waits(T0 + 9 * DAY))
    assert found == [("down", "fired"), ("tagged", LOOP), ("give", LOOP)]
    assert person.score() == 0


def test_what_the_person_does_may_give_again() -> None:
    person = Person(FIT, trigger(DOWN, lent(10), id="again"), trigger("c", points(-5), id="take"))
    person.hears(track("a", T0, id="1"))
    person.hears(track("a", T0, id="2"))
    for number in range(8):
        person.hears(track("a", T0 + number, id=f"n{number}"))
    assert person.score() == 10
    assert reasons(person.hears(track("c", T0 + 9))) == [("take", "fired"), ("again", "fired")]
    assert person.score() == 15


def test_a_schedule_may_give_again_at_the_instant_at_which_the_last_ones_end() -> None:
    audience: Document = {"trait": "plan", "is_set": True}
    daily: Document = {"schedule": "0 9 * * *", "audience": audience}
    person = Person(FIT, trigger(daily, lent(10, "1d"), emit("told"), id="daily"))
    person.hears(identify(plan="x"))
    decision = person.waits(T0 + 3 * DAY)
    assert reasons(decision) == [("daily", "fired")] * 3
    assert person.score() == 10


def test_what_such_a_schedule_leads_to_is_no_loop_either() -> None:
    audience: Document = {"trait": "plan", "is_set": True}
    daily: Document = {"schedule": "0 9 * * *", "audience": audience}
    person = Person(
        FIT, trigger(daily, emit("told"), id="daily"), trigger("told", lent(10, "1d"), id="give")
    )
    person.hears(identify(plan="x"))
    assert reasons(person.waits(T0 + 2 * DAY)) == [("daily", "fired"), ("give", "fired")] * 2


def test_the_end_is_no_activity() -> None:
    person = Person(FIT, GIVE, trigger({"inactive": "2h"}, id="idle"))
    person.hears(track("b"))
    (decided,) = person.waits(T0 + DAY).decisions
    assert (decided.definition_id, decided.at) == ("idle", T0 + 2 * HOUR)


# Definitions that change


def test_they_end_though_the_trigger_that_gave_them_is_gone() -> None:
    person = Person(FIT, GIVE)
    person.hears(track("b"))
    person.gets(FIT, adopted_ms=T0 + 1)
    assert person.score() == 10
    assert changes(person.waits(T0 + DAY)) == [(10, 0, HOUR, "clock")]


def test_they_go_with_their_score() -> None:
    person = Person(FIT, GIVE)
    person.hears(track("b"))
    person.gets(segment({"tag": "x"}))
    assert not person.profile.adjustments
    person.gets(FIT, GIVE)
    assert changes(person.waits(T0 + DAY)) == []


def test_they_go_where_their_score_becomes_one_that_combines_others() -> None:
    person = Person(FIT, GIVE)
    person.hears(track("b"))
    combined: Document = {"kind": "score", "id": "fit", "name": "fit"}
    combined["combined"] = {"of": ["x", "y"]}
    person.gets(score(on("a"), id="x"), score(on("a"), id="y"), combined)
    person.gets(FIT, GIVE)
    assert person.score() == 0
    assert changes(person.waits(T0 + DAY)) == []


def test_they_are_part_of_the_bytes_of_a_profile() -> None:
    person = Person(FIT, GIVE)
    person.hears(track("b"))
    again = profiles.decode("p", profiles.encode(person.profile))
    assert again.adjustments == {"fit": [(T0 + HOUR, 10)]}


# Reasons


def test_reason_is_part_of_the_record() -> None:
    person = Person(FIT, trigger("b", lent(10, reason="ticket solved")))
    (change,) = person.hears(track("b")).score_changes
    assert (change.reason, change.rule) == ("ticket solved", None)
    (end,) = person.waits(T0 + DAY).score_changes
    assert end.reason is None


def test_reason_is_none_where_several_added_at_once() -> None:
    person = Person(FIT, trigger("b", lent(10, reason="one"), points(3)))
    (change,) = person.hears(track("b")).score_changes
    assert change.reason is None


def test_reason_belongs_to_its_score_and_to_its_move_alone() -> None:
    why: Document = {"add_points": {"score": "fit", "points": 3, "reason": "why"}}
    person = Person(
        score(on("a", 1), holding({"tag": "x"}, 2, id="tagged")),
        score(groups=[group(on("b", 8, decay={"half_life": "1h"}))], id="fading"),
        trigger("b", why, id="gift"),
        trigger({"score": "fit", "crosses": 3}, tag("x"), id="tagger"),
    )
    found = person.hears(track("b")).score_changes
    assert [(each.score_id, each.new, each.reason, each.rule) for each in found] == [
        ("fading", 8, None, "b"),
        ("fit", 3, "why", None),
        ("fit", 5, None, "tagged"),
    ]


def test_reason_is_told_of_scores_that_fade_too() -> None:
    why: Document = {"add_points": {"score": "fit", "points": 3, "reason": "why"}}
    fading = score(groups=[group(on("a", 8, decay={"half_life": "1h"}))])
    (change,) = Person(fading, trigger("b", why)).hears(track("b")).score_changes
    assert change.reason == "why"
