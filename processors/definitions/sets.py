"""All active definitions together: what they refer to exists, and nothing goes round in circles."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from processors.definitions.scores import Score
from processors.definitions.segments import Segment, StaticList
from processors.definitions.triggers import Trigger

Key = tuple[str, str]
"""Kind and id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionSet:
    """Definitions that fit together; a new version of one makes a new set."""

    id: str
    """12 hex digits over all versions."""
    segments: Mapping[str, Segment]
    scores: Mapping[str, Score]
    triggers: Mapping[str, Trigger]
    lists: Mapping[str, StaticList]
    versions: Mapping[Key, str]
    """12 hex digits of each definition's document."""
    documents: Mapping[Key, Mapping[str, Any]]
    """As written."""
    order: tuple[Key, ...]
    """Scores and segments, each after all that it refers to; ties by kind and id."""
