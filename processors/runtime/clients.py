"""librdkafka's clients, with the settings that the promises rest on and nothing left to defaults.

The names and limits are librdkafka's (CONFIGURATION.md). Every blocking call has a time-out.
"""

import logging
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer

from processors.runtime.errors import Fenced, RuntimeFailure, TopicMissing
from schemas.letters import Headers

MAX_STATE_BYTES = 16_777_216
"""The largest changelog record: a profile with everything at its bound stays below it."""

CALL_S = 15.0
"""How long one call to the cluster may take."""
SESSION_MS = 6_000
TRANSACTION_MS = 10_000
"""How long a dead worker's open transaction may hold up the others."""

UNSET = -1001
"""librdkafka's mark for no offset."""

logger = logging.getLogger(__name__)


class Polled(Protocol):
    """A `confluent_kafka.Message` that came from a partition: no error, so nothing is None."""

    def partition(self) -> int:
        """Returns the partition."""
        ...

    def offset(self) -> int:
        """Returns the offset."""
        ...

    def key(self) -> bytes | None:
        """Returns the key."""
        ...

    def value(self) -> bytes | None:
        """Returns the value."""
        ...

    def timestamp(self) -> tuple[int, int]:
        """Returns the kind of timestamp and the ms."""
        ...

    def headers(self) -> Headers | None:
        """Returns the headers; None where there are none."""
        ...


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """Where the brokers are and how to be let in."""

    bootstrap: str
    security: Mapping[str, str] = {}
    """librdkafka's settings, such as `security.protocol`; holds secrets, so it is never printed."""
    client_id: str = "beckon"
    group_protocol: str = "classic"
    """`consumer` = KIP-848, where all brokers have it."""
    compression: str = "none"
    checksums: bool = True
    """Whether those of what is read are checked. librdkafka's mock cluster, which serves the demo,
    leaves them out of the marks that end its transactions."""

    def __repr__(self) -> str:
        """Shows no secrets."""
        return f"Cluster({self.bootstrap!r})"


def common(cluster: Cluster) -> dict[str, Any]:
    """Returns the settings of every client."""
    return {
        "bootstrap.servers": cluster.bootstrap,
        "client.id": cluster.client_id,
        "topic.metadata.refresh.interval.ms": 10_000,
        "allow.auto.create.topics": False,
        **cluster.security,
    }


def consumer(cluster: Cluster, group: str, instance: str | None) -> Consumer:
    """Returns the consumer of `events`: member of a group, with its offsets in our hands."""
    settings = {
        **common(cluster),
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "isolation.level": "read_committed",
        "auto.offset.reset": "earliest",
        "enable.partition.eof": True,
        "fetch.wait.max.ms": 100,
        "fetch.message.max.bytes": 1_048_576,
        "message.max.bytes": MAX_STATE_BYTES,
        "queued.max.messages.kbytes": 16_384,
        "fetch.queue.backoff.ms": 10,
    }
    if instance is not None:
        settings["group.instance.id"] = instance
    if cluster.group_protocol == "consumer":
        settings["group.protocol"] = "consumer"
    else:
        settings |= {
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": SESSION_MS,
            "heartbeat.interval.ms": SESSION_MS // 4,
        }
    return Consumer(settings, logger=logger)


def reader(cluster: Cluster, name: str, *, sees_open: bool = False) -> Consumer:
    """Returns a consumer that reads given partitions from end to end and belongs to no group.

    Args:
        cluster: where.
        name: of the group under which it asks for offsets.
        sees_open: whether transactions that are open or aborted are there for it too.
    """
    return Consumer(
        {
            **common(cluster),
            "group.id": name,
            "enable.auto.commit": False,
            "isolation.level": "read_uncommitted" if sees_open else "read_committed",
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 20,
            "fetch.message.max.bytes": 4_194_304,
            "queued.max.messages.kbytes": 16_384,
            "message.max.bytes": MAX_STATE_BYTES,
            "check.crcs": cluster.checksums,
        },
        logger=logger,
    )


def take(consumer: Consumer, most: int, wait_s: float) -> list[Message]:
    """Returns what has come, marks of ends and errors too, after waiting for the first of it.

    `Consumer.consume` waits until it has all that it is asked for, or for the whole time.

    Args:
        consumer: of any kind.
        most: how many at most, at least 1.
        wait_s: for the first.
    """
    found = consumer.consume(1, wait_s)
    return found + consumer.consume(most - 1, 0) if found else found


def producer(cluster: Cluster, transactional_id: str | None, log: logging.Logger) -> Producer:
    """Returns a producer that loses and doubles nothing; transactional where it has an id."""
    settings: dict[str, Any] = {
        **common(cluster),
        "enable.idempotence": True,
        "acks": "all",
        "partitioner": "murmur2_random",
        "compression.type": cluster.compression,
        "linger.ms": 5,
        "message.timeout.ms": TRANSACTION_MS - 2_000,
        "message.max.bytes": MAX_STATE_BYTES,
        "queue.buffering.max.messages": 1_000_000,
        "queue.buffering.max.kbytes": 524_288,
        "delivery.report.only.error": True,
    }
    if transactional_id is not None:
        settings |= {
            "transactional.id": transactional_id,
            "transaction.timeout.ms": TRANSACTION_MS,
        }
    return Producer(settings, logger=log)


def check(error: KafkaError, *, slot: str, what: str) -> None:
    """Lets pass an error of a consumer that the client gets over by itself, and logs it.

    Args:
        error: as it was polled.
        slot: as whom the consumer is in its group.
        what: it reads.

    Raises:
        RuntimeFailure: the process can not go on.
    """
    text = words(error)
    if "fenced" in text.lower():  # the cause of a fatal error is told in words alone
        raise Fenced(f"slot {slot!r}")
    if error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):
        raise TopicMissing(f"a topic is missing ({text}): run `beckon topics create`")
    if error.code() in (
        KafkaError._FATAL,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
    ):
        raise RuntimeFailure(f"{what} can not be read ({text})")
    logger.warning("while reading", extra={"topic": what, "error_text": text})


def code(error: KafkaException) -> int:
    """Returns librdkafka's number of an error."""
    found = error.args[0]
    return found.code() if isinstance(found, KafkaError) else KafkaError._FAIL


def words(error: KafkaException | KafkaError) -> str:
    """Returns an error in one line."""
    found = error.args[0] if isinstance(error, KafkaException) else error
    return f"{found.name()}: {found.str()}" if isinstance(found, KafkaError) else str(found)
