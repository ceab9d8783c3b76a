"""Alarms: at which instants triggers are woken with no event at hand."""

from typing import Any

from processors.decisions.moments import Decision
from tests.builders import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    T0,
    Document,
    Person,
    emit,
    identify,
    reasons,
    segment,
    set_trait,
    tag,
    track,
    trigger,
)

EVERYBODY: Document = {"bucket": {"salt": "s", "from": 0, "to": 100}}
FORTNIGHT = 14 * DAY


def rings(decision: Decision) -> list[int]:
    """Returns when commands were given, in ms since T0."""
    return [each.at - T0 for each in decision.commands]


def idle(width: str = "14d", **keys: Any) -> Document:
    return trigger({"inactive": width} | keys)


# Nothing done


def test_who_does_nothing_is_noticed_once_and_at_the_instant() -> None:
    person = Person(idle())
    person.hears(track("a"))
    assert rings(person.waits(T0 + FORTNIGHT - 1)) == []
    decision = person.waits(T0 + 100 * DAY)
    assert rings(decision) == [FORTNIGHT]
    assert decision.commands[0].occurrence == f"clock@{T0 + FORTNIGHT}"
    assert person.profile.clock == T0 + FORTNIGHT
    assert rings(person.waits(T0 + 1000 * DAY)) == []


def test_any_event_of_any_type_arms_it_anew() -> None:
    person = Person(idle())
    person.hears(track("a"))
    person.hears(identify(T0 + 10 * DAY, plan="gold"))
    assert rings(person.waits(T0 + 20 * DAY)) == []
    assert rings(person.waits(T0 + 30 * DAY)) == [24 * DAY]
    person.hears(track("b", T0 + 40 * DAY))
    assert rings(person.waits(T0 + 60 * DAY)) == [54 * DAY]


def test_a_late_event_never_moves_it_back() -> None:
    person = Person(idle())
    person.hears(track("a", T0 + DAY))
    person.hears(track("b", T0))
    assert rings(person.waits(T0 + 30 * DAY)) == [15 * DAY]


def test_a_repeated_event_is_no_activity() -> None:
    person = Person(idle("1h"))
    for at_ms in (T0, T0 + 30 * MINUTE):
        person.hears(track("a", at_ms, id="m"))
    assert rings(person.waits(T0 + DAY)) == [HOUR]


def test_what_comes_of_a_message_is_activity_only_where_the_person_did_it() -> None:
    person = Person(idle("1h"))
    person.hears(track("a"))
    for minute, name in enumerate(("email.sent", "email.delivered", "sms.bounced"), 1):
        person.hears(track(name, T0 + minute * MINUTE))
    assert rings(person.waits(T0 + HOUR)) == [HOUR]
    person.hears(track("email.opened", T0 + 2 * HOUR))
    assert rings(person.waits(T0 + DAY)) == [3 * HOUR]


def test_what_triggers_tell_is_no_activity() -> None:
    person = Person(
        idle("1h"),
        trigger({"inactive": "1h", "event": "b"}, id="of-b"),
        trigger({"inactive": "1s"}, emit("b"), id="teller"),
    )
    person.hears(track("a"))
    assert rings(person.waits(T0 + DAY)) == [HOUR]
    person.hears(track("b", T0 + 2 * DAY))
    found = person.waits(T0 + 3 * DAY)
    assert [each.definition_id for each in found.commands] == ["of-b", "t"]


def test_nobody_is_idle_who_has_done_nothing_yet() -> None:
    person = Person(idle("1h", event="order"))
    person.hears(track("a"))
    assert rings(person.waits(T0 + DAY)) == []


def test_one_event_with_its_properties_may_be_what_is_missing() -> None:
    person = Person(idle("1h", event="order", where=[{"property": "total", "at_least": 10}]))
    person.hears(track("order", total=10))
    person.hears(track("order", T0 + MINUTE, total=9))
    person.hears(track("other", T0 + MINUTE))
    assert rings(person.waits(T0 + DAY)) == [HOUR]
    person.hears(track("order", T0 + 2 * DAY, total=10))
    person.hears(track("order", T0 + 2 * DAY + MINUTE, total=11))
    assert rings(person.waits(T0 + 3 * DAY)) == [2 * DAY + HOUR + MINUTE]


def test_condition_and_limit_are_asked_at_the_instant() -> None:
    person = Person(
        trigger({"inactive": "1h"}, when={"event": "a", "within": "1h"}, id="asks"),
        trigger({"inactive": "1h"}, limit={"times": 1}, id="once"),
    )
    person.hears(track("a"))
    assert reasons(person.waits(T0 + DAY)) == [("asks", "condition"), ("once", "fired")]
    assert person.profile.clock == T0 + HOUR
    person.hears(track("a", T0 + DAY))
    assert reasons(person.waits(T0 + 2 * DAY)) == [("asks", "condition"), ("once", "limit")]


def test_at_one_instant_segments_turn_first_and_then_triggers_by_priority() -> None:
    person = Person(
        segment({"event": "a", "within": "1h"}),
        trigger({"inactive": "1h"}, tag("x"), id="b", when={"segment": "s", "is": "out"}),
        trigger({"inactive": "1h"}, id="a"),
        trigger({"segment": "s", "change": "exited"}, id="c", priority=9),
    )
    person.hears(track("a"))
    decision = person.waits(T0 + DAY)
    assert [each for each, _ in reasons(decision)] == ["c", "a", "b"]
    assert {each.at for each in decision.decisions} == {T0 + HOUR}


def test_the_timer_comes_before_an_event_of_its_instant() -> None:
    person = Person(idle("1h"), trigger("b", id="heard"))
    person.hears(track("a"))
    decision = person.hears(track("b", T0 + HOUR))
    assert [each for each, _ in reasons(decision)] == ["t", "heard"]


# Dates of people


def dated(**keys: Any) -> Document:
    return trigger({"date": "ends"} | keys)


def test_a_date_wakes_on_its_day() -> None:
    person = Person(dated(offset="-2d", at="09:00"))
    person.hears(identify(ends="2026-01-10"))
    decision = person.waits(T0 + 100 * DAY)
    assert rings(decision) == [7 * DAY + 9 * HOUR]
    assert decision.commands[0].occurrence == f"clock@{T0 + 7 * DAY + 9 * HOUR}"


def test_a_changed_date_plans_anew() -> None:
    person = Person(dated())
    person.hears(identify(ends="2026-01-10"))
    person.hears(identify(T0 + DAY, ends="2026-01-12"))
    assert rings(person.waits(T0 + 10 * DAY)) == []
    person.hears(identify(T0 + 10 * DAY, ends=None))
    assert person.profile.timers == {}
    person.hears(identify(T0 + 10 * DAY + 1, ends="2026-01-12"))
    assert rings(person.waits(T0 + 20 * DAY)) == [11 * DAY]


def test_a_date_that_is_told_too_late_is_skipped() -> None:
    person = Person(dated(offset="-90d"), trigger({"date": "ends", "offset": "-7d"}, id="week"))
    person.hears(identify(ends="2026-01-21"))
    assert [each.definition_id for each in person.waits(T0 + 30 * DAY).commands] == ["week"]


def test_a_date_inside_of_a_trait_is_found() -> None:
    person = Person(trigger({"date": "contract.ends"}))
    person.hears(identify(contract={"ends": "2026-01-02"}))
    assert rings(person.waits(T0 + 30 * DAY)) == [DAY]


def test_birthdays_come_every_year() -> None:
    person = Person(dated(yearly=True))
    person.hears(identify(ends="1990-01-02"))
    assert rings(person.waits(T0 + 800 * DAY)) == [DAY, 366 * DAY, 731 * DAY]


def test_the_zone_of_the_person_counts_and_may_change() -> None:
    person = Person(dated(at="09:00", timezone="profile"))
    person.hears(identify(ends="2026-01-10", timezone="Nowhere"))
    assert person.profile.due == T0 + 9 * DAY + 9 * HOUR
    person.hears(identify(T0 + 1, timezone="America/New_York"))
    assert rings(person.waits(T0 + 30 * DAY)) == [9 * DAY + 14 * HOUR]


def test_a_date_that_a_trigger_sets_is_planned() -> None:
    person = Person(dated(), trigger("a", set_trait("ends", "2026-01-03"), id="setter"))
    person.hears(track("a"))
    assert [each.at - T0 for each in person.waits(T0 + DAY * 9).commands] == [2 * DAY]


# Schedules


def daily(id: str = "t", audience: Document = EVERYBODY, **keys: Any) -> Document:
    return trigger({"schedule": "0 9 * * *", "audience": audience} | keys, id=id)


def test_a_schedule_ticks_for_everybody_from_their_first_event_on() -> None:
    person = Person(daily())
    person.hears(track("a", T0 + 9 * HOUR))
    decision = person.waits(T0 + 3 * DAY + 9 * HOUR)
    assert rings(decision) == [day * DAY + 9 * HOUR for day in (1, 2, 3)]
    assert decision.commands[0].occurrence == f"clock@{T0 + DAY + 9 * HOUR}"


def test_the_audience_is_asked_at_each_tick() -> None:
    person = Person(daily(audience={"event": "a", "within": "2d"}))
    person.hears(track("a"))
    assert rings(person.waits(T0 + 30 * DAY)) == [9 * HOUR, 33 * HOUR]


def test_who_is_not_in_the_audience_is_left_out_without_a_trace() -> None:
    person = Person(daily(audience={"tag": "vip"}))
    person.hears(track("a"))
    decision = person.waits(T0 + 3 * DAY)
    assert (decision.decisions, decision.fired) == ([], 3)
    assert (person.profile.clock, person.profile.due) == (T0, T0 + 3 * DAY + 9 * HOUR)


def test_a_refused_tick_is_a_decision_and_moves_the_clock() -> None:
    person = Person(daily() | {"when": {"tag": "vip"}})
    person.hears(track("a"))
    assert reasons(person.waits(T0 + DAY)) == [("t", "condition")]
    assert person.profile.clock == T0 + 9 * HOUR


def test_a_tick_that_has_come_does_not_come_again_for_a_late_event() -> None:
    person = Person(daily(audience={"tag": "vip"}), trigger("b", tag("vip"), id="tags"))
    person.hears(track("a"))
    person.waits(T0 + DAY)
    person.hears(track("b", T0 + HOUR))
    assert rings(person.waits(T0 + 2 * DAY)) == [33 * HOUR]


def test_ticks_that_have_come_do_not_come_again_in_another_zone() -> None:
    person = Person(
        daily(audience={"tag": "vip"}, timezone="profile"), trigger("b", tag("vip"), id="tags")
    )
    person.hears(track("a"))
    person.waits(T0 + 10 * HOUR)
    person.hears(track("b", T0 + HOUR))
    person.hears(identify(T0 + 2 * HOUR, timezone="Europe/Berlin"))
    assert rings(person.waits(T0 + 2 * DAY)) == [DAY + 8 * HOUR]


def test_a_schedule_goes_by_the_clocks_of_its_zone() -> None:
    person = Person(daily(timezone="America/New_York"))
    march = T0 + 65 * DAY
    person.hears(track("a", march))
    found = [at - 65 * DAY for at in rings(person.waits(march + 3 * DAY))]
    assert found == [14 * HOUR, DAY + 13 * HOUR, 2 * DAY + 13 * HOUR]


def test_a_new_schedule_does_not_make_up_for_the_past() -> None:
    person = Person()
    person.hears(track("a"))
    person.gets(daily(), adopted_ms=T0 + 365 * DAY + 9 * HOUR)
    assert rings(person.waits(T0 + 367 * DAY)) == [366 * DAY + 9 * HOUR]


def test_a_tick_comes_once_though_definitions_change_before_it() -> None:
    person = Person(daily())
    person.hears(track("a"))
    person.gets(daily(), daily("new"), adopted_ms=T0 + 9 * HOUR - 1)
    found = [(each.definition_id, each.at - T0) for each in person.waits(T0 + 10 * HOUR).commands]
    assert found == [("new", 9 * HOUR), ("t", 9 * HOUR)]


# When definitions change


def test_new_definitions_count_from_the_latest_that_is_known() -> None:
    person = Person()
    person.hears(track("a", T0 - DAY))
    person.hears(track("a"))
    assert reasons(person.gets(idle(), adopted_ms=T0 + DAY)) == []
    assert rings(person.waits(T0 + 100 * DAY)) == [FORTNIGHT]


def test_an_instant_before_the_definitions_became_active_is_skipped() -> None:
    person = Person()
    person.hears(track("a"))
    person.gets(idle(), adopted_ms=T0 + FORTNIGHT)
    assert rings(person.waits(T0 + 100 * DAY)) == []


def test_an_alarm_that_was_not_due_yet_is_set_anew() -> None:
    person = Person(idle("1h"))
    person.hears(track("a"))
    person.gets(idle("2h"), adopted_ms=T0 + HOUR - 1)
    assert rings(person.waits(T0 + DAY)) == [2 * HOUR]


def test_what_no_definition_asks_for_is_forgotten() -> None:
    person = Person(idle())
    person.hears(track("a"))
    assert person.profile.active == T0
    person.gets(trigger("a"))
    assert (person.profile.active, person.profile.timers) == (0, {})
    person.hears(track("a", T0 + SECOND))
    assert person.profile.active == 0
