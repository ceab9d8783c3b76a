"""Every metric of the system, in one table; a metric exists only if it stands here.

`Metrics` keeps the numbers of one process in a registry of its own; `api.health` serves them.
The three enums are the table: one per kind, one member per metric.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client import Counter as PrometheusCounter
from prometheus_client import Gauge as PrometheusGauge
from prometheus_client import Histogram as PrometheusHistogram
from prometheus_client.process_collector import ProcessCollector

FAST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
SLOW_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
PREDICATE_SECONDS = (0.00001, 0.0001, 0.001, 0.01, 0.05, 0.25, 1.0, 10.0)
SIZES = (1.0, 2.0, 5.0, 10.0, 50.0, 100.0, 500.0, 1000.0, 2000.0, 5000.0)


class Row(NamedTuple):
    """One metric: what it counts, in what, told apart by what."""

    name: str
    unit: str
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram; empty for the other kinds."""


class Counter(Enum):
    """Metrics that only grow."""

    EVENTS = Row("beckon_events_total", "events", (), "Events decided on and committed.")
    DUPLICATES = Row(
        "beckon_duplicates_total",
        "events",
        (),
        "Events left out because their messageId was known.",
    )
    LATE = Row(
        "beckon_late_events_total",
        "events",
        (),
        "Events older than their profile's clock, applied.",
    )
    DECISIONS = Row(
        "beckon_decisions_total",
        "decisions",
        ("outcome", "reason"),
        "Decisions of triggers and of the gate: yes or no, and why.",
    )
    JOURNEY_RUNS = Row(
        "beckon_journey_runs_total",
        "records",
        ("what",),
        "What happened to runs of journeys: entered, done, waiting, went, completed, exited …",
    )
    TIMERS_FIRED = Row(
        "beckon_timers_fired_total", "timers", (), "Timers that came due and were looked at."
    )
    RELAYS = Row(
        "beckon_relays_total",
        "records",
        (),
        "Records from people to their accounts, and back, over what is asked of people.",
    )
    COMMANDS = Row(
        "beckon_commands_total", "commands", ("channel",), "Commands written for senders."
    )
    DEAD_LETTERS = Row(
        "beckon_dead_letters_total", "records", ("reason",), "Records that could not be applied."
    )
    RESTORED = Row(
        "beckon_restore_records_total", "records", (), "Changelog records read to restore state."
    )
    ABORTED = Row(
        "beckon_transactions_aborted_total", "transactions", (), "Batches dropped and done again."
    )
    REBALANCES = Row(
        "beckon_rebalances_total", "rebalances", (), "Times that partitions came or went."
    )
    DEFINITIONS_REFUSED = Row(
        "beckon_definitions_refused_total",
        "definitions",
        (),
        "Published definitions that could not be read; the old version stays active.",
    )
    OUTCOMES = Row(
        "beckon_outcomes_total", "commands", ("channel", "result"), "What came of commands."
    )
    SEND_RETRIES = Row(
        "beckon_send_retries_total",
        "attempts",
        ("channel",),
        "Waits for a channel that did not work at all.",
    )
    PROVIDER_ERRORS = Row(
        "beckon_provider_errors_total",
        "requests",
        ("provider", "detail"),
        "Requests that a provider did not take, and why.",
    )
    PROVIDER_BUGS = Row(
        "beckon_provider_bugs_total",
        "requests",
        ("provider",),
        "Requests in which the code of a provider raised: bugs.",
    )
    RATE_WAITS = Row(
        "beckon_rate_waits_total",
        "requests",
        ("provider",),
        "Requests that waited for the rate that a provider is asked at.",
    )
    LEDGER_RETRIES = Row(
        "beckon_ledger_retries_total",
        "attempts",
        (),
        "Waits for the senders' database; nothing is sent meanwhile.",
    )
    MENDED = Row(
        "beckon_messages_mended_total",
        "messages",
        ("channel",),
        "Held messages that were tried again, as their template had changed.",
    )
    MESSAGES_RESOLVED = Row(
        "beckon_messages_resolved_total",
        "messages",
        ("channel", "promise"),
        "Messages found in the middle of being sent after a restart, and by what they were settled:"
        " the provider's key, a look-up, or (none) the channel's policy.",
    )
    MESSAGES_FENCED = Row(
        "beckon_messages_fenced_total",
        "messages",
        ("channel",),
        "Messages left alone because another process had taken them up.",
    )
    REPORTS = Row(
        "beckon_reports_total",
        "reports",
        ("provider", "result"),
        "What providers told of messages, each once.",
    )
    REPORTS_LEFT = Row(
        "beckon_reports_left_total",
        "reports",
        ("provider", "reason"),
        "Reports that changed nothing: repeated, or of no message that we know (unmatched).",
    )
    MAILS = Row(
        "beckon_mails_total",
        "mails",
        ("provider", "domain", "result"),
        "How mails arrive: sent, delivered, hard-bounce, soft-bounce, blocked, complaint; domain:"
        " a large mail service by name, or other.",
    )
    CALLBACKS_REFUSED = Row(
        "beckon_callbacks_refused_total",
        "requests",
        ("provider", "reason"),
        "Callbacks that were not taken: forged, unreadable, too large, too early, or we were away.",
    )
    TRACKED = Row(
        "beckon_tracked_total",
        "events",
        ("result", "machine"),
        "Opens, clicks and the like that our links and inboxes told; machine: no person did it.",
    )
    TOKENS_REFUSED = Row(
        "beckon_tokens_refused_total",
        "requests",
        ("purpose",),
        "Requests with a token that is forged, of another purpose, or too old.",
    )
    INBOX_REFUSED = Row(
        "beckon_inbox_refused_total",
        "requests",
        ("reason",),
        "Requests for an inbox that were refused, by the status of the answer.",
    )
    NOTES_LOST = Row(
        "beckon_notes_lost_total",
        "events",
        (),
        "Opens and clicks that were lost, since too many waited for the database.",
    )
    INTERESTS = Row(
        "beckon_interests_total", "events", (), "Views and purchases of items that were taken."
    )
    INTERESTS_REPEATED = Row(
        "beckon_interests_repeated_total",
        "events",
        (),
        "Those of them that changed no count: repeats, or of people who are erased.",
    )
    PREDICATE_FAILURES = Row(
        "beckon_predicate_failures_total",
        "calls",
        ("predicate", "reason"),
        "Calls of custom conditions and models that raised, answered wrongly, or were slow.",
    )


class Gauge(Enum):
    """Metrics that go up and down."""

    LAG = Row(
        "beckon_lag_records",
        "records",
        ("partition",),
        "Records of the partition that are not committed yet.",
    )
    BACKFILL_LEFT = Row(
        "beckon_backfill_records_left",
        "records",
        ("partition",),
        "Records still to be read back before changed definitions take over.",
    )
    TIMERS_PENDING = Row("beckon_timers_pending", "timers", (), "Timers that wait for their time.")
    TIMERS_DUE = Row("beckon_timers_due", "timers", (), "Timers past their time, not yet fired.")
    PROFILES = Row("beckon_profiles", "profiles", (), "Profiles held by this process.")
    PROFILE_BYTES = Row(
        "beckon_profile_bytes", "bytes", (), "Bytes of the profiles held, as serialized."
    )
    DEFINITIONS_ACTIVE = Row(
        "beckon_definitions_active", "definitions", (), "Definitions that decide now."
    )
    SLICE = Row(
        "beckon_slice_seconds_most",
        "seconds",
        (),
        "Longest slice of evaluating everybody anew since definitions changed: events wait behind.",
    )
    SENDING = Row(
        "beckon_sending", "commands", ("channel",), "Commands in the middle of being sent."
    )
    CIRCUIT_OPEN = Row(
        "beckon_circuit_open",
        "0 or 1",
        ("provider",),
        "1 while a provider counts as away: messages wait or go to the next one.",
    )
    RATE = Row(
        "beckon_rate_per_second",
        "requests/s",
        ("provider",),
        "Rate that this process may ask a provider at: its share of what is set.",
    )
    LEDGER_OPEN = Row(
        "beckon_ledger_open",
        "messages",
        ("channel", "state"),
        "Messages that nothing came of yet: claimed, or dispatching (a provider may have them).",
    )
    LEDGER_OLDEST = Row(
        "beckon_ledger_oldest_seconds",
        "seconds",
        ("channel", "state"),
        "How long the one of them that waits longest has been in that state.",
    )
    HELD = Row(
        "beckon_messages_held",
        "messages",
        ("channel",),
        "Held messages that wait for their template to be mended.",
    )
    OUTBOX = Row(
        "beckon_outbox_records", "records", (), "Records in the database that wait for Kafka."
    )
    OUTBOX_AGE = Row(
        "beckon_outbox_age_seconds", "seconds", (), "How long the oldest of them has waited."
    )
    ITEMS = Row("beckon_items", "items", ("catalogue",), "Items that a catalogue has.")
    INTERESTS_BEHIND = Row(
        "beckon_interests_behind_seconds",
        "seconds",
        (),
        "How long the oldest of the records that are being counted has been in its topic.",
    )
    PREDICATE_OFF = Row(
        "beckon_predicate_off",
        "0 or 1",
        ("predicate",),
        "1 once a custom condition or model is switched off for being slow: false, or 0.",
    )
    READY = Row("beckon_ready", "0 or 1", (), "1 while the process does its work.")


class Histogram(Enum):
    """Metrics that keep a distribution."""

    BATCH_SIZE = Row("beckon_batch_size", "events", (), "Events of one transaction.", SIZES)
    COMMIT_SECONDS = Row(
        "beckon_commit_seconds",
        "seconds",
        (),
        "Flush, offsets and commit of a batch.",
        FAST_SECONDS,
    )
    EVENT_TO_COMMIT_SECONDS = Row(
        "beckon_event_to_commit_seconds",
        "seconds",
        (),
        "From the log time of a batch's oldest event to its commit.",
        FAST_SECONDS,
    )
    RESTORE_SECONDS = Row(
        "beckon_restore_seconds", "seconds", (), "Restoring one partition's state.", SLOW_SECONDS
    )
    SEND_SECONDS = Row(
        "beckon_send_seconds",
        "seconds",
        ("channel",),
        "From taking a command up to its outcome, waits included.",
        SLOW_SECONDS,
    )
    PREDICATE_SECONDS = Row(
        "beckon_predicate_seconds",
        "seconds",
        ("predicate",),
        "Calls of custom conditions and models, and how long they took.",
        PREDICATE_SECONDS,
    )


class Metrics:
    """The numbers of one process.

    Guarantees:
        A label's values come from closed sets (channels, reasons, partitions, names of predicates
        and catalogues), never from data.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self._registry)
        self._all: dict[Counter | Gauge | Histogram, Any] = {
            one: self._made(one) for kind in (Counter, Gauge, Histogram) for one in kind
        }
        self._labelled: dict[tuple[Counter | Gauge | Histogram, tuple[str, ...]], Any] = {}
        """With their labels: to find them anew would take longer than to count."""

    def add(self, counter: Counter, amount: float = 1, *labels: str) -> None:
        """Adds to a counter; labels in the order of the table."""
        self._of(counter, labels).inc(amount)

    def set(self, gauge: Gauge, value: float, *labels: str) -> None:
        """Sets a gauge; labels in the order of the table."""
        self._of(gauge, labels).set(value)

    def observe(self, histogram: Histogram, value: float, *labels: str) -> None:
        """Adds one value to a distribution; labels in the order of the table."""
        self._of(histogram, labels).observe(value)

    def observer(self, histogram: Histogram, *labels: str) -> Callable[[float], None]:
        """Returns what adds values to a distribution whose labels stay: for what comes often."""
        return self._of(histogram, labels).observe  # type: ignore[no-any-return]

    def forget(self, gauge: Gauge, *labels: str) -> None:
        """Takes one labelled value away, such as the lag of a partition that left."""
        self._labelled.pop((gauge, labels), None)
        self._all[gauge].remove(*labels)

    def has(self, counter: Counter, *labels: str) -> bool:
        """Returns whether there is a value under these labels, be it 0."""
        return (counter, labels) in self._labelled

    def read(self, metric: Counter | Gauge, *labels: str) -> float:
        """Returns the present value; 0.0 where nothing was counted yet."""
        said = dict(zip(metric.value.labels, labels, strict=True))
        found = self._registry.get_sample_value(metric.value.name, said)
        return 0.0 if found is None else found

    def text(self) -> bytes:
        """Returns everything in Prometheus' text format."""
        return generate_latest(self._registry)

    def _of(self, one: Counter | Gauge | Histogram, labels: tuple[str, ...]) -> Any:
        if (one, labels) not in self._labelled:
            made = self._all[one]
            self._labelled[one, labels] = made.labels(*labels) if labels else made
        return self._labelled[one, labels]

    def _made(self, one: Counter | Gauge | Histogram) -> Any:
        row: Row = one.value
        name, text, labels = row.name, row.help, row.labels
        if isinstance(one, Histogram):
            return PrometheusHistogram(
                name, text, labels, buckets=row.buckets, registry=self._registry
            )
        kind = PrometheusCounter if isinstance(one, Counter) else PrometheusGauge
        return kind(name, text, labels, registry=self._registry)
