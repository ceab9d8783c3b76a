"""Tallies: what a batch came to, in numbers."""

from processors.decisions.moments import Decision
from processors.metrics import Counter, Histogram, Metrics
from processors.runtime import tallies
from processors.runtime.outputs import Outputs
from schemas.letters import DeadLetter, Record
from schemas.records import DecisionRecord, RunRecord, What


def decision(outcome: str, reason: str) -> DecisionRecord:
    return DecisionRecord(
        profile_id="p",
        definition_id="t",
        version="v",
        outcome="yes" if outcome == "yes" else "no",
        reason=reason,
        at=0,
        cause="m",
        late=False,
    )


def run(what: What) -> RunRecord:
    return RunRecord(
        run_id="0" * 16,
        profile_id="p",
        journey_id="j",
        version="v",
        step="",
        what=what,
        choice=None,
        until=None,
        visit=0,
        at=0,
        cause="m",
        late=False,
    )


def test_everything_is_added_up_by_its_labels() -> None:
    metrics, outputs = Metrics(), Outputs()
    outputs.events = 5
    outputs.decision = Decision(
        duplicates=2,
        late=1,
        fired=3,
        decisions=[
            decision("yes", "fired"),
            decision("yes", "fired"),
            decision("no", "limit"),
        ],
        runs=[run("entered"), run("waiting"), run("entered")],
    )
    outputs.dead_letters = [DeadLetter(Record("events", 0, 1, None, b"x"), "not-json", "")]
    tallies.add(metrics, [outputs, outputs])
    assert metrics.read(Counter.EVENTS) == 10
    assert metrics.read(Counter.DUPLICATES) == 4
    assert metrics.read(Counter.LATE) == 2
    assert metrics.read(Counter.TIMERS_FIRED) == 6
    assert metrics.read(Counter.DECISIONS, "yes", "fired") == 4
    assert metrics.read(Counter.DECISIONS, "no", "limit") == 2
    assert metrics.read(Counter.DEAD_LETTERS, "not-json") == 2
    assert metrics.read(Counter.JOURNEY_RUNS, "entered") == 4
    assert metrics.read(Counter.JOURNEY_RUNS, "waiting") == 2


def test_a_turn_without_records_is_no_batch() -> None:
    metrics = Metrics()
    tallies.add_batch(metrics, 0, 0)
    assert b"beckon_batch_size_count 0.0" in metrics.text()
    tallies.add_batch(metrics, 3, -5)
    assert b"beckon_batch_size_count 1.0" in metrics.text()
    assert b"beckon_event_to_commit_seconds_sum 0.0" in metrics.text()
    assert Histogram.BATCH_SIZE.value.unit == "events"
