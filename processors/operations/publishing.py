"""Publishes definitions: what is new or changed goes to the `definitions` topic, the rest stays."""

from typing import Literal

import msgspec

from processors.definitions import sets
from processors.definitions.sets import DefinitionSet, Key
from processors.operations.errors import OperationFailed
from processors.operations.producing import Writer
from processors.runtime import catalogues
from processors.runtime.catalogues import Catalogue
from processors.runtime.clients import Cluster
from schemas import codec, definitions, topics
from schemas.definitions import DefinitionRecord


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What publishing does to one definition."""

    kind: str
    id: str
    change: Literal["new", "changed", "unchanged"]
    version: str
    number: int


def publish(cluster: Cluster, prefix: str, chosen: DefinitionSet, *, now_ms: int) -> list[Change]:
    """Publishes a set beside what is published already; returns what became of each definition.

    Raises:
        OperationFailed: Kafka did not take it.
        InvalidDefinitions: it does not fit what is published already.
        RuntimeFailure: the topic can not be read.
    """
    topic = topics.full_name(prefix, "definitions")
    catalogue = Catalogue()
    catalogues.read(cluster, topic, catalogue)
    _check(catalogue, chosen)
    changes = [_change(catalogue, key, chosen.versions[key]) for key in chosen.versions]
    with Writer(cluster) as writer:
        for change in changes:
            if change.change == "unchanged":
                continue
            record = DefinitionRecord(
                kind=change.kind,
                id=change.id,
                version=change.version,
                number=change.number,
                published_at=now_ms,
                document=dict(chosen.documents[change.kind, change.id]),
            )
            key = definitions.key(change.kind, change.id).encode()
            writer.write(topic, key, codec.encode(record))
        if writer.finish():
            raise OperationFailed("Kafka did not take all definitions: publish again")
    return changes


def _check(catalogue: Catalogue, chosen: DefinitionSet) -> None:
    """Holds the set against what stays active beside it."""
    others = [
        each.document for key, each in catalogue.records.items() if key not in chosen.versions
    ]
    sets.from_documents([*others, *chosen.documents.values()])


def _change(catalogue: Catalogue, key: Key, version: str) -> Change:
    old = catalogue.records.get(key)
    change: Literal["new", "changed", "unchanged"] = "new"
    number = 1
    if old is not None:
        change = "unchanged" if old.version == version else "changed"
        number = old.number + (change == "changed")
    kind, id_ = key
    return Change(kind=kind, id=id_, change=change, version=version, number=number)
