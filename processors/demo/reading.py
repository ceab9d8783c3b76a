"""Reads the demo's topics, in a thread: every output, the events, and how far the worker is.

Between the broker and the board: what the screen shows comes from the topics alone.
"""

import threading
from collections.abc import Mapping
from typing import cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from processors.demo.boards import Board, Picture
from processors.demo.broker import PARTITIONS
from processors.demo.files import Files
from processors.runtime import clients
from processors.runtime.batches import read_tick
from processors.runtime.clients import Cluster, Polled
from processors.runtime.errors import BrokerAway
from processors.runtime.rereading import EMITTED
from processors.runtime.tables import PROGRESS_KEY, Table
from schemas import relays
from schemas.topics import TOPICS, full_name

LEFT_OUT = {"events.raw", "definitions", "score-changes"}
"""Topics that say nothing that the board wants to know."""
READ = tuple(name for name in TOPICS if name not in LEFT_OUT)
MAX_BATCH = 2_000
POLL_S = 0.05


class Reader:
    """Reads until it is told to stop."""

    def __init__(self, cluster: Cluster, prefix: str, *, board: Board, files: Files) -> None:
        self.topics: Mapping[str, str] = {full_name(prefix, name): name for name in READ}
        """The name without prefix, by the full one."""
        self.positions: dict[tuple[str, int], int] = {}
        """By full topic and partition, the offset after the last record."""
        self.ends: dict[tuple[str, int], int] = {}
        """By full topic and partition, where the end was last reached."""
        self.decided: dict[int, int] = {}
        """By partition, the offset up to which the worker has committed its decisions."""
        self._tables = [Table() for _ in range(PARTITIONS)]
        self._events = full_name(prefix, "events")
        self._board = board
        self._files = files
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._consumer: Consumer = clients.reader(cluster, f"{prefix}demo")

    def run(self) -> None:
        """Reads from the beginning; returns after `stop`.

        Raises:
            BrokerAway: the topics can not be read.
            BadRecord: an output can not be read.
        """
        consumer = self._consumer
        try:
            consumer.assign(
                [
                    TopicPartition(name, partition, OFFSET_BEGINNING)
                    for name in self.topics
                    for partition in range(PARTITIONS)
                ]
            )
            while not self._stopping.is_set():
                found = clients.take(consumer, MAX_BATCH, POLL_S)
                with self._lock:
                    for message in found:
                        error = message.error()
                        if error is None:
                            self._take(message.topic() or "", cast("Polled", message))
                        else:
                            self._note(message.topic() or "", cast("Polled", message), error)
        finally:
            consumer.close()

    def stop(self) -> None:
        """Ends `run` after what it is at."""
        self._stopping.set()

    def picture(self) -> Picture:
        """Returns what has been read by now; callable from any thread."""
        with self._lock:
            return self._board.picture()

    @property
    def undecided(self) -> int:
        """How many records of `events` have been read here that the worker is not done with."""
        ends = (self.positions.get((self._events, each), 0) for each in range(PARTITIONS))
        return sum(ends) - sum(self.decided.values())

    def has_reached(self, topic: str, ends: Mapping[int, int]) -> bool:
        """Returns whether a topic has been read so far, by partition; callable from any thread."""
        return all(
            self.ends.get((topic, partition), -1) >= end for partition, end in ends.items() if end
        )

    def _take(self, topic: str, message: Polled) -> None:
        name, partition = self.topics[topic], message.partition()
        self.positions[topic, partition] = message.offset() + 1
        if name == "profiles":
            self._follow(partition, message)
            return
        key, value = (message.key() or b"").decode("utf-8", "replace"), message.value()
        if name == "events":
            if read_tick(value) is None and relays.read(value) is None:
                self._board.take_event(key, value, is_emitted=message.headers() == EMITTED)
        elif name == "dead-letters":
            told = self._board.take_dead_letter(message.headers() or [])
            text = (value or b"").decode("utf-8", "replace")
            self._files.add(name, {"profile_id": key, **told, "value": text})
        else:
            record = self._board.take(name, key, value)
            if record is not None:
                self._files.add(name, record)

    def _follow(self, partition: int, message: Polled) -> None:
        """Takes up from the changelog how far the worker is; the profiles are passed over."""
        if message.key() == PROGRESS_KEY:
            table = self._tables[partition]
            table.restore(PROGRESS_KEY, message.value())
            self.decided[partition] = table.progress.offset
            self._board.see(table.progress.high_water)

    def _note(self, topic: str, message: Polled, error: KafkaError) -> None:
        if error.code() == KafkaError._PARTITION_EOF:
            self.ends[topic, message.partition()] = message.offset()
        elif error.fatal() or not error.retriable():
            raise BrokerAway(f"the topics can not be read ({clients.words(error)})")
