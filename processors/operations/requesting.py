"""Asks workers to fire a trigger for people, or to let them into a journey: one event each.

It is an event like any other on the topic.
"""

import uuid
from collections.abc import Callable, Iterable

import msgspec

from processors.definitions import documents, suggestions
from processors.definitions.documents import Definition
from processors.definitions.journeys import Journey
from processors.definitions.stimuli import ManualStimulus, Stimulus
from processors.definitions.triggers import Trigger
from processors.operations.archives import Archive
from processors.operations.errors import OperationFailed
from processors.operations.producing import Writer
from schemas import commands, events

STEP = 5_000
"""People between two words on how far it is."""
MAX_NAMED = 10
"""How many of the triggers that can be fired a message lists."""


def check(archive: Archive, trigger_id: str) -> str:
    """Passes what is published as a trigger, or a journey, to be fired by hand; returns its kind.

    Raises:
        OperationFailed: there is no such thing, or something else fires it.
    """
    parsed = [documents.parse(each.document) for each in archive.records.values()]
    stimuli = {(each.kind, each.id): on for each in parsed if (on := _stimulus(each)) is not None}
    kinds = {id_: kind for (kind, id_), on in stimuli.items() if isinstance(on, ManualStimulus)}
    if trigger_id in kinds:
        return kinds[trigger_id]
    manual = sorted(kinds)
    kind = next((kind for kind, id_ in stimuli if id_ == trigger_id), None)
    if kind is not None:
        key = "on" if kind == "trigger" else "entry"
        said = f"{kind} {trigger_id} is not {key}: {{manual: true}}"
    else:
        said = f"no trigger or journey {trigger_id} is published"
    more = ", …" if len(manual) > MAX_NAMED else ""
    listed = f"; those to be fired are {', '.join(manual[:MAX_NAMED])}{more}"
    none = "; there is none to be fired"
    hint = suggestions.hint(trigger_id, manual)
    raise OperationFailed(said + (hint or (listed if manual else none)))


def _stimulus(definition: Definition) -> Stimulus | None:
    """Returns what wakes a trigger, or lets people into a journey."""
    match definition:
        case Trigger():
            return definition.on
        case Journey():
            return definition.entry.on
    return None


def check_segment(archive: Archive, segment_id: str) -> None:
    """Passes the id of a segment that is published.

    Raises:
        OperationFailed: there is no such segment.
    """
    segments = sorted(id_ for kind, id_ in archive.records if kind == "segment")
    if segment_id not in segments:
        hint = suggestions.hint(segment_id, segments)
        raise OperationFailed(f"no segment {segment_id} is published{hint}")


def send_requests(
    writer: Writer,
    topic: str,
    trigger_id: str,
    *,
    profile_ids: Iterable[str],
    now_ms: int,
    progress: Callable[[int], None] = lambda sent: None,
) -> int:
    """Writes a request for each person; returns how many.

    Args:
        writer: to the cluster.
        topic: full name of `events`.
        trigger_id: one that `check` passes; any other does nothing.
        profile_ids: well formed, each once.
        now_ms: when it is asked; the same again at the same instant is a repeat.
        progress: is told how many were written, now and then.

    Raises:
        OperationFailed: Kafka does not take all.
    """
    writer.partitions(topic)
    count = 0
    for count, profile_id in enumerate(profile_ids, 1):
        writer.write(topic, profile_id.encode(), _request(trigger_id, profile_id, now_ms))
        if count % STEP == 0:
            progress(count)
    if writer.finish():
        raise OperationFailed("Kafka did not take all requests: those it took will fire")
    progress(count)
    return count


def _request(trigger_id: str, profile_id: str, now_ms: int) -> bytes:
    named = msgspec.json.encode([trigger_id, profile_id, now_ms]).decode()
    return msgspec.json.encode(
        {
            "messageId": f"fire-{uuid.uuid5(commands.NAMESPACE, named)}",
            "type": "track",
            "event": events.TRIGGER_REQUESTED,
            "userId": profile_id,
            "timestamp": events.iso(now_ms),
            "properties": {events.REQUESTED: trigger_id},
        }
    )
