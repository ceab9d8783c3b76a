"""The runtime without a broker: one partition in memory, in virtual time.

The same batches as the worker's, so what is tested or replayed here is what runs there.
"""

from collections import deque
from collections.abc import Callable, Iterable

import msgspec
from msgspec.structs import replace

from processors.decisions import backfills
from processors.decisions.compiled import Compiled
from processors.runtime import tables
from processors.runtime.backfills import Backfilling, Recorded
from processors.runtime.batches import Batch, Policy
from processors.runtime.outputs import Outputs
from processors.runtime.tables import Span, Table
from schemas import codec, events
from schemas.errors import BadEvent
from schemas.letters import DeadLetter
from schemas.relays import Relay, Told

BATCH = 5_000
SLICE = 1_000

Write = Callable[[str, str, msgspec.Struct | None], None]
"""Takes a topic's name without prefix, a key and a value; None deletes the key's record."""


class Driver:
    """Runs records through one partition, batch by batch, and hands out what they lead to.

    Where it keeps the log, other definitions begin with what they find there. Where definitions ask
    for the people of accounts, it goes record by record and timer by timer, and what one leads to
    for others happens before the next one: so all is as if it had happened in the order of time.
    """

    def __init__(
        self,
        compiled: Compiled,
        write: Write,
        *,
        policy: Policy | None = None,
        keeps_log: bool = False,
        peers: "list[Driver] | None" = None,
    ) -> None:
        """Begins with nobody.

        Args:
            compiled: the definitions.
            write: takes what is written.
            policy: None: the stream's clock.
            keeps_log: whether other definitions find what was before them.
            peers: those of the other partitions, which people of an account may be in; it joins
                them. None: there are none.
        """
        self.table = Table()
        self.compiled = compiled
        self.policy = replace(policy or Policy(clock="stream"), is_replay=True)
        self.log: list[Recorded] | None = [] if keeps_log else None
        self.dead_letters: list[DeadLetter] = []
        self.events = 0
        self._write = write
        self._offset = 0
        self._peers: list[Driver] = [] if peers is None else peers
        self._peers.append(self)

    def feed(self, records: Iterable[tuple[bytes | None, bytes | None]], log_ms: int = 0) -> None:
        """Decides on keys and values as one batch, with all timers that they make due."""
        if not self.compiled.people:
            self._take(records, log_ms)
            return
        for record in records:
            if (at_ms := self._surely_ms(*record)) > self.table.progress.high_water:
                self.advance(at_ms)
            self._take((record,), log_ms)

    def _take(self, records: Iterable[tuple[bytes | None, bytes | None]], log_ms: int) -> None:
        batch, outputs = self._begin()
        for key, value in records:
            self._record(key, value, log_ms, is_told=False)
            batch.add(key, value, offset=self._offset, log_ms=log_ms)
            self._offset += 1
        self._end(batch, outputs)
        if self.policy.clock == "stream":
            self.fire(self.table.progress.high_water)

    def _surely_ms(self, key: bytes | None, value: bytes | None) -> int:
        """Returns the time to which a record surely brings the stream, ms; 0 where that may not be.

        All that is due by then comes before it.
        """
        if self.policy.clock == "wall":
            return 0
        try:
            event = self.policy.decode(value)
            at_ms, profile_id = events.time_ms(event), events.profile_id(event)
            events.name(event), events.properties(event), events.traits(event)
        except BadEvent:
            return 0
        return at_ms if key == profile_id.encode() else 0

    def advance(self, until_ms: int) -> None:
        """Moves the partition's time to an instant and fires what is due by then."""
        progress = self.table.progress
        progress.high_water = max(progress.high_water, until_ms)
        self.fire(until_ms)

    def fire(self, until_ms: int) -> None:
        """Fires all timers due by an instant."""
        while self.table.next_wake() <= until_ms:
            batch, outputs = self._begin()
            batch.fire(self.table.next_wake() if self.compiled.people else until_ms, SLICE)
            self._end(batch, outputs)

    def activate(self, compiled: Compiled) -> None:
        """Makes other definitions the active ones, and evaluates every profile under them."""
        keys = backfills.lacking(self.compiled, compiled)
        if self.log is not None and keys and self.table.profiles:
            self._read_back(compiled, keys)
        self.compiled = compiled
        batch, outputs = self._begin()
        while True:
            left = batch.settle(SLICE)
            self._end(batch, outputs)
            if not left:
                break
            batch, outputs = self._begin()
        if self.policy.clock == "stream":
            self.fire(self.table.progress.high_water)

    def _read_back(self, compiled: Compiled, keys: tuple[str, ...]) -> None:
        backfill = backfills.backfill(compiled, keys)
        filling = Backfilling(backfill, self.policy, crash=self.table.crash)
        filling.take(self.log or ())
        span = Span(keys, self._offset, self._offset)
        adopted = tables.adoption(compiled.id, compiled.documents, span)
        self.table.adopt(adopted, filling.fill)

    def _record(
        self, key: bytes | None, value: bytes | None, log_ms: int, *, is_told: bool
    ) -> None:
        if self.log is not None:
            self.log.append((is_told, (key, value, self._offset, log_ms)))

    def _begin(self) -> tuple[Batch, Outputs]:
        outputs = Outputs()
        batch = Batch(
            self.table,
            self.compiled,
            policy=self.policy,
            outputs=outputs,
            source=("events", 0),
        )
        return batch, outputs

    def _end(self, batch: Batch, outputs: Outputs) -> None:
        """Ends a batch, and has accounts and people take what it tells them, in its order."""
        self._close(batch, outputs)
        waiting = deque(outputs.decision.relays)
        while waiting:
            waiting += self._home(relay := waiting.popleft())._hear(relay)

    def _home(self, relay: Relay) -> "Driver":
        """Returns where an account or a person lies; all accounts are together."""
        if isinstance(relay, Told):
            return self._peers[0]
        return next((each for each in self._peers if relay.person in each.table.profiles), self)

    def _hear(self, relay: Relay) -> list[Relay]:
        batch, outputs = self._begin()
        batch.relay(relay, self._offset - 1)
        self._close(batch, outputs)
        return outputs.decision.relays

    def _close(self, batch: Batch, outputs: Outputs) -> None:
        batch.finish()
        batch.apply()
        for topic, key, value in outputs.records():
            if self.log is not None and topic == "events" and value is not None:
                log_ms = self.table.progress.high_water
                self._record(key.encode(), _encode(value), log_ms, is_told=True)
                self._offset += 1
            self._write(topic, key, value)
        self.dead_letters += outputs.dead_letters
        self.events += outputs.events


_encode = codec.encoder("events")
