"""One batch of one partition: decides over an overlay of the table, then joins it or is dropped.

Nothing here knows Kafka: the same batch runs in the worker, in `beckon replay` and in the tests.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from processors.decisions import decide
from processors.decisions.compiled import Compiled
from processors.decisions.decide import Arrival
from processors.decisions.moments import NOTHING, Decision
from processors.runtime.outputs import Outputs
from processors.runtime.tables import (
    PROGRESS_KEY,
    WAKE_BYTES,
    Progress,
    Stored,
    Table,
    encode_progress,
    wake_of,
)
from processors.state import duplicates, profiles
from processors.state.duplicates import Seen
from processors.state.profiles import NEVER, Profile
from schemas import codec, events
from schemas.errors import BadEvent
from schemas.events import Event
from schemas.letters import DeadLetter, Record
from schemas.topics import DAY_MS

MAX_CRASHES = 2
"""A record on which workers broke down so often is a dead letter."""

PASSED_OVER = b"\x00passed-over"
"""Stands for the value of a record that is left out: it was decided on already."""

Incoming = tuple[bytes | None, bytes | None, int, int]
"""Key, value, offset, log time in ms."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What the meaning of time hangs on."""

    clock: Literal["wall", "stream"] = "wall"
    lateness_ms: int = 7 * DAY_MS
    """An event that lies further behind the partition's largest event time is a dead letter."""
    max_lead_ms: int = 300_000
    """With the wall clock, how far event time may run ahead of log time before it is capped."""
    decode: Callable[[bytes | None], Event] = codec.decode_event


class _Loaded:
    """A profile that the batch has touched."""

    __slots__ = ("profile", "seen", "wake")

    def __init__(self, profile: Profile, wake: int, known: set[int] | None = None) -> None:
        self.profile = profile
        self.wake = wake
        self.seen = Seen(profile, known)


class Batch:
    """What one transaction does to one partition. Used once, by one thread."""

    def __init__(
        self,
        table: Table,
        compiled: Compiled,
        *,
        policy: Policy,
        outputs: Outputs,
        source: tuple[str, int],
    ) -> None:
        self._table = table
        self._compiled = compiled
        self._decode = policy.decode
        self._lateness_ms = policy.lateness_ms
        self._max_lead_ms = policy.max_lead_ms
        self._is_stream = policy.clock == "stream"
        self._outputs = outputs
        self._topic, self._partition = source
        self._loaded: dict[bytes, _Loaded] = {}
        """By key."""
        self._taken: list[str] = []
        self._settled = 0
        crash = table.crash
        self._poison = crash.offset if crash.times >= MAX_CRASHES else -1
        self._staged: list[Stored] = []
        old = table.progress
        self.progress = Progress(
            offset=old.offset,
            high_water=old.high_water,
            definitions=compiled.id,
            is_settled=old.is_settled,
        )
        if old.definitions != compiled.id and table.profiles:
            self.progress.is_settled = False
            table.outdated = list(table.profiles)

    def add(self, key: bytes | None, value: bytes | None, *, offset: int, log_ms: int) -> None:
        """Decides on one record, as `run` does."""
        self.run(((key, value, offset, log_ms),))

    def run(self, records: Iterable[Incoming]) -> None:
        """Decides on records, one after the other. What can not be read becomes a dead letter."""
        progress, outputs, held = self.progress, self._outputs, self._loaded
        decode, compiled, poison = self._decode, self._compiled, self._poison
        for key, value, offset, log_ms in records:
            progress.offset = offset + 1
            if value is PASSED_OVER:
                continue
            try:
                if offset == poison:
                    raise BadEvent("crashed", "workers broke down on it: a bug, please report it")
                event = decode(value)
                loaded = held.get(key)  # type: ignore[arg-type]  # None is no key of anybody's
                if loaded is None or loaded.profile.id != (event.user_id or event.anonymous_id):
                    loaded = self._admit(key, event)
                profile = loaded.profile
                lead_ms, arrival = self._time(event, log_ms)
                if offset <= profile.offset:
                    continue
                outputs.late += arrival.at_ms < profile.clock
                decision = decide.on_event(compiled, profile, loaded.seen, arrival)
            except BadEvent as error:
                if not self._is_tick(value):
                    self._bury(key, value, offset, error)
                continue
            profile.offset = offset
            if lead_ms > progress.high_water:
                progress.high_water = lead_ms
            outputs.events += 1
            if decision is not NOTHING:
                outputs.take(profile.id, decision)

    def fire(self, until_ms: int, limit: int) -> int:
        """Fires timers due by an instant, of at most `limit` profiles; returns of how many."""
        due = self._table.take_due(until_ms, limit)
        self._taken += due
        for profile_id in due:
            loaded = self._load(profile_id)
            loaded.wake = NEVER
            decision = decide.on_timers(
                self._compiled,
                loaded.profile,
                loaded.seen,
                until_ms=until_ms,
                log_s=self.progress.high_water // 1000,
            )
            self._take(profile_id, decision)
        return len(due)

    def settle(self, limit: int) -> int:
        """Evaluates at most `limit` profiles under the active definitions; returns how many."""
        outdated = self._table.outdated[-limit:]
        for profile_id in outdated:
            loaded = self._load(profile_id)
            if loaded.profile.definitions == self._compiled.id:
                continue
            self._take(profile_id, decide.on_definitions(self._compiled, loaded.profile))
        self._settled = len(outdated)
        self.progress.is_settled = len(outdated) == len(self._table.outdated)
        return len(outdated)

    def finish(self) -> list[tuple[bytes, bytes]]:
        """Returns the records for the changelog: each touched profile, and the progress."""
        lead_ms = 0 if self._is_stream else self._max_lead_ms  # by which log time may lie behind
        log_s = (self.progress.high_water - lead_ms) // 1000
        encode, staged, forget = profiles.encode, self._staged, duplicates.forget
        records: list[tuple[bytes, bytes]] = []
        for key, loaded in self._loaded.items():
            profile, wake = loaded.profile, loaded.wake
            if not profile.definitions:
                continue  # new, and nothing that came for it could be applied
            forget(profile, log_s)
            due = profile.due if profile.due < wake else wake
            value = due.to_bytes(WAKE_BYTES, "big") + encode(profile)
            records.append((key, value))
            staged.append((profile.id, value, due if due < wake else None))
            if loaded.seen.known is not None:
                self._table.keep_known(profile.id, loaded.seen.known)
        records.append((PROGRESS_KEY, encode_progress(self.progress)))
        return records

    def apply(self) -> None:
        """Joins what was finished to the table: call it once the transaction is committed."""
        table = self._table
        table.put_all(self._staged)
        if self._settled:
            del table.outdated[-self._settled :]
        table.progress = self.progress

    def drop(self) -> None:
        """Leaves the table as it was: call it after an abort."""
        self._table.return_due(self._taken)
        for loaded in self._loaded.values():
            self._table.known.pop(loaded.profile.id, None)

    def _time(self, event: Event, log_ms: int) -> tuple[int, Arrival]:
        """Returns how far an event brings the partition, and what is known of its time.

        Raises:
            BadEvent: it is too late, or has no time.
        """
        at_ms, high_water = events.time_ms(event), self.progress.high_water
        if at_ms < high_water - self._lateness_ms:
            raise BadEvent("too-late", "the event is older than the allowed lateness")
        if self._is_stream:
            lead_ms = at_ms if at_ms > high_water else high_water
            return lead_ms, Arrival(event, at_ms, lead_ms // 1000, high_water)
        lead_ms = log_ms + self._max_lead_ms
        return lead_ms if lead_ms < at_ms else at_ms, Arrival(event, at_ms, log_ms // 1000)

    def _admit(self, key: bytes | None, event: Event) -> _Loaded:
        """Returns the profile of an event that comes under this key.

        Raises:
            BadEvent: it is none, or that of somebody else.
        """
        profile_id = events.profile_id(event)
        if key is None or key != profile_id.encode():
            raise _key_mismatch(key)
        loaded = self._loaded[key] = self._fetch(profile_id)
        return loaded

    def _take(self, profile_id: str, decision: Decision) -> None:
        if decision is not NOTHING:
            self._outputs.take(profile_id, decision)

    def _load(self, profile_id: str) -> _Loaded:
        key = profile_id.encode()
        loaded = self._loaded.get(key)
        if loaded is None:
            loaded = self._loaded[key] = self._fetch(profile_id)
        return loaded

    def _fetch(self, profile_id: str) -> _Loaded:
        stored = self._table.profiles.get(profile_id)
        if stored is None:
            return _Loaded(Profile(id=profile_id), NEVER)
        profile = profiles.decode(memoryview(stored)[WAKE_BYTES:])
        return _Loaded(profile, wake_of(stored), self._table.known.get(profile_id))

    def _is_tick(self, value: bytes | None) -> bool:
        """Moves the partition's time by a clock record, if it is one and it counts here."""
        tick_ms = read_tick(value) if self._is_stream else None
        if tick_ms is None:
            return False
        self.progress.high_water = max(self.progress.high_water, tick_ms)
        return True

    def _bury(self, key: bytes | None, value: bytes | None, offset: int, error: BadEvent) -> None:
        record = Record(self._topic, self._partition, offset, key, value)
        self._outputs.dead_letters.append(DeadLetter(record, error.reason, str(error)))


class _Tick(msgspec.Struct, tag_field="type", tag="clock"):
    """A clock record: moves the stream's time where no event does."""

    timestamp: Annotated[datetime, msgspec.Meta(tz=True)]


_tick_decoder = msgspec.json.Decoder(_Tick)


def tick(at_ms: int) -> bytes:
    """Returns the value of a clock record."""
    return msgspec.json.encode({"type": "clock", "timestamp": events.iso(at_ms)})


def read_tick(value: bytes | None) -> int | None:
    """Returns the instant of a clock record, ms; None for anything else."""
    if not value or not value.startswith(b'{"type":"clock"'):
        return None
    try:
        return round(_tick_decoder.decode(value).timestamp.timestamp() * 1000)
    except msgspec.MsgspecError:
        return None


def _key_mismatch(key: bytes | None) -> BadEvent:
    if key is None:
        return BadEvent("key-missing", "the record has no key; it must be the profile id")
    return BadEvent("key-mismatch", "the record's key is not the profile id of the event")
