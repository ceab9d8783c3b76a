"""What has been published: the documents on the `definitions` topic, and the set that they make.

A record that can not be read changes nothing. Documents that do not fit together yet (a trigger
came before its segment) wait for the rest, and the set before them stays active. Versions that are
kept under their numbers are passed over.
"""

import logging
import time
from typing import Any, Protocol

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from processors.definitions import documents, sets
from processors.definitions.errors import InvalidDefinitions
from processors.definitions.sets import DefinitionSet, Key
from processors.runtime import clients
from processors.runtime.clients import CALL_S, Cluster
from processors.runtime.errors import BrokerAway, TopicMissing
from schemas import codec, definitions
from schemas.definitions import DefinitionRecord
from schemas.errors import BadRecord
from schemas.letters import DeadLetter, Record

READ_S = 60.0

logger = logging.getLogger(__name__)


class Catalogue:
    """The latest version of every definition."""

    def __init__(self) -> None:
        self.records: dict[Key, DefinitionRecord] = {}
        self.active = sets.from_documents([])
        self._offsets: dict[int, int] = {}
        self._untried: list[Record] = []

    def take(self, record: Record) -> DeadLetter | None:
        """Takes one record of the topic; returns why it is refused, if it is.

        Records that were taken before are passed over.
        """
        if record.offset <= self._offsets.get(record.partition, -1):
            return None
        self._offsets[record.partition] = record.offset
        try:
            kind, id_, number = definitions.parse_key(record.key)
            if number is not None:
                return None
            key, published = (kind, id_), _read(record, kind, id_)
        except BadRecord as bad:
            return DeadLetter(record, bad.reason, str(bad))
        if published is None:
            self.records.pop(key, None)
        else:
            self.records[key] = published
        self._untried.append(record)
        return None

    @property
    def is_changed(self) -> bool:
        """Whether something was taken since the last `build`."""
        return bool(self._untried)

    def build(self) -> tuple[DefinitionSet, list[DeadLetter]]:
        """Returns the set to be active now, and the records that do not fit, if there are such."""
        untried, self._untried = self._untried, []
        try:
            self.active = sets.from_documents(each.document for each in self.records.values())
        except InvalidDefinitions as error:
            text = "; ".join(map(str, error.problems))
            return self.active, [DeadLetter(each, "does-not-fit", text) for each in untried]
        return self.active, []


def _read(record: Record, kind: str, id_: str) -> DefinitionRecord | None:
    """Returns what a record publishes; None where it ends the definition.

    Raises:
        BadRecord: it can not be read, or its key says something else.
    """
    if record.value is None:
        return None
    published = codec.decode_definition(record.value)
    if (published.kind, published.id) != (kind, id_):
        raise BadRecord("key-mismatch", "the key does not say what the value does")
    document: Any = published.document
    if (document.get("kind"), document.get("id")) != (kind, id_):
        raise BadRecord("key-mismatch", "the document has another kind or id than the key")
    try:
        documents.parse(document)
    except InvalidDefinitions as error:
        text = "; ".join(map(str, error.problems))
        raise BadRecord("definition-invalid", text) from error
    return published


class Taker(Protocol):
    """Whoever takes the records of the topic: a catalogue."""

    def take(self, record: Record) -> DeadLetter | None:
        """Takes one; returns why it is refused, if it is."""
        ...


def read(cluster: Cluster, topic: str, taker: Taker) -> None:
    """Has what is on the topic now taken.

    Raises:
        TopicMissing: there is no such topic.
        BrokerAway: it can not be read in time.
    """
    reader = clients.reader(cluster, f"{topic}-read")
    try:
        waiting = _partitions(reader, topic)
        reader.assign([TopicPartition(topic, each, OFFSET_BEGINNING) for each in waiting])
        until_s = time.monotonic() + READ_S
        while waiting:
            if time.monotonic() > until_s:
                raise BrokerAway(f"the topic {topic} can not be read in {READ_S:.0f} s")
            for message in reader.consume(500, 0.05):
                error, partition = message.error(), message.partition() or 0
                if error is None:
                    offset, key, value = message.offset() or 0, message.key(), message.value()
                    refused = taker.take(Record(topic, partition, offset, key, value))
                    if refused is not None:
                        logger.warning("a definition is refused", extra=refusal(refused))
                elif error.code() == KafkaError._PARTITION_EOF:
                    waiting.discard(partition)
    finally:
        reader.close()


def refusal(letter: DeadLetter) -> dict[str, str]:
    """Returns what to log of a refused definition."""
    definition = (letter.record.key or b"").decode("utf-8", "replace")
    return {"definition": definition, "reason": letter.reason, "why": letter.message}


def _partitions(reader: Consumer, topic: str) -> set[int]:
    try:
        found = reader.list_topics(topic, CALL_S).topics[topic]
    except KafkaException as error:
        raise BrokerAway(f"the cluster does not answer ({clients.words(error)})") from error
    if found.error is not None or not found.partitions:
        raise TopicMissing(f"the topic {topic} is missing: run `beckon topics create`")
    return set(found.partitions)
