"""Reads what a running system knows of a person, from its topics; it disturbs nobody.

What is committed counts, up to the end that each partition had when the reader came there.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TypeVar

import msgspec
from confluent_kafka import Consumer

from processors.decisions.compiled import Compiled
from processors.definitions.predicates import NONE, Predicates
from processors.definitions.sets import DefinitionSet
from processors.explanations import futures, histories
from processors.explanations.histories import MAX_HEARD, Entry, Heard, History, People
from processors.operations.errors import OperationFailed
from processors.runtime import catalogues, clients, partitioners, readers
from processors.runtime.batches import Policy
from processors.runtime.catalogues import Catalogue
from processors.runtime.clients import Cluster, Polled
from processors.runtime.rereading import EMITTED
from processors.runtime.tables import PROGRESS_KEY, Progress, Table
from processors.state.duplicates import Seen
from processors.state.errors import UnreadableProfile
from processors.state.profiles import Profile
from schemas import codec, events, relays
from schemas.codec import SchemaSource
from schemas.errors import BadEvent, BadRecord, SchemasUnavailable
from schemas.records import DecisionRecord, ScoreChange, SegmentChange
from schemas.relays import ACCOUNT_KEY
from schemas.topics import full_name

Progressed = Callable[[int], None]
Row = TypeVar("Row", DecisionRecord, ScoreChange, SegmentChange)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Where to read, and what time means there."""

    cluster: Cluster
    prefix: str
    policy: Policy
    """The worker's."""
    now_ms: int
    """The wall clock's."""
    schemas: SchemaSource | None = None
    predicates: Predicates = NONE
    """That conditions may name."""


def published(options: Options) -> DefinitionSet:
    """Returns the definitions that are active.

    Raises:
        TopicMissing: there is no topic of definitions.
        BrokerAway: the cluster does not answer.
        OperationFailed: they do not fit together here.
    """
    catalogue = Catalogue(options.predicates)
    catalogues.read(options.cluster, full_name(options.prefix, "definitions"), catalogue)
    found, misfits = catalogue.build()
    if misfits:
        why = misfits[0].message
        raise OperationFailed(f"the published definitions do not fit together here ({why})")
    return found


def read(
    options: Options,
    compiled: Compiled,
    profile_id: str,
    *,
    at_ms: int | None = None,
    progress: Progressed = lambda count: None,
) -> History:
    """Returns what a running system knows of a person, at an instant.

    Args:
        options: of the system.
        compiled: the active definitions.
        profile_id: the person's.
        at_ms: None: now. Before the profile's own clock, the past is rebuilt from `events`.
        progress: is told how many records were read.

    Raises:
        OperationFailed: nothing is known of this person, or it can not be read.
        TopicMissing: there is no such topic.
        BrokerAway: the cluster does not answer.
    """
    with closing(clients.reader(options.cluster, f"{options.prefix}explain")) as consumer:
        try:
            return _Reader(consumer, options, profile_id, progress).history(compiled, at_ms)
        except (UnreadableProfile, SchemasUnavailable) as error:
            raise OperationFailed(str(error)) from error


class _Reader:
    """Reads the partitions of one person."""

    def __init__(
        self, consumer: Consumer, options: Options, profile_id: str, progress: Progressed
    ) -> None:
        self.consumer = consumer
        self.options = options
        self.id = profile_id
        self.key = profile_id.encode()
        self.progress = progress
        self.count = 0
        self.begin = 0

    def history(self, compiled: Compiled, at_ms: int | None) -> History:
        profile, progress = self._profile()
        now_ms = self._now_ms(profile, progress) if at_ms is None else at_ms
        if now_ms < profile.clock:
            return self._rebuilt(compiled, now_ms)
        heard, notes = self._heard(profile)
        history = History(
            profile=profile,
            at_ms=now_ms,
            heard=heard,
            segment_changes=self._changes(SegmentChange, "segment-changes"),
            score_changes=self._changes(ScoreChange, "score-changes"),
            decisions=self._changes(DecisionRecord, "decisions"),
            notes=notes,
            people=self._people(profile) if compiled.people else None,
        )
        _bring(history, compiled)
        return history

    def _now_ms(self, profile: Profile, progress: Progress) -> int:
        is_wall = self.options.policy.clock == "wall"
        return max(profile.clock, self.options.now_ms if is_wall else progress.high_water)

    def _profile(self) -> tuple[Profile, Progress]:
        """Returns the profile as the changelog has it, and how far its partition is."""
        table = Table()
        for message in self._records("profiles"):
            key = message.key() or b""
            if key in (self.key, PROGRESS_KEY):
                table.restore(key, message.value())
        profile = table.profile(self.id)
        if profile is None:
            where = f"in {full_name(self.options.prefix, 'profiles')}"
            raise OperationFailed(histories.unknown(self.id, where))
        return profile, table.progress

    def _people(self, profile: Profile) -> People | None:
        """Returns what the people of the account have told, from the partition that it lies in."""
        table = Table()
        if profile.belongs is not None:
            account = ACCOUNT_KEY + profile.belongs.account.encode()
            for message in self._records("profiles", key=account):
                if message.key() == account:
                    table.restore(account, message.value())
        return histories.people(table.accounts, profile)

    def _heard(self, profile: Profile) -> tuple[list[Heard], list[str]]:
        """Returns the person's events that were decided on, each once, and what to say of them."""
        heard: list[Heard] = []
        seen, waiting, high_water = Seen(Profile()), 0, 0
        policy = self.options.policy
        for message in self._records("events"):
            if message.key() != self.key:
                continue
            if message.offset() > profile.offset and message.headers() != EMITTED:
                waiting += relays.read(message.value()) is None
                continue
            try:
                event = policy.decode(message.value())
                one, person = histories.hear(event, _place(message)), events.profile_id(event)
            except BadEvent:
                continue
            if person != self.id or one.at_ms < high_water - policy.lateness_ms:
                continue
            high_water = max(high_water, one.at_ms)
            log_ms = message.timestamp()[1] if policy.clock == "wall" else high_water
            if seen.add(event.message_id, log_ms // 1000):
                heard.append(one)
                del heard[:-MAX_HEARD]
        notes = [f"events of this person that wait to be decided on: {waiting}"] if waiting else []
        return heard, notes + self._gone()

    def _rebuilt(self, compiled: Compiled, at_ms: int) -> History:
        """Returns the history up to an instant of the past, by the stream's clock."""

        def log() -> Iterator[Entry]:
            for message in self._records("events", is_told=False):
                if message.headers() != EMITTED:
                    yield Entry(_place(message), message.key(), message.value())

        policy = msgspec.structs.replace(self.options.policy, clock="stream")
        history = histories.recall(
            compiled,
            log(),
            self.id,
            until_ms=at_ms,
            policy=policy,
            progress=lambda count: self.progress(self.count + count),
        )
        history.notes.append(
            "the past is rebuilt from `events` under the definitions that are active now"
        )
        if compiled.people:
            history.notes.append("people of the account in other partitions are left out of that")
        history.notes += self._gone()
        return history

    def _changes(self, kind: type[Row], name: str) -> list[Row]:
        """Returns the person's records on an output."""
        found: list[Row] = []
        for message in self._records(name):
            if message.key() == self.key:
                try:
                    found.append(codec.decode(message.value(), kind, schemas=self.options.schemas))
                except BadRecord as error:
                    raise OperationFailed(f"{name}, {_place(message)}: {error}") from error
        return found

    def _records(
        self, name: str, *, is_told: bool = True, key: bytes | None = None
    ) -> Iterator[Polled]:
        """Gives what the partition of a key has, up to where it ends now; None: of the person."""
        topic = full_name(self.options.prefix, name)
        count = len(readers.partitions(self.consumer, topic))
        partition = partitioners.partition(key or self.key, count)
        span = readers.span(self.consumer, topic, partition)
        self.begin = span.start
        for stretch in readers.read(self.consumer, topic, {partition: span.stop}):
            yield from stretch
            if is_told:
                self.count += len(stretch)
                self.progress(self.count)

    def _gone(self) -> list[str]:
        """Returns what to say where the partition just read has lost its first records."""
        if self.begin <= 0:
            return []
        return [f"`events` begins at offset {self.begin}: older events are gone, but may count"]


def _bring(history: History, compiled: Compiled) -> None:
    """Brings a profile under the active definitions and to its instant, as the worker would."""
    if history.profile.definitions != compiled.id:
        history.notes.append(
            "the worker has not taken up the published definitions for this person: what they"
            " count anew is not in these answers yet"
        )
    decision = futures.advance(compiled, history.profile, history.at_ms)
    if decision.fired:
        history.notes.append(f"timers of this person that are still to be fired: {decision.fired}")
    history.add(decision)


def _place(message: Polled) -> str:
    return f"{message.partition()}:{message.offset()}"
