"""The topics that people can choose, as they are published: read back now and then.

Beside the worker, which takes each definition at its instant: here a minute late is early enough.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from processors.runtime import catalogues
from processors.runtime.clients import Cluster
from schemas import codec, definitions
from schemas.errors import BadRecord
from schemas.letters import DeadLetter, Record

KIND = "topic"


class Topic(NamedTuple):
    """A subscription topic as a person sees it."""

    id: str
    name: str
    channels: tuple[str, ...] | None
    """On which it can be had; None: on all."""
    is_given: bool
    """Whether it counts as agreed to where nothing was said."""


class Shelf:
    """The topics that were read so far."""

    def __init__(self) -> None:
        self._documents: dict[str, Mapping[str, Any]] = {}

    def take(self, record: Record) -> DeadLetter | None:
        """Takes one record of the topic `definitions`; what can not be read is the worker's."""
        try:
            kind, id_, number = definitions.parse_key(record.key)
            if kind != KIND or number is not None:
                return None
            if record.value is None:
                self._documents.pop(id_, None)
            else:
                self._documents[id_] = codec.decode_definition(record.value).document
        except BadRecord:
            return None
        return None

    def topics(self) -> list[Topic]:
        """Returns those that can be chosen, by their names; a receipt's is not for choosing."""
        found = [
            topic(id_, document)
            for id_, document in self._documents.items()
            if document.get("transactional") is not True
        ]
        return sorted(found, key=lambda one: (one.name.casefold(), one.id))


def topic(id_: str, document: Mapping[str, Any]) -> Topic:
    """Returns a definition as people see it."""
    channels = document.get("channels")
    return Topic(
        id=id_,
        name=str(document.get("name", id_)),
        channels=None if channels is None else tuple(map(str, channels)),
        is_given=document.get("consent", "implied") == "implied",
    )


def read(cluster: Cluster, full_name: str) -> list[Topic]:
    """Returns the topics that are published now.

    Raises:
        TopicMissing: there is no such topic.
        BrokerAway: it can not be read.
    """
    shelf = Shelf()
    catalogues.read(cluster, full_name, shelf)
    return shelf.topics()
