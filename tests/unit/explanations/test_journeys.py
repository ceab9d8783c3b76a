"""Why somebody is in a journey: where each run stands, since when, and until when."""

from processors.explanations import telling, trees
from tests.builders import DAY, HELLO, HOUR, PAUSE, T0, Document, identify, journey, track, wait
from tests.unit.explanations.asked import explained


def told(document: Document, *log: Document, at_ms: int = T0 + 1) -> trees.Journey:
    (found,) = explained([document], list(log), at_ms=at_ms, name="journey/j").journeys
    return found


def test_a_run_is_told_with_its_step_and_when_it_goes_on() -> None:
    found = told(journey("a", PAUSE, HELLO, name="Welcome"), track("a"))
    (run,) = found.runs
    assert (found.entered, found.refused, found.status, found.name) == (1, {}, "active", "Welcome")
    assert (run.step, run.does) == ("pause", "wait: {for: 1h}")
    assert (run.began, run.since, run.due, run.until) == (T0, T0, T0 + HOUR, T0 + HOUR)
    assert (run.held, run.when) == (False, None)


def test_what_a_run_waits_for_is_held_against_the_person() -> None:
    until = {"all": [{"trait": "plan", "equals": "gold"}, {"property": "n", "at_least": 5}]}
    found = told(journey("a", wait("look", until=until)), identify(plan="silver"), track("a", n=7))
    (run,) = found.runs
    assert run.when is not None
    assert [part.holds for part in run.when.parts] == [False, True]
    assert (run.due, run.until) == (None, None)


def test_a_condition_that_the_clock_turns_has_its_instant() -> None:
    quiet = {"not": {"event": "b", "within": "2d"}}
    found = told(journey("a", wait("look", until=quiet)), track("b"), track("a"))
    assert found.runs[0].until == T0 + 2 * DAY


def test_an_event_that_is_waited_for_is_told_as_written() -> None:
    (run,) = told(journey("a", wait("look", until={"event": "b"}, timeout="1d")), track("a")).runs
    assert "event: b" in run.does
    assert (run.when, run.due) == (None, T0 + DAY)


def test_who_does_not_enter_is_told_why() -> None:
    found = told(journey("a", PAUSE), track("a"), track("a", T0 + 1))
    assert found.refused == {"running": 1}
    assert [each.reason for each in found.decisions] == ["entered", "running"]


def test_a_run_that_has_ended_is_left_out() -> None:
    document = journey("a", PAUSE, goal={"event": "b", "within": "9d"})
    assert told(document, track("a"), at_ms=T0 + DAY).runs == []


def test_a_paused_journey_stands_still() -> None:
    found = told(journey("a", PAUSE, status="paused"), track("a"))
    assert (found.status, found.refused) == ("paused", {"paused": 1})


def test_it_is_told_in_words() -> None:
    documents = [journey("a", wait("look", until={"tag": "x"}, timeout="1h"), name="Welcome")]
    log = [track("a", id="m1"), track("a", T0 + 1, id="m2")]
    explanation = explained(documents, log, at_ms=T0 + 2, name="journey/j")
    (run,) = explanation.journeys[0].runs
    assert telling.as_text(explanation).splitlines()[1:] == [
        "✓ journey j (Welcome): entered 1 time, did not 1 time (running)",
        "  waits for event: a",
        f"  run {run.id} (version {run.version}): at look since 2026-01-01T00:00:00.000Z;"
        " wait: {until: {tag: x}, timeout: 1h}; over at 2026-01-01T01:00:00.000Z at the latest,"
        " until 2026-01-01T01:00:00.000Z",
        "    ✗ tag: x; found []",
        "  ✓ entered at 2026-01-01T00:00:00.000Z by m1",
        "  ✗ running at 2026-01-01T00:00:00.001Z by m2",
    ]
    nobody = explained(documents, [track("b")], name="journey/j")
    assert "✗ journey j (Welcome): no entry in the log" in telling.as_text(nobody)
    held_up = explained([documents[0] | {"status": "paused"}], log, name="journey/j")
    assert "did not 2 times (paused), paused" in telling.as_text(held_up)


def test_a_run_of_a_version_that_is_not_known_is_told_without_its_step() -> None:
    explanation = explained([journey("a", PAUSE)], [track("a")], at_ms=T0 + 1, name="journey/j")
    run = explanation.journeys[0].runs[0]
    run.held, run.due, run.does = True, None, ""
    assert "stands still" in telling.as_text(explanation)
