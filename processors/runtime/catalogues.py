"""What has been published: the documents on the `definitions` topic, and the set that they make.

A record that can not be read changes nothing. Documents that do not fit together yet (a trigger
came before its segment) wait for the rest, and the set before them stays active. Of the versions
that are kept under their numbers only those of journeys are, for runs may go on by them.
"""

import logging
from collections.abc import Mapping
from contextlib import closing
from typing import Any, Protocol

from processors.definitions import documents, journeys, sets
from processors.definitions.errors import InvalidDefinitions
from processors.definitions.orders import Key
from processors.definitions.predicates import NONE, Predicates
from processors.definitions.sets import OLDER, DefinitionSet
from processors.runtime import clients, readers
from processors.runtime.clients import Cluster
from schemas import codec, definitions
from schemas.definitions import DefinitionRecord
from schemas.errors import BadRecord
from schemas.letters import DeadLetter, Record

MAX_OLDER = 20
"""How many versions of the steps before the active ones runs may go on by."""

logger = logging.getLogger(__name__)


class Catalogue:
    """The latest version of every definition."""

    def __init__(self, predicates: Predicates = NONE) -> None:
        self.records: dict[Key, DefinitionRecord] = {}
        self.active = sets.from_documents([])
        self._predicates = predicates
        self._older: dict[Key, dict[int, DefinitionRecord]] = {}
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
                self._keep(record, (kind, id_), number)
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

    def _keep(self, record: Record, key: Key, number: int) -> None:
        """Keeps a version of a journey: runs may go on by it."""
        if key[0] != "journey":
            return
        kept = self._older.setdefault(key, {})
        kept.pop(number, None)
        if record.value is not None:
            kept[number] = codec.decode_definition(record.value)

    def _documents(self) -> list[Any]:
        before = [
            each
            for key, kept in sorted(self._older.items())
            if key in self.records
            for each in older(kept, self.records[key].number, self.records[key].document)
        ]
        return [*(each.document for each in self.records.values()), *before]

    @property
    def is_changed(self) -> bool:
        """Whether something was taken since the last `build`."""
        return bool(self._untried)

    def build(self) -> tuple[DefinitionSet, list[DeadLetter]]:
        """Returns the set to be active now, and the records that do not fit, if there are such."""
        untried, self._untried = self._untried, []
        try:
            self.active = sets.from_documents(self._documents(), predicates=self._predicates)
        except InvalidDefinitions as error:
            text = "; ".join(map(str, error.problems))
            return self.active, [DeadLetter(each, "does-not-fit", text) for each in untried]
        return self.active, []


def older(
    versions: Mapping[int, DefinitionRecord], number: int, document: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Returns the versions of a journey by which runs may go on, as `sets` takes them.

    One for each version of the steps: else a journey that is often paused would forget them.

    Args:
        versions: of the journey, by their numbers.
        number: of the active one: those before it count.
        document: the active one.
    """
    found: dict[str, dict[str, Any]] = {}
    active = journeys.steps_version(document)
    for each in sorted((each for each in versions if each < number), reverse=True):
        steps = journeys.steps_version(versions[each].document)
        if steps != active:
            found.setdefault(steps, {OLDER: versions[each].document})
        if len(found) == MAX_OLDER:
            break
    return [*found.values()][::-1]


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
        BrokerAway: it can not be read.
    """
    with closing(clients.reader(cluster, f"{topic}-read")) as reader:
        partitions = readers.partitions(reader, topic)
        for stretch in readers.read(reader, topic, dict.fromkeys(partitions, readers.NO_END)):
            for each in stretch:
                record = Record(topic, each.partition(), each.offset(), each.key(), each.value())
                refused = taker.take(record)
                if refused is not None:
                    logger.warning("a definition is refused", extra=refusal(refused))


def refusal(letter: DeadLetter) -> dict[str, str]:
    """Returns what to log of a refused definition."""
    definition = (letter.record.key or b"").decode("utf-8", "replace")
    return {"definition": definition, "reason": letter.reason, "why": letter.message}
