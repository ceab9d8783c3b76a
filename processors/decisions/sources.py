"""Values that actions lay into traits: from elsewhere, or from a model, at the instant of acting.

What a model was asked with, and what it gave, is noted for the record of who acted.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from processors.decisions import persons
from processors.decisions.features import Properties, read
from processors.decisions.moments import Moment
from processors.decisions.persons import Names, Person, names_by_kind
from processors.definitions.actions import SetTrait, Source
from processors.definitions.predicates import NO_VALUE, Model, Predicate, Predicates
from processors.state.profiles import Profile, trait
from schemas.events import iso

MAX_NOTED = 4_096
"""Characters of JSON, of what a model has read and been told; beyond there is null."""


class Laid(msgspec.Struct, frozen=True):
    """Sets a trait to what comes from elsewhere; where there is nothing it stays as it is."""

    trait: str
    source: Source

    def find(self, profile: Profile, moment: Moment, at_hand: Properties) -> Any:
        """Returns the value; `NO_VALUE` where there is none."""
        found = value(self.source, profile, moment, at_hand)
        return NO_VALUE if found is None else found


class Modelled(msgspec.Struct, frozen=True):
    """Sets a trait to what a model gives; where it gives nothing it stays as it is."""

    trait: str
    model: Model | None
    """None where it is not registered."""
    reads: Mapping[str, Names]
    parameters: Mapping[str, Any]

    def find(self, profile: Profile, moment: Moment, at_hand: Properties) -> Any:
        """Returns what the model gives; `NO_VALUE` where it fails, or is not there."""
        model = self.model
        if model is None:
            return NO_VALUE
        told = {
            name: value(each, profile, moment, at_hand) if isinstance(each, Source) else each
            for name, each in self.parameters.items()
        }
        person = Person(profile, self.reads, moment.scales)
        given = model.value(person, **told)
        if given is not NO_VALUE:
            inputs = _bounded({"read": persons.seen(person, model.reads), "told": told})
            moment.note_value(
                self.trait,
                {"model": model.name, "version": model.version, "inputs": inputs, "gave": given},
            )
        return given


def sourced(action: SetTrait, predicates: Predicates) -> SetTrait | Laid | Modelled:
    """Returns what finds the value of a trait, where that is not written down."""
    if action.source is not None:
        return Laid(action.trait, action.source)
    if action.model is None:
        return action
    model = predicates.get(action.model)
    assert not isinstance(model, Predicate)  # the set sees to it
    facts = model.facts if model is not None else ()
    return Modelled(action.trait, model, names_by_kind(facts), action.parameters)


def reads_properties(action: object) -> bool:
    """Returns whether an action reads the event at hand."""
    match action:
        case Laid(source=source):
            return source.property is not None
        case Modelled(parameters=parameters):
            found = (each for each in parameters.values() if isinstance(each, Source))
            return any(each.property is not None for each in found)
    return False


def value(source: Source, profile: Profile, moment: Moment, at_hand: Properties) -> Any:
    """Returns what a source has now; None where it has nothing."""
    if source.property is not None:
        return read(at_hand, tuple(source.property.split(".")))
    if source.trait is not None:
        return trait(profile.traits, tuple(source.trait.split(".")))
    return iso(moment.now)


def _bounded(found: Mapping[str, Any]) -> msgspec.Raw:
    written = msgspec.json.encode(found)
    return msgspec.Raw(written if len(written) <= MAX_NOTED else b"null")
