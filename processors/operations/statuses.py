"""Pauses, resumes, drains and archives journeys: the published document with another status."""

from typing import Any, get_args

from processors.definitions import sets
from processors.definitions.journeys import Overdue, Status
from processors.definitions.predicates import Predicates
from processors.definitions.sets import DefinitionSet
from processors.operations.archives import Archive

UNSAID: tuple[Status, Overdue] = (get_args(Status)[0], get_args(Overdue)[0])
"""What a document means that says nothing."""

Document = dict[str, Any]


def changed(
    archive: Archive,
    journey_id: str,
    *,
    status: Status,
    overdue: Overdue | None,
    predicates: Predicates,
) -> DefinitionSet:
    """Returns all that is published, with another status of one journey.

    Args:
        archive: what is published.
        journey_id: the journey.
        status: the one that it is to have.
        overdue: what is to happen to its runs that come out of a pause late; None: what it says.
        predicates: that conditions may name.

    Raises:
        OperationFailed: there is no such journey.
        InvalidDefinitions: what is published does not fit together here.
    """
    archive.require("journey", journey_id)
    key = ("journey", journey_id)
    written = {each: record.document for each, record in archive.records.items()}
    written[key] = _with(_with(written[key], "status", status), "overdue", overdue)
    return sets.from_documents(written.values(), predicates=predicates)


def _with(document: Document, key: str, value: str | None) -> Document:
    """Returns a document that says so; it says nothing where that means the same."""
    if value is None:
        return document
    if value in UNSAID:
        return {each: held for each, held in document.items() if each != key}
    return document | {key: value}


def reminder(journey_id: str, old: Document, new: Document) -> str:
    """Returns what is to be done to the file of a journey, so that it says the same again."""
    put = [f"{key}: {new[key]}" for key in ("status", "overdue") if _differs(key, old, new)]
    taken = [key for key in ("status", "overdue") if key in old and key not in new]
    deeds = [f"put `{line}` into it" for line in put]
    deeds += [f"take `{key}` out of it" for key in taken]
    said = f"the file of journey {journey_id} says something else now: {' and '.join(deeds)}"
    return f"{said}, or the next `beckon publish` of its folder undoes this"


def _differs(key: str, old: Document, new: Document) -> bool:
    return key in new and new[key] != old.get(key)
