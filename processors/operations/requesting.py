"""Asks workers to fire a trigger for people: one event each, like any other on the topic."""

import uuid
from collections.abc import Iterable

import msgspec

from processors.definitions import documents, suggestions
from processors.definitions.documents import Definition
from processors.definitions.journeys import Journey
from processors.definitions.stimuli import ManualStimulus, Stimulus
from processors.definitions.triggers import Trigger
from processors.operations.archives import Archive
from processors.operations.errors import OperationFailed
from processors.operations.producing import Writer
from schemas import codec, commands, events
from schemas.errors import BadEvent

MAX_NAMED = 10
"""How many of the triggers that can be fired a message lists."""


def check(archive: Archive, trigger_id: str) -> None:
    """Passes what is published as a trigger, or a journey, to be fired by hand.

    Raises:
        OperationFailed: there is no such thing, or something else fires it.
    """
    parsed = [documents.parse(each.document) for each in archive.records.values()]
    stimuli = {(each.kind, each.id): on for each in parsed if (on := _stimulus(each)) is not None}
    manual = sorted({id_ for (_, id_), on in stimuli.items() if isinstance(on, ManualStimulus)})
    if trigger_id in manual:
        return
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


def send_requests(
    writer: Writer, topic: str, trigger_id: str, *, profile_ids: Iterable[str], now_ms: int
) -> int:
    """Writes a request for each person; returns how many.

    Args:
        writer: to the cluster.
        topic: full name of `events`.
        trigger_id: one that `check` passes; any other does nothing.
        profile_ids: whoever is there twice is asked for once.
        now_ms: when it is asked; the same again at the same instant is a repeat.

    Raises:
        OperationFailed: an id is not well formed, and nothing was sent; or Kafka does not take all.
    """
    requests, bad = {}, []
    for profile_id in profile_ids:
        value = _request(trigger_id, profile_id, now_ms)
        try:
            requests[events.profile_id(codec.decode_event(value))] = value
        except BadEvent as error:
            bad.append(f"{profile_id!r} is no profile id: {error}")
    if bad:
        raise OperationFailed("\n".join([*bad, "nothing was sent"]))
    writer.partitions(topic)
    for profile_id, value in requests.items():
        writer.write(topic, profile_id.encode(), value)
    if writer.finish():
        raise OperationFailed("Kafka did not take all requests: those it took will fire")
    return len(requests)


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
