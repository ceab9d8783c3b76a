"""How an explanation reads: for people with ticks and crosses, for programs as JSON."""

import io
import json
from typing import Any

from rich.console import Console

from processors.definitions.predicates import model
from processors.explanations import telling, trees
from tests.builders import (
    HOUR,
    T0,
    Document,
    Json,
    emit,
    group,
    holding,
    identify,
    joins,
    on,
    points,
    score,
    segment,
    static_list,
    track,
    trigger,
)
from tests.unit.explanations.asked import explained

RECENT = segment({"event": "a", "within": "1h"}, "recent", name="Lately here")


def told(documents: list[Document], *log: Json, at_ms: int | None = None) -> list[str]:
    return telling.as_text(explained(documents, list(log), at_ms=at_ms)).split("\n")


def test_segment_is_told_with_the_reason_and_its_end() -> None:
    assert told([RECENT], track("a", id="m1"))[1:] == [
        "✓ segment recent (Lately here): in since 2026-01-01T00:00:00.000Z by m1,"
        " until 2026-01-01T01:00:00.000Z",
        "  ✓ event: a, within: 1h; counted 1, until 2026-01-01T01:00:00.000Z",
        "    event m1 at 2026-01-01T00:00:00.000Z (f:1), until 2026-01-01T01:00:00.000Z",
    ]


def test_who_is_out_is_told_with_the_reason() -> None:
    when = {"all": [{"trait": "plan", "equals": "gold"}, {"tag": "x"}, {"trait": "no", "in": [1]}]}
    assert told([segment(when)], identify(plan="basic"))[1:] == [
        "✗ segment s (s): out",
        "  ✗ all of",
        '    ✗ trait: plan, equals: gold; found "basic"',
        "    ✗ tag: x; found []",
        "    ✗ trait: no, in: [1]; found nothing",
    ]
    assert told([RECENT], track("a"), at_ms=T0 + HOUR)[1] == (
        "✗ segment recent (Lately here): out since 2026-01-01T01:00:00.000Z by the clock"
    )


def test_list_is_told() -> None:
    documents = [static_list("l"), static_list("m"), trigger("a", {"add_to_list": "l"})]
    lines = told(documents, track("a"))
    assert lines[1:3] == ["✓ list l (l): on it", "✗ list m (m): not on it"]


def test_score_is_told_rule_by_rule() -> None:
    document = score(
        groups=[
            group(on("a", 5, max_occurrences=2, name="Came"), limit=7, name="Visits"),
            group(holding({"tag": "x"}, -3), id="h", floor=1),
        ],
        limit=9,
        levels={"hot": 5, "cold": 0},
        grades={"A": 5, "B": 0},
        id="fit",
    )
    log = [track("a", T0 + at, id=f"m{at}") for at in range(3)]
    lines = told([document, trigger("b", points(4))], *log, track("b", T0 + 9, id="m9"))
    assert lines[1:12] == [
        "score fit (fit): 9, level hot, grade A, since 2026-01-01T00:00:00.009Z by m9,"
        " the limit of 9 cut off 3",
        "  +7 group g (Visits), the limit of 7 cut off 3",
        "    +10 a (Came); +5 each, on: {event: a}; 2 of at most 2 in the log",
        "      event m0 at 2026-01-01T00:00:00.000Z (f:1)",
        "      event m1 at 2026-01-01T00:00:00.001Z (f:2)",
        "      event m2 at 2026-01-01T00:00:00.002Z (f:3), beyond the maximum",
        "  +1 group h, the floor of 1 gave 1",
        "    0 held; -3 while it holds",
        "      ✗ tag: x; found []",
        "  +4 added by triggers",
        "trigger t: fired 1 time",
    ]


def test_rule_of_an_amount_is_told_with_how_much_has_the_points() -> None:
    document = score(on("a", 3, for_each={"property": "s", "amount": 2.5}, within="1h"))
    log = [track("a", T0, s=4), track("a", T0 + 1, s=6)]
    assert told([document], *log)[3] == (
        "    +12 a; +3 for each 2.5 of s, on: {event: a}, within: 1h; 2 in the log,"
        " until 2026-01-01T01:00:00.000Z"
    )


def test_what_a_score_recommends_now_is_told() -> None:
    advice = [
        {"when": {"event": "a", "within": "1h"}, "text": "talk about a"},
        {"level": "cold", "text": "wait"},
    ]
    document = score(on("a", 1), levels={"cold": 0}, recommendations=advice)
    assert told([document], track("a"))[2:4] == [
        "  +1 group g",
        "    +1 a; +1 each, on: {event: a}; 1 in the log",
    ]
    assert told([document], track("a"))[-2:] == ["  recommends: talk about a", "  recommends: wait"]
    found = explained([document], [track("a")], at_ms=T0 + HOUR).scores[0]
    assert found.recommendations == ["wait"]


def test_rule_of_a_model_is_told_with_what_it_gave_and_read() -> None:
    def gives(person: Any) -> float:
        return 0.51237

    churn = model("churn", reads=["traits.plan", "tags"], version="7")(gives)
    document = score({"id": "risk", "points": 40, "model": "churn"})
    found = explained([document], [identify(plan="gold")], predicates={"churn": churn})
    assert telling.as_text(found).split("\n")[3] == (
        "    +20 risk; 0.5124 of +40 by model churn, version 7;"
        ' found {"traits.plan":"gold","tags":[]}'
    )
    (rule,) = json.loads(telling.as_json(found))["scores"][0]["groups"][0]["rules"]
    assert rule["model"] == {
        "name": "churn",
        "version": "7",
        "share": 0.51237,
        "inputs": {"traits.plan": "gold", "tags": []},
    }
    absent = told([document], identify(plan="gold"))
    assert absent[3] == "    0 risk; model churn is not registered here"


def test_trigger_is_told_with_what_it_decided() -> None:
    document = trigger(
        "a",
        when={"property": "n", "equals": 1},
        limit={"times": 1, "within": "7d"},
        name="Tell",
    )
    log = [track("a", T0 + at, id=f"m{at}", n=n) for at, n in enumerate([2, 1, 1])]
    assert told([document], *log)[1:] == [
        "trigger t (Tell): fired 1 time, did not 1 time (condition), did not 1 time (limit)",
        "  waits for event: a",
        "  when, for m2",
        "    ✓ property: n, equals: 1; found 1",
        "  limit: fired 1 of 1 time within 7d; may fire again at 2026-01-08T00:00:00.001Z",
        "  ✗ condition at 2026-01-01T00:00:00.000Z by m0",
        "  ✓ fired at 2026-01-01T00:00:00.001Z by m1",
        "  ✗ limit at 2026-01-01T00:00:00.002Z by m2",
    ]


def test_trigger_that_has_decided_nothing_says_so() -> None:
    documents = [trigger("x", when={"property": "n", "equals": 1}, limit={"times": 3})]
    assert told(documents, track("a"))[1:] == [
        "trigger t: no decision in the log",
        "  waits for event: x",
        "  when",
        "    ? property: n, equals: 1; found nothing; asks the event at hand",
        "  limit: fired 0 of 3 times",
    ]


def test_event_that_a_trigger_told_has_no_place() -> None:
    documents = [segment({"event": "b"}), trigger("a", emit("b"), id="tell")]
    assert any("(told by a trigger)" in line for line in told(documents, track("a")))


def test_late_decision_is_marked() -> None:
    lines = told([trigger("a")], track("z", T0 + HOUR), track("a", id="m1"))
    assert lines[-1] == "  ✓ fired at 2026-01-01T01:00:00.000Z by m1, late"


def test_long_rows_of_events_and_decisions_are_cut() -> None:
    log = [track("a", T0 + at) for at in range(12)]
    lines = told([segment({"event": "a"}), trigger("a")], *log)
    assert [line.strip() for line in lines if "…" in line] == [
        "… 2 earlier ones",
        "… 2 earlier decisions",
    ]


def test_notes_come_first() -> None:
    found = explained([RECENT], [track("a")])
    found.notes, found.looked_until = ["of note"], T0
    assert telling.as_text(found).split("\n")[1:3] == [
        "  note: of note",
        "  note: looked ahead up to 2026-01-01T00:00:00.000Z only",
    ]


def test_what_comes_from_outside_has_no_control_characters() -> None:
    text = "\n".join(
        told([segment({"trait": "plan", "is_set": True})], identify(plan="\x1b[31mred\r\n"))
    )
    assert "\x1b" not in text
    assert "\r" not in text


def test_terminal_gets_a_tree() -> None:
    file = io.StringIO()
    console = Console(file=file, width=200, color_system=None)
    console.print(telling.as_tree(explained([RECENT], [track("a", id="[m]")])))
    lines = file.getvalue().split("\n")
    assert lines[0].startswith("p at 2026-01-01T00:00:00.000Z (definitions ")
    assert lines[1].startswith("└── ✓ segment recent (Lately here): in since")
    assert lines[2].startswith("    └── ✓ event: a, within: 1h; counted 1")
    assert "event [m] at" in lines[3]


def as_json(*documents: Document, log: list[Json]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(telling.as_json(explained(list(documents), log)))
    return found


def test_programs_get_the_same_with_instants_as_text() -> None:
    found = as_json(RECENT, log=[track("a", id="m1")])
    assert (found["profile_id"], found["at"]) == ("p", "2026-01-01T00:00:00.000Z")
    (one,) = found["segments"]
    assert one["since"] == "2026-01-01T00:00:00.000Z"
    assert one["until"] == one["when"]["until"] == "2026-01-01T01:00:00.000Z"
    assert one["when"]["events"] == [
        {
            "message_id": "m1",
            "event": "a",
            "at": "2026-01-01T00:00:00.000Z",
            "place": "f:1",
            "counts": True,
            "until": "2026-01-01T01:00:00.000Z",
        }
    ]


def test_values_of_people_are_not_taken_for_instants() -> None:
    found = as_json(segment({"trait": "plan", "is_set": True}), log=[identify(plan={"at": 5})])
    assert found["segments"][0]["when"]["found"] == {"at": 5}


def test_reasons_of_refusals_are_counted_by_name() -> None:
    document = trigger("a", when={"tag": "x"})
    assert as_json(document, log=[track("a")])["triggers"][0]["refused"] == {"condition": 1}


def test_lengths_are_told_in_the_largest_whole_unit() -> None:
    widths = {"90s": "90s", "15m": "15m", "2h": "2h", "2w": "14d"}
    for written, shown in widths.items():
        limit = {"times": 1, "within": written}
        lines = told([trigger("a", limit=limit)], track("z"))
        assert lines[-1] == f"  limit: fired 0 of 1 time within {shown}"


def test_cause_by_the_people_of_the_account_is_told() -> None:
    asked = segment({"account": {"any": {"event": "a"}}})
    found = explained([asked], [joins("acme"), track("a", T0 + 1)])
    assert "by the people of the account" in telling.as_text(found)


def test_cause_by_a_definition_is_told() -> None:
    found = explained([RECENT], [track("a")])
    found.segments[0].cause = "definition"
    assert "by a new definition" in telling.as_text(found)


def test_fields_are_those_of_the_values() -> None:
    found = as_json(RECENT, score(on("a")), trigger("a"), static_list("l"), log=[track("a")])
    assert list(found) == list(trees.Explanation.__struct_fields__)
    assert list(found["scores"][0]["groups"][0]["rules"][0]) == list(trees.Rule.__struct_fields__)


def test_event_without_a_reason_beside_it_tells_only_what_is_known() -> None:
    found = explained([RECENT, score(on("a"))], [track("a")])
    found.segments[0].cause = found.scores[0].cause = None
    lines = telling.as_text(found).split("\n")
    assert "in since 2026-01-01T00:00:00.000Z, until" in lines[1]


def test_log_that_differs_from_what_was_counted_is_told() -> None:
    found = explained([RECENT], [track("a")])
    found.segments[0].when.note = "the log has 3 of them"
    assert "; counted 1; the log has 3 of them, until" in telling.as_text(found)


def test_membership_that_has_to_last_is_told_with_its_beginning() -> None:
    documents = [RECENT, segment({"segment": "recent", "for": "30m"}, "staying")]
    assert told(documents, track("a"))[-2:] == [
        "✗ segment staying (staying): out, until 2026-01-01T00:30:00.000Z",
        '  ✗ segment: recent, for: 30m; found "in" since 2026-01-01T00:00:00.000Z,'
        " until 2026-01-01T00:30:00.000Z",
    ]


def test_points_for_a_time_are_told_with_their_ends() -> None:
    lent = {"add_points": {"score": "fit", "points": 4, "for": "1h"}}
    documents = [score(on("z")), trigger("a", points(3), lent)]
    lines = told(documents, track("a"))
    at = lines.index("  +7 added by triggers")
    assert lines[at + 1] == "    +4, until 2026-01-01T01:00:00.000Z"
