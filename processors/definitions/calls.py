"""The texts into which senders of webhooks fill values: those of all triggers and journeys."""

from collections.abc import Iterator

from processors.definitions.actions import Webhook
from processors.definitions.errors import Path
from processors.definitions.journeys import Journey
from processors.definitions.sets import DefinitionSet
from processors.definitions.triggers import Trigger


def texts(definitions: DefinitionSet) -> Iterator[tuple[Trigger | Journey, Path, str]]:
    """Yields the texts of webhooks that are Liquid: whose each is, and its place in there."""
    for trigger in definitions.triggers.values():
        for place, action in enumerate(trigger.do):
            for path, text in _texts(action):
                yield trigger, ("do", place, "webhook", *path), text
    for journey in definitions.journeys.values():
        for place, step in enumerate(journey.steps):
            for path, text in _texts(step.does):
                yield journey, ("steps", place, "webhook", *path), text


def _texts(action: object) -> Iterator[tuple[Path, str]]:
    return action.texts() if isinstance(action, Webhook) else iter(())
