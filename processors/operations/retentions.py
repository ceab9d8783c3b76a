"""Windows that look further back than `events` keeps: what to tell those who publish them.

A definition that becomes active counts from then on. What it needs from before is in `events`, as
far as that goes back, and nowhere else.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType
from pydantic import BaseModel

from processors.definitions.durations import UNITS_MS
from processors.definitions.occurrences import EventCondition, SequenceCondition
from processors.definitions.orders import Key
from processors.definitions.scores import Rule
from processors.definitions.sets import DefinitionSet
from processors.definitions.stimuli import InactiveStimulus
from processors.operations.plans import Plan
from processors.runtime import clients
from processors.runtime.clients import CALL_S, Cluster
from schemas.events import iso
from schemas.topics import full_name

KEPT = "retention.ms"


def kept_ms(cluster: Cluster, prefix: str, name: str = "events") -> int | None:
    """Returns for how long a topic keeps its records, ms; None: for ever, or nobody tells."""
    admin = AdminClient(clients.common(cluster))
    resource = ConfigResource(ResourceType.TOPIC, full_name(prefix, name))
    try:
        found = admin.list_topics(timeout=CALL_S)
        if found.controller_id not in found.brokers:
            return None  # librdkafka's own broker: it would let us wait until the time-out
        (answer,) = admin.describe_configs([resource], request_timeout=CALL_S).values()
        said = int(answer.result(CALL_S)[KEPT].value)
    except (KafkaException, KeyError):
        return None
    return said if said >= 0 else None


def warnings(
    plan: Plan, chosen: DefinitionSet, kept_ms: int | None, *, now_ms: int
) -> Iterator[str]:
    """Yields a line for each new or changed definition that looks further back than that.

    Args:
        plan: what is published.
        chosen: the set that it was made of.
        kept_ms: for how long `events` keeps its records; None: long enough.
        now_ms: when it is published.
    """
    parts: Mapping[Key, Any] = {(each.kind, each.id): each for each in chosen}
    for change in plan.changes:
        written = parts.get(change.key) if change.is_due else None
        length_ms, words = max(_lookbacks(written, now_ms), default=(0, ""))
        if kept_ms is not None and length_ms > kept_ms:
            yield (
                f"warning: {change.kind}/{change.id} looks back {words}, but events are kept for"
                f" {_duration(kept_ms)} ({KEPT}): what happened before that and is not counted"
                " already can not be read any more, and will be missing"
            )


def _lookbacks(part: Any, now_ms: int) -> Iterator[tuple[int, str]]:
    """Yields how far a piece of a definition and all in it look back: ms, and in words."""
    if isinstance(part, tuple):
        for each in part:
            yield from _lookbacks(each, now_ms)
    if not isinstance(part, BaseModel):
        return
    match part:
        case EventCondition(since=int(since_ms)):
            yield now_ms - since_ms, f"to {iso(since_ms)}"
        case EventCondition(within=int(width_ms)) | Rule(within=int(width_ms)):
            yield width_ms, _duration(width_ms)
        case SequenceCondition():
            width_ms = part.within or sum(each.within or 0 for each in part.sequence)
            yield width_ms, _duration(width_ms)
        case InactiveStimulus():
            yield part.inactive, _duration(part.inactive)
    for name in type(part).model_fields:
        yield from _lookbacks(getattr(part, name), now_ms)


def _duration(length_ms: int) -> str:
    """Returns a duration as definitions have it, in days where it is so long."""
    for unit in ("d", "h", "m"):
        if length_ms >= UNITS_MS[unit]:
            return f"{length_ms / UNITS_MS[unit]:.4g}{unit}"
    return f"{length_ms / UNITS_MS['s']:g}s"
