"""The transactional producer: outputs, state and source offsets of a batch become one.

Whatever is doubtful ends it: a new producer with the same id raises the epoch and so fences what
the old one may still have under way (librdkafka issue 5423: no KIP-890 part 2).
"""

import contextlib
import logging
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from processors.runtime import clients
from processors.runtime.clients import CALL_S, Cluster
from processors.runtime.errors import BrokerAway, Fenced

SLOW_COMMIT_S = 1.0
"""A commit that took longer may have been sent twice: the producer is replaced."""
MAX_TRIES = 5

FENCED = {
    KafkaError._FENCED,
    KafkaError.PRODUCER_FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
    KafkaError.INVALID_PRODUCER_ID_MAPPING,
}

logger = logging.getLogger(__name__)


class Aborted(Exception):
    """The batch came to nothing: drop its overlay, seek back and do it again."""


class Transactions:
    """One producer, one transaction at a time; used from one thread."""

    def __init__(self, cluster: Cluster, transactional_id: str) -> None:
        self._cluster = cluster
        self._id = transactional_id
        self._watch = _Watch()
        self._log = logging.getLogger(f"{__name__}.librdkafka")
        self._log.setLevel(logging.INFO)
        self._log.propagate = False
        self._log.handlers = [self._watch]
        self._producer: Producer | None = None
        self._is_open = False

    def open(self) -> None:
        """Takes the id, and so ends what a killed worker of this id has left open.

        Raises:
            Fenced: another process takes it at the same time.
            BrokerAway: the cluster does not answer, or refuses us.
        """
        try:
            self._ready()
        except Aborted as error:
            raise BrokerAway(f"the cluster refuses transactions ({error})") from error

    def begin(self) -> Producer:
        """Opens a transaction and returns the producer to write with.

        Raises:
            Aborted: it can not be opened now.
            Fenced: another process has taken the id.
            BrokerAway: the cluster does not answer.
        """
        producer = self._ready()
        try:
            producer.begin_transaction()
        except KafkaException as error:
            raise self._fatal(error) from error
        self._is_open = True
        return producer

    def commit(self, consumer: Consumer, offsets: list[TopicPartition]) -> None:
        """Commits what was written, with the source offsets.

        The flush comes first: offsets sent while partitions are still being added to the
        transaction are refused as concurrent, and wait out a back-off of 100 ms.

        Raises:
            Aborted: it came to nothing; as if nothing had been written.
            Fenced: another process has taken the id.
            BrokerAway: the cluster does not answer.
        """
        producer = self._producer
        assert producer is not None
        try:
            if producer.flush(CALL_S):
                raise self._abort("records were not delivered in time")
            if offsets:
                group = consumer.consumer_group_metadata()
                self._call(producer.send_offsets_to_transaction, offsets, group, CALL_S)
            started_s = time.monotonic()
            self._call(producer.commit_transaction, CALL_S)
            self._is_open = False
            producer.poll(0)  # librdkafka's log comes with it
            if time.monotonic() - started_s > SLOW_COMMIT_S or self._watch.saw_disconnect:
                logger.warning("a commit was doubtful: the producer is replaced")
                self._close()
        except KafkaException as error:
            raise self._judge(error) from error

    def abort(self) -> None:
        """Drops what was written, if a transaction is open; a failure here ends the producer.

        Raises:
            Fenced: another process has taken the id. A new producer would take it back.
        """
        if self._producer is None or not self._is_open:
            return
        self._is_open = False
        try:
            self._producer.abort_transaction(CALL_S)
        except KafkaException as error:
            logger.warning("abort failed: the producer is replaced", extra=_extra(error))
            failure = self._fatal(error)
            if isinstance(failure, Fenced):
                raise failure from error

    def close(self) -> None:
        """Aborts what is open and lets go of the producer."""
        with contextlib.suppress(Fenced):
            self.abort()
        self._close()

    def _ready(self) -> Producer:
        if self._producer is None:
            self._producer = self._new()
        return self._producer

    def _new(self) -> Producer:
        self._watch.saw_disconnect = False
        producer = clients.producer(self._cluster, self._id, self._log)
        for left in reversed(range(MAX_TRIES)):
            try:
                producer.init_transactions(CALL_S)
            except KafkaException as error:
                if not error.args[0].retriable() or not left:
                    raise self._fatal(error) from error
                logger.warning("no transactions yet, trying again", extra=_extra(error))
            else:
                break
        return producer

    def _call(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Calls again what says that it may be called again."""
        for left in reversed(range(MAX_TRIES)):
            try:
                call(*arguments)
            except KafkaException as error:
                if not error.args[0].retriable() or not left:
                    raise
                logger.warning("calling again", extra=_extra(error))
            else:
                return

    def _judge(self, error: KafkaException) -> Exception:
        is_fenced = clients.code(error) in (KafkaError._FENCED, KafkaError.PRODUCER_FENCED)
        if error.args[0].txn_requires_abort() and not is_fenced:
            return self._abort(clients.words(error))
        return self._fatal(error)

    def _abort(self, why: str) -> Aborted:
        """Ends the producer too: after a record that was refused, its next one is out of order."""
        self.abort()
        self._close()
        return Aborted(why)

    def _fatal(self, error: KafkaException) -> Exception:
        """Ends the producer. Being fenced ends the worker too; all else, the next one may mend."""
        self._is_open = False
        self._close()
        if clients.code(error) in FENCED or "fenced" in clients.words(error).lower():
            return Fenced(f"transactional id {self._id!r}")
        if clients.code(error) in (KafkaError._TIMED_OUT, KafkaError._TRANSPORT):
            return BrokerAway(f"the cluster does not answer ({clients.words(error)})")
        return Aborted(clients.words(error))

    def _close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()
            with contextlib.suppress(KafkaException):  # one that was fenced says so here again
                producer.flush(1.0)


class _Watch(logging.Handler):
    """Reads librdkafka's log for what no callback tells: that the coordinator was cut off."""

    def __init__(self) -> None:
        super().__init__()
        self.saw_disconnect = False

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if "TxnCoordinator" in text and "isconnected" in text:
            self.saw_disconnect = True
        if record.levelno >= logging.WARNING:
            logger.log(record.levelno, "librdkafka: %s", text)


def _extra(error: KafkaException) -> dict[str, str]:
    return {"error_text": clients.words(error)}
