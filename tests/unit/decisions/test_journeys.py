"""Journeys: who may enter, what moves runs, and what ends them."""

from tests.builders import (
    DAY,
    HOUR,
    SEND,
    T0,
    Document,
    Person,
    journey,
    reasons,
    runs,
    step,
    tag,
    track,
    wait,
)

TAGGED = step("tagged", tag("x"))
HELLO = step("hello", SEND)


def entered(person: Person, *events: Document) -> list[str]:
    """Returns what was decided of the entry at each event."""
    return [reason for each in events for _, reason in reasons(person.hears(each))]


# From step to step


def test_a_run_goes_on_until_it_waits() -> None:
    person = Person(journey("a", TAGGED, wait(for_="1h"), HELLO))
    found = person.hears(track("a"))
    assert runs(found) == [
        ("entered", "", None),
        ("done", "tagged", None),
        ("waiting", "wait", None),
    ]
    assert found.runs[-1].until == T0 + HOUR
    assert person.profile.tags == ["x"]
    assert person.profile.due == T0 + HOUR
    found = person.waits(T0 + DAY)
    assert runs(found) == [
        ("went", "wait", "due"),
        ("done", "hello", None),
        ("completed", "", None),
    ]
    (command,) = found.commands
    assert (command.at, command.step, command.definition_id) == (T0 + HOUR, "hello", "j")
    assert command.occurrence == f"{found.runs[0].run_id}/3"
    assert not person.profile.journeys.runs


def test_a_way_of_its_own_leads_elsewhere() -> None:
    steps = [step("one", tag("x"), go="three"), step("two", tag("y")), step("three", go="two")]
    steps.append(step("end", exit="over"))
    steps[1]["go"] = "end"
    found = Person(journey("a", *steps)).hears(track("a"))
    assert runs(found)[1:] == [
        ("done", "one", None),
        ("done", "two", None),
        ("exited", "end", "over"),
    ]


def test_commands_carry_what_the_run_knows() -> None:
    person = Person(journey("a", wait("look", until={"event": "b"}), HELLO))
    person.hears(track("a", cart="c1"))
    (command,) = person.hears(track("b", T0 + 1, page=3)).commands
    assert command.properties == {"cart": "c1", "look": {"page": 3}}
