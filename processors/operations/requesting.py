"""Asks workers to fire a trigger for people, or to let them into a journey: one event each.

It is an event like any other on the topic.
"""

from processors.definitions import documents, suggestions
from processors.definitions.documents import Definition
from processors.definitions.journeys import Journey
from processors.definitions.stimuli import ManualStimulus, Stimulus
from processors.definitions.triggers import Trigger
from processors.operations.archives import Archive
from processors.operations.errors import OperationFailed
from processors.operations.sending import Request
from schemas import events

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


def request(trigger_id: str) -> Request:
    """Returns what fires a trigger, or lets people into a journey, that `check` passes."""
    return Request(
        name="fire",
        asked=(trigger_id,),
        event=events.TRIGGER_REQUESTED,
        properties={events.REQUESTED: trigger_id},
        failed="Kafka did not take all requests: those it took will fire",
    )
