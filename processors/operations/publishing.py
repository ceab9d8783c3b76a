"""Publishes definitions: what is new or changed goes to the `definitions` topic, the rest stays."""

from collections.abc import Iterator

from processors.definitions.sets import DefinitionSet
from processors.operations import plans
from processors.operations.archives import Archive
from processors.operations.errors import OperationFailed
from processors.operations.plans import Change, Plan
from processors.operations.producing import Writer
from processors.runtime import catalogues
from processors.runtime.clients import Cluster
from schemas import codec, definitions, topics
from schemas.definitions import DefinitionRecord


def published(cluster: Cluster, prefix: str) -> Archive:
    """Returns what is published now, and was before.

    Raises:
        RuntimeFailure: the topic can not be read.
    """
    archive = Archive()
    catalogues.read(cluster, topics.full_name(prefix, "definitions"), archive)
    return archive


def publish(cluster: Cluster, prefix: str, chosen: DefinitionSet, *, now_ms: int) -> list[Change]:
    """Publishes a set beside what is published already; returns what became of each definition.

    Raises:
        OperationFailed: Kafka did not take it.
        InvalidDefinitions: it does not fit what is published already.
        RuntimeFailure: the topic can not be read.
    """
    plan = plans.plan(published(cluster, prefix), chosen)
    carry_out(cluster, prefix, plan, now_ms=now_ms)
    return [each for each in plan.changes if each.key in chosen.versions]


def carry_out(cluster: Cluster, prefix: str, plan: Plan, *, now_ms: int) -> None:
    """Writes what a plan says; what ends gets a tombstone, its versions stay.

    Raises:
        OperationFailed: Kafka did not take it.
    """
    topic = topics.full_name(prefix, "definitions")
    with Writer(cluster) as writer:
        for key, record in _records(plan, now_ms):
            value = None if record is None else codec.encode(record)
            writer.write(topic, key.encode(), value)
        if writer.finish():
            raise OperationFailed("Kafka did not take all definitions: publish again")


def _records(plan: Plan, now_ms: int) -> Iterator[tuple[str, DefinitionRecord | None]]:
    yield from plan.beside
    for change in plan.changes:
        key = definitions.key(*change.key)
        if change.change == "ended":
            yield key, None
        elif change.is_due:
            record = _record(change, plan, now_ms)
            yield key, record
            yield definitions.numbered_key(*change.key, change.number), record


def _record(change: Change, plan: Plan, now_ms: int) -> DefinitionRecord:
    return DefinitionRecord(
        kind=change.kind,
        id=change.id,
        version=change.version,
        number=change.number,
        published_at=now_ms,
        document=dict(plan.new[change.key]),
    )
