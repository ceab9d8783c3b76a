"""Publishes definitions: what is new or changed goes to the `definitions` topic, the rest stays."""

from processors.definitions import suggestions
from processors.definitions.sets import DefinitionSet
from processors.operations import plans
from processors.operations.errors import OperationFailed
from processors.operations.plans import Change, Plan
from processors.operations.producing import Writer
from processors.runtime import catalogues
from processors.runtime.catalogues import Catalogue
from processors.runtime.clients import Cluster
from schemas import codec, definitions, topics
from schemas.definitions import DefinitionRecord


def published(cluster: Cluster, prefix: str) -> Catalogue:
    """Returns what is published now.

    Raises:
        RuntimeFailure: the topic can not be read.
    """
    catalogue = Catalogue()
    catalogues.read(cluster, topics.full_name(prefix, "definitions"), catalogue)
    return catalogue


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
    """Writes what a plan says; what ends gets a tombstone.

    Raises:
        OperationFailed: Kafka did not take it.
    """
    topic = topics.full_name(prefix, "definitions")
    with Writer(cluster) as writer:
        for change in plan.changes:
            if change.is_due:
                key = definitions.key(change.kind, change.id).encode()
                writer.write(topic, key, _value(change, plan, now_ms))
        if writer.finish():
            raise OperationFailed("Kafka did not take all definitions: publish again")


def _value(change: Change, plan: Plan, now_ms: int) -> bytes | None:
    if change.change == "ended":
        return None
    record = DefinitionRecord(
        kind=change.kind,
        id=change.id,
        version=change.version,
        number=change.number,
        published_at=now_ms,
        document=dict(plan.new[change.key]),
    )
    return codec.encode(record)


def named(catalogue: Catalogue, name: str) -> DefinitionRecord:
    """Returns the published definition of an id, or of `kind/id`.

    Raises:
        OperationFailed: there is none, or there are several.
    """
    records = {definitions.key(*key): each for key, each in catalogue.records.items()}
    found = [key for key, each in records.items() if name in (key, each.id)]
    if len(found) == 1:
        return records[found[0]]
    if found:
        raise OperationFailed(f"there are several {name}: say {' or '.join(sorted(found))}")
    ids = sorted({each.id for each in records.values()} | records.keys())
    raise OperationFailed(f"nothing is published as {name}{suggestions.hint(name, ids)}")
