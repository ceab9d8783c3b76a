"""A running system on the embedded broker: what workers write, by their own batches."""

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from processors.decisions.compiled import Compiled
from processors.decisions.compiling import compile_set
from processors.definitions import sets
from processors.operations.publishing import publish
from processors.runtime import clients
from processors.runtime.batches import Batch, Incoming, Policy
from processors.runtime.outputs import Outputs
from processors.runtime.partitioners import partition
from processors.runtime.rereading import EMITTED
from processors.runtime.tables import Table
from schemas import codec, relays
from tests.builders import T0, Document, Json, encoded
from tests.embedded import TIMEOUT_S, Broker

NAMES = ("events", "definitions", "profiles", "decisions", "segment-changes", "score-changes")
PARTITIONS = 4
NONE: Compiled = compile_set(sets.from_documents([]))


class System:
    """Topics, and a worker whose turns are taken by hand."""

    def __init__(self, broker: Broker, *documents: Document, policy: Policy) -> None:
        self.broker = broker
        self.policy = policy
        self.compiled = NONE
        self.tables = defaultdict[int, Table](Table)
        self.ends = defaultdict[int, int](int)
        self.waiting: list[tuple[int, bytes, bytes, int]] = []
        self._producer = clients.producer(broker.cluster, None, clients.logger)
        for name in NAMES:
            self._producer.list_topics(broker.topic(name), TIMEOUT_S)
        self.publish(*documents)

    def publish(self, *documents: Document, is_taken_up: bool = True) -> None:
        definitions = sets.from_documents(documents)
        publish(self.broker.cluster, self.broker.prefix, definitions, now_ms=T0)
        if is_taken_up:
            self.compiled = compile_set(definitions)

    def sends(self, *data: Json | bytes, key: str = "p") -> None:
        """Writes events as an app would; nobody has decided on them yet."""
        for each in data:
            value = each if isinstance(each, bytes) else encoded(each)
            of = key if isinstance(each, bytes) else str(each["userId"])
            self._event(of.encode(), value)

    def decides(self, *data: Json | bytes, log_ms: int = T0) -> None:
        """Writes events and has the worker decide on all that wait."""
        self.sends(*data)
        while self.waiting:
            place, key, value, offset = self.waiting.pop(0)
            self._work(place, partial(_add, (key, value, offset, log_ms)))

    def fires(self, until_ms: int) -> None:
        for place in list(self.tables):
            self._work(place, partial(_fire, until_ms))

    def _work(self, place: int, do: Callable[[Batch], object]) -> None:
        outputs = Outputs()
        batch = Batch(
            self.tables[place],
            self.compiled,
            policy=self.policy,
            outputs=outputs,
            source=("events", place),
        )
        do(batch)
        for key, value in batch.finish():
            self._write("profiles", key, value, place)
        batch.apply()
        for name, person, record in outputs.records():
            if record is not None and name == "events":
                self._event(person.encode(), msgspec.json.encode(record), is_emitted=True)
            elif record is not None and name in NAMES:
                self._write(name, person.encode(), codec.encode(record))
        for relay in outputs.decision.relays:
            self._event(relays.key(relay), relays.encode(relay))
        self.broker_has_all()

    def _event(self, key: bytes, value: bytes, *, is_emitted: bool = False) -> None:
        place = partition(key, PARTITIONS)
        offset, self.ends[place] = self.ends[place], self.ends[place] + 1
        more: dict[str, Any] = {"headers": EMITTED} if is_emitted else {}
        self._producer.produce(f"{self.broker.prefix}events", value, key, place, **more)
        self.broker_has_all()
        if not is_emitted:
            self.waiting.append((place, key, value, offset))

    def _write(self, name: str, key: bytes, value: bytes | None, place: int = -1) -> None:
        self._producer.produce(f"{self.broker.prefix}{name}", value, key, place)

    def broker_has_all(self) -> None:
        assert self._producer.flush(TIMEOUT_S) == 0


def _add(record: Incoming, batch: Batch) -> None:
    batch.run((record,))


def _fire(until_ms: int, batch: Batch) -> None:
    batch.fire(until_ms, 100)
