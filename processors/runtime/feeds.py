"""One topic, read as a member of a group by a service that finishes records in any order.

Everything here is called from one thread. What is committed is the service's to say; it is asked
once more before partitions leave.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from processors.runtime import clients, readers
from processors.runtime.clients import Cluster, Polled
from processors.runtime.errors import RuntimeFailure

ANSWER_S = 5.0
"""How long brokers may take to say how many partitions there are."""

logger = logging.getLogger(__name__)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What is read, and as whom."""

    cluster: Cluster
    group: str
    topic: str
    """Full name."""
    slot: str | None = None
    """A name that only this process has, the same after a restart."""


class Hooks(msgspec.Struct, frozen=True, kw_only=True):
    """What the service is told, from the polling thread, before `poll` returns."""

    came: Callable[[Sequence[int]], None]
    left: Callable[[Sequence[int]], Mapping[int, int]]
    """Finishes what is in flight, within a bound; returns by partition the offset to commit."""


class Polls(msgspec.Struct, frozen=True, kw_only=True):
    """What one poll gave."""

    records: Sequence[Polled]
    ends: Mapping[int, int]
    """By partition, where its end was reached."""


class Feed:
    """The consumer of one topic."""

    def __init__(self, options: Options, hooks: Hooks) -> None:
        self._options = options
        self._hooks = hooks
        self._consumer: Consumer | None = None
        self._owned: set[int] = set()
        self._read: set[int] = set()
        """Those of them that have given a record, or their end."""

    def open(self) -> None:
        """Joins the group."""
        options = self._options
        self._consumer = clients.consumer(options.cluster, options.group, options.slot)
        self._consumer.subscribe(
            [options.topic], on_assign=self._assign, on_revoke=self._revoke, on_lost=self._lose
        )

    def poll(self, most: int, wait_s: float) -> Polls:
        """Returns the records that are there, after waiting a little where there are none.

        Raises:
            RuntimeFailure: this process can not go on.
        """
        records: list[Polled] = []
        ends = {}
        for message in clients.take(self._member, most, wait_s):
            if message.error() is None:
                records.append(cast("Polled", message))
            elif not self._note(message):
                end = cast("Polled", message)
                ends[end.partition()] = end.offset()
        self._read.update((*ends, *(one.partition() for one in records)))
        return Polls(records=records, ends=ends)

    def hold(self) -> None:
        """Has the partitions that are ours now wait: whoever goes on polling stays in the group.

        One that was not read yet, or comes later, is read until it is held too. It must not be held
        before: that may have the client's question after its offset lost, and it is never read.
        """
        self._member.pause(self._places(self._owned & self._read))

    def go_on(self) -> None:
        """Has all partitions read again."""
        self._member.resume(self._places(self._owned))

    def count(self) -> int | None:
        """Returns how many partitions the topic has, for all members; None: nobody says now."""
        try:
            return len(readers.partitions(self._member, self._options.topic, ANSWER_S))
        except RuntimeFailure as error:
            logger.info("partitions were not counted", extra={"why": str(error)})
            return None

    def commit(self, offsets: Mapping[int, int], *, waits: bool = False) -> None:
        """Commits by partition the offset to go on from.

        What is not committed is read again after a crash, so an error is only told.
        """
        if not offsets:
            return
        places = [TopicPartition(self._options.topic, *each) for each in offsets.items()]
        try:
            if waits:
                self._member.commit(offsets=places, asynchronous=False)
            else:
                self._member.commit(offsets=places, asynchronous=True)
        except KafkaException as error:
            logger.warning("offsets were not committed", extra={"error_text": clients.words(error)})

    def close(self) -> None:
        """Leaves the group."""
        if self._consumer is not None:
            self._consumer.close()

    @property
    def _member(self) -> Consumer:
        assert self._consumer is not None  # opened before anything else
        return self._consumer

    def _note(self, message: Message) -> bool:
        """Takes in what is no record; returns whether it was an error."""
        error = message.error()
        assert error is not None
        if error.code() == KafkaError._PARTITION_EOF:
            return False
        clients.check(error, slot=self._options.slot or "", what=self._options.topic)
        return True

    def _assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        came = [each.partition for each in partitions]
        self._owned.update(came)
        self._read.difference_update(came)
        consumer.incremental_assign(partitions)
        self._hooks.came(came)
        logger.info("partitions came", extra={"partitions": sorted(came)})

    def _revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        left = [each.partition for each in partitions]
        self.commit(self._hooks.left(left), waits=True)
        self._forget(consumer, partitions)

    def _lose(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """They are another's already: nothing of them can be committed."""
        self._hooks.left([each.partition for each in partitions])
        self._forget(consumer, partitions)

    def _forget(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        left = [each.partition for each in partitions]
        self._owned.difference_update(left)
        self._read.difference_update(left)
        if partitions:
            consumer.incremental_unassign(partitions)
        logger.info("partitions left", extra={"partitions": sorted(left)})

    def _places(self, partitions: Iterable[int]) -> list[TopicPartition]:
        return [TopicPartition(self._options.topic, one) for one in partitions]
