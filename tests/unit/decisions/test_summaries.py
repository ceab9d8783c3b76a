"""Summaries: what was over a cap goes as one message, as soon as there is room."""

from typing import Any

import msgspec

from processors.decisions import summaries
from processors.decisions.moments import Decision
from processors.state.contacts import Contact
from schemas.commands import Command
from schemas.events import iso
from tests.builders import (
    HOUR,
    T0,
    Document,
    Person,
    at,
    cap,
    identify,
    policy,
    send,
    topic,
    track,
    trigger,
)

NIGHT = {"from": "21:00", "to": "08:00"}
COMBINING = cap(over="combine", summary="day")
TRIGGERS = (
    trigger("a", send(template="a"), id="a", priority=5),
    trigger("b", send(template="b"), id="b", priority=8),
    trigger("n", send("news", template="n"), id="n", priority=3),
    trigger("s", send("shop", template="s"), id="s", priority=4),
)
TOPICS = (topic(), topic("shop"))


def person(*policies: Document, **keys: Any) -> Person:
    summed: Document = policy(channels=["email"], caps=[COMBINING]) | keys
    return Person(*TRIGGERS, *TOPICS, summed, *policies)


def does(person: Person, hours: float, name: str = "a", **properties: Any) -> Decision:
    id = f"{name}{hours}{len(person.profile.seen)}"
    return person.hears(track(name, at(hours), id=id, **properties))


def answers(decision: Decision) -> list[tuple[str, str, float | None]]:
    """Returns what was said of messages: whose, why, and until when, in hours since T0."""
    return [
        (each.definition_id, each.reason, None if each.until is None else (each.until - T0) / HOUR)
        for each in decision.decisions
        if each.command_id is not None
    ]


def parts(command: Command) -> list[str]:
    """Returns the templates of what a message combines."""
    return [each["template"] for each in command.properties.get("combined", ())]


def sent(decision: Decision) -> list[tuple[str | None, list[str]]]:
    return [(each.template, parts(each)) for each in decision.commands]


def test_who_was_never_mailed_gets_the_first_at_once_and_the_others_as_one() -> None:
    one = person()
    assert answers(does(one, 0)) == [("a", "allowed", None)]
    first = does(one, 1, "a", item="hat")
    second = does(one, 2, "b", item="coat")
    assert (answers(first), answers(second)) == ([("a", "cap", 24)], [("b", "cap", 24)])
    found = one.waits(at(24))
    (command,) = found.commands
    (waited,) = (each for each in second.decisions if each.command_id)
    assert (command.id, command.definition_id) == (waited.command_id, "b")
    assert (command.template, command.priority, command.at) == ("day", 8, at(24))
    assert command.properties == {
        "item": "coat",
        "combined": [
            {
                "template": template,
                "topic": None,
                "definition_id": template,
                "at": iso(at(made)),
                "properties": {"item": item},
            }
            for template, made, item in (("b", 2, "coat"), ("a", 1, "hat"))
        ],
    }
    assert answers(found) == [("b", "released", None), ("a", "combined", None)]
    combined = found.decisions[-1]
    assert (combined.outcome, combined.summary_id) == ("yes", command.id)
    assert combined.command_id == first.decisions[-1].command_id
    assert found.decisions[-2].summary_id is None


def test_what_waits_alone_goes_as_it_is() -> None:
    one = person()
    does(one, 0)
    does(one, 1, item="hat")
    found = one.waits(at(24))
    assert (sent(found), answers(found)) == ([("a", [])], [("a", "released", None)])
    assert found.commands[0].properties == {"item": "hat"}


def test_a_summary_counts_once() -> None:
    one = person(caps=[cap(2, over="combine", summary="day")])
    for hours in (0, 1, 2, 3, 4):
        does(one, hours)
    assert sent(one.waits(at(24))) == [("day", ["a", "a", "a"])]
    assert one.profile.contact is not None
    assert one.profile.contact.sends == {"p/c": [at(1), at(24)]}
    assert answers(does(one, 24.5)) == [("a", "cap", 25)]


def test_of_like_ones_the_earlier_is_the_first() -> None:
    one = person()
    does(one, 0)
    first = does(one, 1).decisions[-1].command_id
    does(one, 2)
    (command,) = one.waits(at(24)).commands
    assert (command.id, command.properties["combined"][0]["at"]) == (first, iso(at(1)))


def test_those_that_waited_for_room_go_as_one_though_there_is_room_for_each() -> None:
    daily = {"id": "c", "times": 3, "per": "day", "over": "combine", "summary": "day"}
    one = person(caps=[daily])
    for hours in (0, 1, 2, 3, 4):
        does(one, hours)
    assert sent(one.waits(at(24))) == [("day", ["a", "a"])]
    assert [answers(does(one, hours))[0][1] for hours in (25, 26, 27)] == [
        "allowed",
        "allowed",
        "cap",
    ]


def test_what_waits_for_something_else_goes_by_itself_where_there_is_room() -> None:
    one = person(caps=[cap(2, over="combine", summary="day")], quiet_hours=NIGHT)
    does(one, 22)
    does(one, 23, "b")
    found = one.waits(at(32))
    assert sent(found) == [("b", []), ("a", [])]


def test_what_finds_no_room_at_the_instant_at_which_another_one_goes_goes_with_it() -> None:
    one = person(quiet_hours=NIGHT)
    does(one, 22)
    does(one, 23, "b")
    found = one.waits(at(32))
    assert (sent(found), answers(found)[1]) == ([("day", ["b", "a"])], ("a", "combined", None))


def test_what_was_over_the_cap_is_combined_also_after_quiet_hours() -> None:
    later = {"from": "12:00", "to": "14:00"}
    one = person(quiet_hours=later, caps=[cap(2, "12h", over="combine", summary="day")])
    for hours in (0.5, 0.6, 1, 2):
        does(one, hours)
    assert answers(one.waits(at(12.5))) == [("a", "quiet-hours", 14)] * 2
    assert sent(does(one, 14, "b")) == [("day", ["a", "a"]), ("b", [])]


def test_each_is_asked_from_the_first_question_on() -> None:
    one = person()
    for name in "abns":
        does(one, 0, name)
    does(one, 1, "consent.denied", channel="email", topic="news")
    found = one.waits(at(24))
    assert sent(found) == [("day", ["b", "s"])]
    does(one, 25, "s")
    does(one, 26)
    found = does(one, 30, "email.complained")
    assert answers(found) == [("s", "suppressed", None), ("a", "suppressed", None)]
    assert one.waits(at(72)).commands == []


def test_other_caps_are_asked_of_each_by_itself() -> None:
    weekly = cap(1, "7d", "w", over="defer")
    one = person(policy("q", topics=["shop"], caps=[weekly]))
    for name in "sabs":
        does(one, 0, name)
    found = one.waits(at(24))
    assert sent(found) == [("day", ["b", "a"])]
    assert answers(one.waits(at(7 * 24))) == [("s", "released", None)]


def test_a_summary_counts_once_in_each_cap_of_what_it_combines() -> None:
    weekly = cap(1, "7d", "w")
    one = person(policy("q", topics=["shop"], caps=[weekly]))
    for name in "abss":
        does(one, 0, name)
    assert sent(one.waits(at(24))) == [("day", ["b", "s", "s"])]
    assert one.profile.contact is not None
    assert one.profile.contact.sends == {"p/c": [at(24)], "q/w": [at(24)]}
    assert answers(does(one, 25, "s")) == [("s", "cap", None)]


def test_what_waits_for_room_in_another_cap_alone_is_not_combined() -> None:
    both = [cap(3, over="combine", summary="day"), cap(1, "1h", "h", over="defer")]
    one = person(caps=both)
    for hours in (0, 0.1, 0.2):
        does(one, hours)
    assert sent(one.waits(at(1))) == [("a", [])]
    assert sent(one.waits(at(2))) == [("a", [])]


def test_a_summary_says_all_that_it_is_about() -> None:
    one = person()
    for name in "abnsns":
        does(one, 0, name)
    (command,) = one.waits(at(24)).commands
    assert (command.topic, command.topics) == (None, ["shop", "news"])
    does(one, 25, "s")
    does(one, 26, "n")
    does(one, 27, "n")
    (command,) = one.waits(at(48)).commands
    assert (command.topic, command.topics) == ("shop", ["news"])


def test_what_has_no_topic_is_about_all_of_the_channel() -> None:
    plain = trigger("low", send(template="low"), id="low", priority=1)
    one = Person(*TRIGGERS, *TOPICS, plain, policy(channels=["email"], caps=[COMBINING]))
    for name in ("a", "n", "low"):
        does(one, 0, name)
    (command,) = one.waits(at(24)).commands
    assert (command.topic, command.topics) == ("news", ["*"])


def test_a_summary_is_of_no_use_from_when_on_one_of_its_messages_is_of_none() -> None:
    one = person(policy("q", topics=["shop"], expires="30h"))
    for hours, name in ((0, "a"), (1, "b"), (2, "s"), (3, "s")):
        does(one, hours, name)
    (command,) = one.waits(at(24)).commands
    assert (parts(command), command.expires_at) == (["b", "s", "s"], at(32))


def test_what_is_called_like_the_list_stands_in_the_list_only() -> None:
    one = person()
    for hours in (0, 1, 2):
        does(one, hours, combined="mine")
    (command,) = one.waits(at(24)).commands
    found = command.properties["combined"]
    assert [each["properties"] for each in found] == [{"combined": "mine"}] * 2


LONG = "x" * (summaries.MAX_BYTES // 4 - 1_000)
"""Of what is as long, four fit into a summary."""


def test_what_does_not_fit_waits_for_the_next_room() -> None:
    one = person()
    does(one, 0)
    for hours in range(1, 7):
        does(one, hours, text=LONG)
    does(one, 7, "n")
    found = one.waits(at(24))
    assert sent(found) == [("day", ["a", "a", "a", "a", "n"])]
    size = len(msgspec.json.encode(found.commands[0].properties["combined"]))
    assert size < summaries.MAX_BYTES
    assert answers(found)[4:6] == [("a", "cap", 48)] * 2
    assert sent(one.waits(at(48))) == [("day", ["a", "a"])]


def test_what_does_not_fit_begins_the_next_summary_where_there_is_room() -> None:
    daily = {"id": "c", "times": 2, "per": "day", "over": "combine", "summary": "day"}
    one = person(caps=[daily])
    for hours in range(7):
        does(one, hours, text=LONG)
    does(one, 7, "n")
    found = one.waits(at(24))
    assert sent(found) == [("day", ["a", "a", "a", "a"]), ("day", ["a", "n"])]


def test_only_the_best_of_an_arbitration_are_combined() -> None:
    one = person(arbitration={"wait": "1h", "best": 2, "others": "drop"})
    does(one, 0)
    one.waits(at(1))
    for name in "abs":
        does(one, 2, name)
    assert [each[1] for each in answers(one.waits(at(3)))] == ["cap", "cap", "outbid"]
    assert [each[1] for each in answers(one.waits(at(25)))] == ["arbitration"] * 2
    assert sent(one.waits(at(26))) == [("day", ["b", "a"])]


def test_what_is_combined_takes_its_place_among_the_best() -> None:
    one = person(arbitration={"wait": "1h", "best": 2, "others": "defer"}, caps=[COMBINING])
    does(one, 0)
    one.waits(at(1))
    for name in "abs":
        does(one, 2, name)
    one.waits(at(25))
    found = one.waits(at(26))
    assert sent(found) == [("day", ["b", "a"])]
    assert answers(found)[-1] == ("s", "outbid", 27)


def test_others_go_in_the_first_one_though_another_one_went_by_itself_between() -> None:
    daily = {"id": "c", "times": 3, "per": "day", "over": "combine", "summary": "day"}
    evening = {"from": "20:00", "to": "00:00"}
    one = person(policy("q", topics=["shop"], quiet_hours=evening), caps=[daily])
    for hours in (0, 1, 2):
        does(one, hours)
    for hours, name in ((3, "a"), (4, "n"), (21, "s")):
        does(one, hours, name)
    assert sent(one.waits(at(24))) == [("day", ["a", "n"]), ("s", [])]


def test_a_summary_goes_by_the_clocks_of_who_has_moved() -> None:
    daily = {"id": "c", "times": 1, "per": "day", "over": "combine", "summary": "day"}
    one = person(caps=[daily])
    for hours in (6, 7, 8):
        does(one, hours)
    one.hears(identify(at(9), timezone="America/New_York"))
    assert answers(one.waits(at(24))) == [("a", "cap", 29)] * 2
    assert sent(one.waits(at(29))) == [("day", ["a", "a"])]


def test_what_waits_goes_each_by_itself_where_nothing_is_combined_any_more() -> None:
    one = person()
    for hours in (0, 1, 2):
        does(one, hours)
    one.gets(*TRIGGERS, *TOPICS, policy(channels=["email"], caps=[cap(9)]))
    assert sent(one.waits(at(24))) == [("a", []), ("a", [])]


def test_what_waits_goes_under_the_template_that_the_cap_has_then() -> None:
    one = person()
    for hours in (0, 1, 2):
        does(one, hours)
    other = COMBINING | {"summary": "other"}
    one.gets(*TRIGGERS, *TOPICS, policy(channels=["email"], caps=[other]))
    assert sent(one.waits(at(24))) == [("other", ["a", "a"])]


def test_what_waited_before_caps_could_combine_is_read() -> None:
    one = person()
    for hours in (0, 1):
        does(one, hours)
    assert one.profile.contact is not None
    rows = msgspec.to_builtins(one.profile.contact)
    assert rows[-1][0].pop() == "p/c"
    contact = msgspec.convert(rows, Contact)
    assert [each.over for each in contact.held] == [None]
    one.profile.contact = contact
    does(one, 2)
    assert sent(one.waits(at(24))) == [("day", ["a", "a"])]
