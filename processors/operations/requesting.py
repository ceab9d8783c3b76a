"""Asks workers to fire a trigger, let people into a journey, or end or move a run: an event each.

It is an event like any other on the topic.
"""

from collections.abc import Iterable

from processors.definitions import documents, suggestions
from processors.definitions.documents import Definition
from processors.definitions.journeys import Journey
from processors.definitions.stimuli import ManualStimulus, Stimulus
from processors.definitions.triggers import Trigger
from processors.operations.archives import Archive
from processors.operations.errors import OperationFailed
from processors.operations.sending import Request
from schemas import events
from schemas.records import RunRecord

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


def steer(archive: Archive, history: Iterable[RunRecord], run_id: str, step: str | None) -> Request:
    """Returns what ends one run of a person, or has it go on at a step.

    Args:
        archive: what is published.
        history: of the person's runs.
        run_id: as `beckon runs` shows it.
        step: None: the run ends.

    Raises:
        OperationFailed: there is no such run, or it is over, or its journey has no such step.
    """
    found = [each for each in history if each.run_id == run_id]
    if not found:
        raise OperationFailed(f"no run {run_id} of this person is on journey-runs")
    journey_id = found[0].journey_id
    if any(each.what in ("completed", "exited") for each in found):
        raise OperationFailed(f"run {run_id} of journey {journey_id} is over")
    if step is not None:
        _check_step(archive, journey_id, step)
    return Request(
        name="steer",
        asked=(run_id, step or ""),
        event=events.RUN_REQUESTED,
        properties={events.RUN: run_id} | ({} if step is None else {events.STEP: step}),
        failed="Kafka did not take the request",
    )


def _check_step(archive: Archive, journey_id: str, step: str) -> None:
    archive.require("journey", journey_id)
    journey = documents.parse(archive.records["journey", journey_id].document)
    assert isinstance(journey, Journey)
    names = [each.id for each in journey.steps]
    if step not in names:
        hint = suggestions.hint(step, names) or f"; they are {', '.join(names)}"
        raise OperationFailed(f"journey {journey_id} has no step {step}{hint}")


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
