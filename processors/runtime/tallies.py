"""Counts into metrics what a batch came to, once it is committed."""

from collections import Counter as Tally
from collections.abc import Iterable

from processors.metrics import Counter, Gauge, Histogram, Metrics
from processors.runtime.outputs import Outputs


def add(metrics: Metrics, batch: Iterable[Outputs]) -> None:
    """Adds what the partitions of a batch led to."""
    for outputs in batch:
        metrics.add(Counter.EVENTS, outputs.events)
        metrics.add(Counter.DUPLICATES, outputs.decision.duplicates)
        metrics.add(Counter.LATE, outputs.decision.late)
        metrics.add(Counter.TIMERS_FIRED, outputs.decision.fired)
        metrics.add(Counter.RELAYS, len(outputs.decision.relays))
        for channel, count in Tally(each.channel for each in outputs.decision.commands).items():
            metrics.add(Counter.COMMANDS, count, channel)
        decided = Tally((each.outcome, each.reason) for each in outputs.decision.decisions)
        for (outcome, reason), count in decided.items():
            metrics.add(Counter.DECISIONS, count, outcome, reason)
        for what, count in Tally(each.what for each in outputs.decision.runs).items():
            metrics.add(Counter.JOURNEY_RUNS, count, what)
        for reason, count in Tally(each.reason for each in outputs.dead_letters).items():
            metrics.add(Counter.DEAD_LETTERS, count, reason)


def add_batch(metrics: Metrics, records: int, waited_ms: int) -> None:
    """Adds the size of a batch, and how long its oldest record waited from log to commit, ms."""
    if records:
        metrics.observe(Histogram.BATCH_SIZE, records)
        metrics.observe(Histogram.EVENT_TO_COMMIT_SECONDS, max(0, waited_ms) / 1000)


def add_slice(metrics: Metrics, taken_ms: int) -> None:
    """Notes how long people were evaluated anew in one turn, where that is the longest so far."""
    if taken_ms / 1000 > metrics.read(Gauge.SLICE):
        metrics.set(Gauge.SLICE, taken_ms / 1000)
