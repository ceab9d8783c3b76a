"""Cases through the engine, step by step."""

from processors.cases import runs
from processors.cases.files import CaseFile
from processors.definitions import sets
from processors.definitions.errors import Path
from tests.builders import Document, segment, trigger
from tests.unit.cases.builders import FILE, case, differences, results, said

DEFINITIONS = [segment({"event": "a", "within": "1h"}), trigger("a")]
NONE: Document = {"expect": {"commands": []}}


def test_case_passes_where_nothing_differs() -> None:
    (result,) = results(DEFINITIONS, case({"event": "a", "expect": {"segments": {"s": "in"}}}))
    assert result.has_passed
    assert (result.name, result.line) == ("a", 1)
    assert result.duration_s > 0


def test_commands_are_those_since_the_last_expectation_that_named_commands() -> None:
    one: Document = {"commands": [{"trigger": "t"}]}
    steps: list[Document] = [
        {"event": "a"},
        {"after": "1m", "expect": {"segments": {"s": "in"}}},
        {"after": "1m", "expect": one},
        NONE,
        {"event": "a", "expect": one},
        {"event": "a"},
        NONE,
    ]
    (told,) = differences(DEFINITIONS, *steps)
    assert told.path[:4] == ("cases", 0, "steps", 6)


def test_decisions_are_those_since_the_last_expectation_that_named_decisions() -> None:
    yes: Document = {"decisions": [{"trigger": "t", "outcome": "yes"}]}
    steps: list[Document] = [{"event": "a", "expect": {"commands": [{"trigger": "t"}]}}]
    assert differences(DEFINITIONS, *steps, {"expect": yes}) == []
    (told,) = differences(DEFINITIONS, *steps, {"expect": yes}, {"expect": yes})
    assert told.path[:4] == ("cases", 0, "steps", 2)


def test_reasons_for_a_missing_command_are_those_of_its_time() -> None:
    steps: list[Document] = [
        {"event": "a", "expect": {"commands": [{"trigger": "t"}]}},
        {"after": "1h", "expect": {"commands": [{"trigger": "t"}]}},
    ]
    (told,) = differences(DEFINITIONS, *steps)
    assert told.notes == ('trigger t: never asked, since {"event":"a"} did not come',)


def test_case_goes_on_after_a_difference() -> None:
    steps: list[Document] = [
        {"event": "a", "expect": {"segments": {"s": "out"}}},
        {"after": "1h", "expect": {"segments": {"s": "in"}}},
    ]
    assert said(differences(DEFINITIONS, *steps)) == [("out", "in"), ("in", "out")]


def test_event_that_is_refused_fails_the_case() -> None:
    (told,) = differences(DEFINITIONS, {"event": "a", "late_by": "8d"}, NONE)
    assert told.path == ("cases", 0, "steps", 0)
    assert told.expected == "an event that is taken"
    assert told.found.startswith("refused, too-late: ")


def test_each_case_begins_anew() -> None:
    first = case({"event": "a", "expect": {"segments": {"s": "in"}}})
    second = case({"expect": {"segments": {"s": "out"}, "commands": []}})
    assert all(each.has_passed for each in results(DEFINITIONS, first, second, first))


def test_only_cases_that_hold_the_text_are_run() -> None:
    cases = case(NONE, name="The cart"), case(NONE, name="The score")
    assert [each.name for each in results(DEFINITIONS, *cases)] == ["The cart", "The score"]
    assert [each.name for each in results(DEFINITIONS, *cases, holding="CART")] == ["The cart"]
    assert len(results(DEFINITIONS, *cases, holding=FILE)) == 2
    assert results(DEFINITIONS, *cases, holding="x.") == []


def test_lines_are_those_of_the_file() -> None:
    lines: dict[Path, int] = {("cases", 0): 2, ("cases", 1): 9}
    file = CaseFile(FILE, (case(NONE), case(NONE, name="b")), lines)
    found = runs.run(sets.from_documents(DEFINITIONS), [file])
    assert [each.line for each in found] == [2, 9]


def test_differences_come_in_the_order_of_the_file() -> None:
    expect: Document = {"status": "x", "segments": {"s": "in"}, "tags": {"vip": "in"}}
    at: Path = ("cases", 0, "steps", 0, "expect")
    lines = {(*at, "status"): 3, (*at, "segments"): 4, (*at, "tags"): 5}
    file = CaseFile(FILE, (case({"expect": expect}),), lines)
    (result,) = runs.run(sets.from_documents(DEFINITIONS), [file])
    assert [each.path[5] for each in result.differences] == ["status", "segments", "tags"]
