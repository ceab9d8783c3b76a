"""One batch of one partition: decides over an overlay of the table, then joins it or is dropped.

Nothing here knows Kafka: the same batch runs in the worker, in `beckon replay` and in the tests.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from processors.decisions import decide
from processors.decisions.compiled import Compiled
from processors.decisions.decide import Arrival, Due
from processors.runtime import tables
from processors.runtime.accounts import Accounts
from processors.runtime.outputs import Outputs
from processors.runtime.tables import (
    ADOPTION_KEY,
    MANY_BYTES,
    PROGRESS_KEY,
    WAKE_BYTES,
    Adoption,
    Loaded,
    Progress,
    Stored,
    Table,
    encode_adoption,
    encode_progress,
    page_key,
)
from processors.runtime.wakes import wake_of
from processors.state import duplicates, profiles
from processors.state.duplicates import NO_PAGES, Pages, Seen
from processors.state.profiles import NEVER, Profile
from schemas import codec, events, relays
from schemas.errors import BadEvent
from schemas.events import Event
from schemas.letters import DeadLetter, Record
from schemas.relays import Relay, Told
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
    is_replay: bool = False
    """Whether the log has been decided on before: its relays are passed over, being made anew."""


class Batch:
    """What one transaction does to one partition. Used once, by one thread.

    Other definitions than those of the batch before take over as of the latest instant by which
    nothing was due: the largest event time, or `as_of_ms` where nothing is left to be read.
    """

    def __init__(
        self,
        table: Table,
        compiled: Compiled,
        *,
        policy: Policy,
        outputs: Outputs,
        source: tuple[str, int],
        as_of_ms: int = 0,
    ) -> None:
        self._table = table
        self._compiled = compiled
        self._decode = policy.decode
        self._lateness_ms = policy.lateness_ms
        self._max_lead_ms = policy.max_lead_ms
        self._is_stream = policy.clock == "stream"
        self._is_replay = policy.is_replay
        self._outputs = outputs
        self._topic, self._partition = source
        self._loaded: dict[bytes, Loaded] = {}
        """By key."""
        self._accounts = Accounts(table.accounts)
        self._taken: list[str] = []
        self._settled = 0
        crash = table.crash
        self._poison = crash.offset if crash.times >= MAX_CRASHES else -1
        self._staged: list[Stored] = []
        self._turned: list[tuple[str, Pages]] = []
        self._busy: list[Loaded] = []
        self._borrowed: list[str] = []
        """Who was busy before: the table's own copy of them is changed in place."""
        self._progress = old = table.progress
        self.offset = old.offset
        """The next record of `events`."""
        self.high_water = old.high_water
        """The largest event time so far, ms."""
        self._lead_ms = 0
        """How far the event at hand brings it."""
        self._is_settled = old.is_settled
        self._adoption = table.adoption
        self._adopted = old.adopted
        if old.definitions != compiled.id:
            self._adopted = min(max(old.high_water, as_of_ms), table.next_wake() - 1)
            if table.profiles:
                self._is_settled = False
                table.outdated = list(table.profiles)

    @property
    def definitions(self) -> str:
        """Id of the set by which it decides."""
        return self._compiled.id

    def add(self, key: bytes | None, value: bytes | None, *, offset: int, log_ms: int) -> None:
        """Decides on one record, as `run` does."""
        self.run(((key, value, offset, log_ms),))

    def run(self, records: Iterable[Incoming]) -> None:
        """Decides on records, one after the other. What can not be read becomes a dead letter."""
        held, poison, count = self._loaded, self._poison, 0
        decode, compiled, decision = self._decode, self._compiled, self._outputs.decision
        for key, value, offset, log_ms in records:
            self.offset = offset + 1
            if value is PASSED_OVER:
                continue
            try:
                if offset == poison:
                    raise BadEvent("crashed", "workers broke down on it: a bug, please report it")
                event = decode(value)
                loaded = held.get(key)  # type: ignore[arg-type]  # None is no key of anybody's
                if loaded is None or loaded.id != (event.user_id or event.anonymous_id):
                    loaded = self._admit(key, event)
                arrival = self._time(event, log_ms)
                if offset <= loaded.offset:
                    continue
                decide.on_event(compiled, loaded.profile, loaded.seen, arrival, decision)
            except BadEvent as error:
                if not (self._is_tick(value) or self._is_relay(key, value, offset)):
                    self._bury(key, value, offset, error)
                continue
            loaded.offset = offset
            if self._lead_ms > self.high_water:
                self.high_water = self._lead_ms
            count += 1
        self._outputs.events += count

    def relay(self, relay: Relay, offset: int) -> None:
        """Takes what an account or a person is told; for an account that is full, a dead letter.

        It moves no time but that of the person. Nobody may be there any more.
        """
        decision = self._outputs.decision
        try:
            if isinstance(relay, Told):
                decision.relays += self._accounts.tell(relay)
                return
        except BadEvent as error:
            self._bury(relays.key(relay), relays.encode(relay), offset, error)
            return
        loaded = self._load(relay.person)
        due = Due(relay.at, self.high_water // 1000, self._adopted)
        decide.on_answered(
            self._compiled, loaded.profile, loaded.seen, relay, due=due, decision=decision
        )

    def fire(self, until_ms: int, limit: int) -> int:
        """Fires timers due by an instant, of at most `limit` profiles; returns of how many."""
        decision = self._outputs.decision
        now = Due(until_ms, self.high_water // 1000, self._adopted)
        due = self._table.take_due(until_ms, limit)
        self._taken += due
        for profile_id in due:
            loaded = self._load(profile_id)
            loaded.wake = NEVER
            decide.on_timers(self._compiled, loaded.profile, loaded.seen, now, decision)
        return len(due)

    def settle(self, limit: int) -> int:
        """Evaluates at most `limit` profiles under the active definitions; returns how many."""
        outdated = self._table.outdated[-limit:]
        now = Due(self.high_water, self.high_water // 1000, self._adopted)
        for profile_id in outdated:
            loaded = self._load(profile_id)
            if loaded.profile.definitions == self._compiled.id:
                continue
            decision = self._outputs.decision
            decide.on_definitions(self._compiled, loaded.profile, loaded.seen, now, decision)
        self._settled = len(outdated)
        self._is_settled = len(outdated) == len(self._table.outdated)
        return len(outdated)

    def finish(self) -> list[tuple[bytes, bytes | None]]:
        """Returns the records for the changelog: each touched profile, and the progress."""
        lead_ms = 0 if self._is_stream else self._max_lead_ms  # by which log time may lie behind
        log_s = (self.high_water - lead_ms) // 1000
        encode, staged, forget = profiles.encode, self._staged, duplicates.forget
        records: list[tuple[bytes, bytes | None]] = []
        for key, loaded in self._loaded.items():
            profile, wake = loaded.profile, loaded.wake
            if not profile.definitions:
                continue  # new, and nothing that came for it could be applied
            profile.offset = loaded.offset
            forget(profile, log_s)
            due = profile.due if profile.due < wake else wake
            value = due.to_bytes(WAKE_BYTES, "big") + encode(profile)
            records.append((key, value))
            staged.append((profile.id, value, due if due < wake else None))
            loaded.wake = due
            if profile.pages or len(profile.seen) >= MANY_BYTES:
                self._busy.append(loaded)
            if (turned := loaded.seen.turned) is not None:
                loaded.seen.turned = None
                self._turned.append((profile.id, turned))
                records += [(page_key(profile.id, at), page) for at, page in turned.items()]
        records += self._accounts.finish()
        if self._progress.definitions != self._compiled.id:
            self._adoption = self._adopted_set()
            records.append((ADOPTION_KEY, encode_adoption(self._adoption)))
        self._progress = Progress(
            offset=self.offset,
            high_water=self.high_water,
            definitions=self._compiled.id,
            is_settled=self._is_settled,
            adopted=self._adopted,
        )
        records.append((PROGRESS_KEY, encode_progress(self._progress)))
        self._loaded = {}  # the next batch finds room that is still in the processor's caches
        return records

    def _adopted_set(self) -> Adoption:
        """Returns what is remembered of the definitions that take over with this batch."""
        compiled, known = self._compiled, self._table.adoption
        if known is not None and known.definitions == compiled.id:
            return known
        return tables.adoption(compiled.id, compiled.documents)

    def apply(self) -> None:
        """Joins what was finished to the table: call it once the transaction is committed."""
        table = self._table
        table.put_all(self._staged)
        self._accounts.apply()
        for profile_id, turned in self._turned:
            table.put_pages(profile_id, turned)
        for loaded in self._busy:
            table.keep(loaded)
        if self._settled:
            del table.outdated[-self._settled :]
        table.adoption = self._adoption
        if self._progress.is_settled:
            table.fill = None
        table.progress = self._progress

    def drop(self) -> None:
        """Leaves the table as it was: call it after an abort."""
        self._table.return_due(self._taken)
        for profile_id in self._borrowed:
            self._table.release(profile_id)

    def _time(self, event: Event, log_ms: int) -> Arrival:
        """Returns what is known of an event's time; notes how far it brings the partition.

        Raises:
            BadEvent: it is too late, or has no time.
        """
        at_ms, high_water = events.time_ms(event), self.high_water
        if at_ms < high_water - self._lateness_ms:
            raise BadEvent("too-late", "the event is older than the allowed lateness")
        if self._is_stream:
            self._lead_ms = lead_ms = at_ms if at_ms > high_water else high_water
            return Arrival(event, at_ms, lead_ms // 1000, high_water, self._adopted)
        lead_ms = log_ms + self._max_lead_ms
        self._lead_ms = lead_ms if lead_ms < at_ms else at_ms
        return Arrival(event, at_ms, log_ms // 1000, 0, self._adopted)

    def _admit(self, key: bytes | None, event: Event) -> Loaded:
        """Returns the profile of an event that comes under this key.

        Raises:
            BadEvent: it is none, or that of somebody else.
        """
        profile_id = events.profile_id(event)
        if key is None or key != profile_id.encode():
            raise _key_mismatch(key)
        loaded = self._loaded[key] = self._fetch(profile_id)
        return loaded

    def _load(self, profile_id: str) -> Loaded:
        key = profile_id.encode()
        loaded = self._loaded.get(key)
        if loaded is None:
            loaded = self._loaded[key] = self._fetch(profile_id)
        return loaded

    def _fetch(self, profile_id: str) -> Loaded:
        table = self._table
        busy = table.busy.get(profile_id)
        if busy is not None:
            self._borrowed.append(profile_id)
            return busy
        stored = table.profiles.get(profile_id)
        if stored is None:
            profile = Profile(id=profile_id)
            return Loaded(profile, NEVER, Seen(profile))
        profile = profiles.decode(profile_id, stored[WAKE_BYTES:])
        if table.fill is not None and profile.definitions != self._compiled.id:
            table.fill(profile)
        pages = table.pages.get(profile_id, NO_PAGES) if profile.pages else NO_PAGES
        return Loaded(profile, wake_of(stored), Seen(profile, pages))

    def _is_tick(self, value: bytes | None) -> bool:
        """Moves the partition's time by a clock record, if it is one and it counts here."""
        tick_ms = read_tick(value) if self._is_stream else None
        if tick_ms is None:
            return False
        self.high_water = max(self.high_water, tick_ms)
        return True

    def _is_relay(self, key: bytes | None, value: bytes | None, offset: int) -> bool:
        """Takes a relay, if it is one that stands under its key and has broken nobody."""
        relay = relays.read(value)
        if relay is None or relays.key(relay) != key or offset == self._poison:
            return False
        if not self._is_replay:
            self.relay(relay, offset)
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
