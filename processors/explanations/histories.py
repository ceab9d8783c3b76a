"""What is known of a person at an instant: the profile, what was heard, what was decided.

Recorded events run through the engine in virtual time, as in `beckon replay`. Others matter to a
person by one thing only: time moves by all events of a partition, and by it timers fire and events
are too late. So of others the engine gets the time, as a clock record before the person's next one;
but all where definitions ask for the people of accounts.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

import msgspec

from processors.decisions.compiled import Compiled
from processors.decisions.moments import Decision
from processors.operations.errors import OperationFailed
from processors.operations.ingesting import lines
from processors.runtime.batches import Policy, read_tick, tick
from processors.runtime.memory import BATCH, Driver
from processors.state import accounts
from processors.state.duplicates import Seen
from processors.state.profiles import Profile
from schemas import events
from schemas.errors import BadEvent
from schemas.events import Event
from schemas.records import DecisionRecord, ScoreChange, SegmentChange

MAX_HEARD = 100_000
"""How many events of the person are kept: the latest."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One record of the log."""

    place: str
    """Where it is, for people."""
    key: bytes | None
    """None: that of its event, as it comes from no topic."""
    value: bytes | None


class Heard(msgspec.Struct, frozen=True):
    """One event of the person that was decided on."""

    event: Event
    name: str
    """By which definitions know it."""
    at_ms: int
    place: str | None
    """None where a trigger told it."""


People = Mapping[str, Mapping[str, bool | int | float]]
"""By person, what holds for them, by what stands for the condition; or a score's value."""


class History(msgspec.Struct, kw_only=True):
    """What is known."""

    profile: Profile
    at_ms: int
    heard: list[Heard]
    segment_changes: list[SegmentChange]
    score_changes: list[ScoreChange]
    decisions: list[DecisionRecord]
    notes: list[str]
    people: People | None = None
    """What the people of the account have told about themselves; None: that is not known."""

    def add(self, decision: Decision) -> None:
        """Takes in what came of timers."""
        self.segment_changes += decision.segment_changes
        self.score_changes += decision.score_changes
        self.decisions += decision.decisions
        self.heard = [*self.heard, *(hear(each, None) for each in decision.emitted)]


def hear(event: Event, place: str | None) -> Heard:
    """Returns what is known of an event.

    Raises:
        BadEvent: it has no time or no name.
    """
    return Heard(event, events.name(event), events.time_ms(event), place)


def entries(files: Iterable[str]) -> Iterator[Entry]:
    """Gives the filled lines of files as records, one file after the other.

    Raises:
        OperationFailed: one can not be read.
    """
    for file in files:
        with lines(file) as found:
            for number, line in enumerate(found, 1):
                if text := line.strip():
                    yield Entry(f"{file}:{number}", None, text)


def recall(
    compiled: Compiled,
    log: Iterable[Entry],
    profile_id: str,
    *,
    until_ms: int | None = None,
    policy: Policy | None = None,
    progress: Callable[[int], None] = lambda count: None,
) -> History:
    """Returns a person's history by running a log through the engine.

    Args:
        compiled: the definitions.
        log: one partition's records, or the lines of files, in order.
        profile_id: the person's.
        until_ms: timers run up to here, and later events are left out; None: the largest event
            time.
        policy: of the stream's clock.
        progress: is told the number of records after each batch.

    Raises:
        OperationFailed: the log has nothing of this person.
    """
    run = _Run(compiled, profile_id, until_ms, policy or Policy(clock="stream"))
    waiting, count = iter(log), 0
    while batch := list(islice(waiting, BATCH)):
        run.driver.feed(run.needed(batch))
        count += len(batch)
        progress(count)
    return run.history()


class _Run:
    """Feeds the engine, and keeps what concerns the person."""

    def __init__(
        self, compiled: Compiled, profile_id: str, until_ms: int | None, policy: Policy
    ) -> None:
        self.driver = Driver(compiled, self._write, policy=policy)
        self._policy = policy
        self._id = profile_id
        self._key = profile_id.encode()
        self._until_ms = until_ms
        self._high_water = 0
        self._ticked_ms = 0
        self._fed = 0
        self._heard: deque[tuple[int, int, Heard]] = deque(maxlen=MAX_HEARD)
        """With the offset, and how far others had moved the time, ms."""
        self._told: list[Heard] = []
        self._decision = Decision()

    def needed(self, batch: Iterable[Entry]) -> Iterator[tuple[bytes | None, bytes | None]]:
        """Gives key and value of what the engine is to be fed: nothing later than the end."""
        for entry in batch:
            key, heard = self._look(entry)
            if key is None:
                continue
            if self._high_water > self._ticked_ms:
                self._ticked_ms = self._high_water
                self._fed += 1
                yield b"", tick(self._high_water)
            if heard is not None:
                self._heard.append((self._fed, self._high_water, heard))
            self._fed += 1
            yield key, entry.value

    def _look(self, entry: Entry) -> tuple[bytes | None, Heard | None]:
        """Returns the key of a record that the engine needs, and what is heard of the person."""
        try:
            event = self._policy.decode(entry.value)
            heard, person = hear(event, entry.place), events.profile_id(event)
        except BadEvent:
            self._move(read_tick(entry.value) or 0)
            return (self._key if entry.key == self._key else None), None
        if not self._is_within(heard.at_ms):
            return None, None
        key = person.encode()
        if entry.key not in (None, key):  # refused, which matters to whom it seems to be of
            return (self._key if entry.key == self._key else None), None
        if key == self._key:
            return key, heard
        if _is_readable(event) and not self.driver.compiled.people:
            self._move(heard.at_ms)
            return None, None
        return key, None

    def _move(self, at_ms: int) -> None:
        if self._is_within(at_ms):
            self._high_water = max(self._high_water, at_ms)

    def _is_within(self, at_ms: int) -> bool:
        return self._until_ms is None or at_ms <= self._until_ms

    def _write(self, topic: str, key: str, value: msgspec.Struct | None) -> None:
        if key != self._id:
            return
        match value:
            case Event():
                self._told.append(hear(value, None))
            case DecisionRecord():
                self._decision.decisions.append(value)
            case SegmentChange():
                self._decision.segment_changes.append(value)
            case ScoreChange():
                self._decision.score_changes.append(value)
            case _:
                pass

    def history(self) -> History:
        """Returns what was gathered, once the timers have run to the end.

        Raises:
            OperationFailed: nothing was.
        """
        self.driver.advance(self._high_water if self._until_ms is None else self._until_ms)
        profile = self.driver.table.profile(self._id)
        high_water = self.driver.table.progress.high_water
        if profile is None:
            raise OperationFailed(unknown(self._id, f"by {events.iso(high_water)}"))
        return History(
            profile=profile,
            at_ms=high_water,
            heard=[*self._once(), *self._told],
            segment_changes=self._decision.segment_changes,
            score_changes=self._decision.score_changes,
            decisions=self._decision.decisions,
            notes=self._refused(),
            people=people(self.driver.table.accounts, profile),
        )

    def _once(self) -> Iterator[Heard]:
        """Gives the events that the engine took, each once."""
        seen, high_water = Seen(Profile()), 0
        buried = {each.record.offset for each in self.driver.dead_letters}
        for offset, moved_ms, heard in self._heard:
            if offset not in buried:
                high_water = max(high_water, moved_ms, heard.at_ms)
                if seen.add(heard.event.message_id, high_water // 1000):
                    yield heard

    def _refused(self) -> list[str]:
        key = self._id.encode()
        reasons = [each.reason for each in self.driver.dead_letters if each.record.key == key]
        if not reasons:
            return []
        named = ", ".join(sorted(set(reasons)))
        return [f"events of this person that could not be used: {len(reasons)} ({named})"]


def people(stored: Mapping[str, bytes], profile: Profile) -> People | None:
    """Returns what the people of a person's account have told; None where that is not stored."""
    found = stored.get(profile.belongs.account) if profile.belongs else None
    return None if found is None else accounts.decode(found).people


def _is_readable(event: Event) -> bool:
    """Returns whether nothing in an event could make the engine refuse it but its time."""
    try:
        events.properties(event)
        events.traits(event)
    except BadEvent:
        return False
    return True


def unknown(profile_id: str, where: str) -> str:
    """Returns what to say where nothing is known of somebody."""
    return f"nothing is known of {profile_id!r} {where}: is the id spelt as in the events?"
