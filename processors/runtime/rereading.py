"""Reading one partition of `events` again, beside the stream, up to where the stream is.

It takes turns with the stream in one thread, so it ends exactly at a batch's boundary. How far it
is shows as the lag of a consumer group of its own, in which there is no member.
"""

import logging
import time
from collections import deque
from typing import cast

import msgspec
from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, TopicPartition

from processors.runtime import clients
from processors.runtime.backfills import Backfilling, Recorded
from processors.runtime.clients import CALL_S, Cluster, Polled
from processors.runtime.errors import RuntimeFailure
from processors.runtime.tables import Span
from processors.state.profiles import NEVER
from schemas.letters import Headers

EMITTED: Headers = [("beckon-emitted", b"1")]
"""Marks an event that a trigger told. It was decided on when it was told, so it is passed over when
it comes back: after a backlog that may be long after its messageId has been forgotten."""
MAX_AHEAD = 10_000
"""How many records it may hold that the stream has not come to yet."""
END_S = 0.05
"""The longest that events wait while its last records come."""
AGAIN_S = 0.5
"""How long after that it does not try again."""
COMMIT_S = 1.0
"""How often it tells how far it is."""

logger = logging.getLogger(__name__)


def group(deciding: str) -> str:
    """Returns the consumer group that shows how far reading back is, beside that of the workers."""
    return f"{deciding}.backfill"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What is read, and as what."""

    topic: str
    """Full name of `events`."""
    partition: int
    group: str
    """The consumer group that shows how far it is."""


class Rereader:
    """Reads records for a backfill, some at each turn."""

    def __init__(
        self,
        cluster: Cluster,
        place: Place,
        filling: Backfilling,
        *,
        note: str,
        since_ms: int = 0,
    ) -> None:
        """Begins at the first record that may matter.

        Args:
            cluster: where.
            place: what.
            filling: takes the records.
            note: for which definition set it is, to be told beside how far it is.
            since_ms: log time of the earliest that matters.

        Raises:
            KafkaException: the cluster does not say where that is.
        """
        self.filling = filling
        self.note = note
        self._place = place
        self._reader = clients.reader(cluster, place.group)
        self._sees_open = clients.reader(cluster, place.group, sees_open=True)
        self._held: deque[Polled] = deque()
        self._end = -1
        """The offset at which the end was last reached."""
        self._told_s = self._again_s = 0.0
        self.start = self._first(since_ms)
        self.position = max(0, self.start)
        """The next record to be counted."""
        self._reader.assign([self._at(self.start)])

    def read(self, until: int, limit: int, wait_s: float) -> bool:
        """Counts some records before an offset; returns whether none of them is left.

        Args:
            until: the offset.
            limit: how many at most.
            wait_s: how long to wait where there are none.

        Raises:
            RuntimeFailure: the partition can not be read.
        """
        if len(self._held) < limit:
            self._fetch(limit, wait_s)
        taken: list[Polled] = []
        while self._held and len(taken) < limit and self._held[0].offset() < until:
            taken.append(self._held.popleft())
        self.filling.take(map(_recorded, taken))
        if taken:
            self.position = taken[-1].offset() + 1
        is_done = self._held[0].offset() >= until if self._held else self._end >= until
        if is_done:
            self.position = until
        self._tell(is_due=is_done)
        return is_done

    def finish(self, until: int, end: int | None = None) -> Span | None:
        """Counts what triggers have told since, once all before an offset is counted.

        They were told for events before it, and stand after it.

        Args:
            until: the offset.
            end: where the last of them may stand; None: where the partition ends now.

        Returns what was read; None where it is too much for the moment: read on, and ask again.
        """
        if time.monotonic() < self._again_s:
            return None
        end = self._log_end() if end is None else end
        deadline_s = time.monotonic() + END_S
        while not self._has_reached(end):
            if len(self._held) >= MAX_AHEAD or time.monotonic() > deadline_s:
                self._again_s = time.monotonic() + AGAIN_S
                return None
            self._fetch(MAX_AHEAD - len(self._held), 0.01)
        ahead = [each for each in self._held if each.offset() < end]
        self.filling.take(_recorded(each) for each in ahead if each.headers() == EMITTED)
        return Span(self.filling.backfill.keys, until, end)

    def close(self) -> None:
        """Lets go of its consumers."""
        self._reader.close()
        self._sees_open.close()

    def _first(self, since_ms: int) -> int:
        if since_ms <= 0:
            return OFFSET_BEGINNING
        asked = TopicPartition(self._place.topic, self._place.partition, since_ms)
        found = self._reader.offsets_for_times([asked], CALL_S)[0]
        return found.offset if found.error is None and found.offset >= 0 else OFFSET_BEGINNING

    def _log_end(self) -> int:
        """Returns where the partition ends.

        Transactions of others that are still open hide what comes after them from the reader, but
        not from here: so it waits for what was told behind them.
        """
        try:
            return int(self._sees_open.get_watermark_offsets(self._at(self.position), CALL_S)[1])
        except KafkaException as error:
            logger.warning("where events end is not known", extra={"why": clients.words(error)})
            return NEVER

    def _has_reached(self, end: int) -> bool:
        return self._end >= end or bool(self._held and self._held[-1].offset() >= end - 1)

    def _at(self, offset: int) -> TopicPartition:
        return TopicPartition(self._place.topic, self._place.partition, offset, self.note)

    def _fetch(self, limit: int, wait_s: float) -> None:
        for message in clients.take(self._reader, limit, wait_s):
            error = message.error()
            if error is None:
                self._held.append(cast("Polled", message))
            elif error.code() == KafkaError._PARTITION_EOF:
                self._end = message.offset() or 0
            elif error.fatal() or not error.retriable():
                raise RuntimeFailure(f"events can not be read back ({clients.words(error)})")

    def _tell(self, *, is_due: bool) -> None:
        now_s = time.monotonic()
        if now_s < self._told_s + COMMIT_S and not is_due:
            return
        self._told_s = now_s
        try:
            self._reader.commit(offsets=[self._at(self.position)], asynchronous=True)
        except KafkaException as error:
            logger.debug("how far it is was not told", extra={"error_text": clients.words(error)})


def _recorded(message: Polled) -> Recorded:
    record = (message.key(), message.value(), message.offset(), message.timestamp()[1])
    return message.headers() == EMITTED, record
