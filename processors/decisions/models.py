"""Rules that a model gives the points of: a share of them, between none and all.

It is asked when something changes that it has said it reads, like a predicate. What moved the
points is noted, for the record of the score's change: the model's version and what it has read.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from processors.decisions import persons
from processors.decisions.moments import Moment
from processors.decisions.nodes import Bits, Holder
from processors.decisions.persons import Names, Person
from processors.decisions.scales import Scale
from processors.definitions.predicates import Model
from processors.state.profiles import Profile

MAX_INPUTS = 4_096
"""Characters of JSON; the record of a model that reads more has the version alone."""


class ModelRule(msgspec.Struct, kw_only=True):
    """A rule that holds its points times what a model gives."""

    key: str
    holder: Holder
    model: Model | None
    """None where it is not registered: then there are no points."""
    reads: Mapping[str, Names]
    scales: Mapping[str, Scale]
    points: int
    timer: int = 0
    users: Bits = 0

    def evaluate(self, profile: Profile, moment: Moment) -> Bits:
        """Holds the points, to the nearest whole number."""
        points = round(self.points * self.share(profile))
        if not self.holder.hold(profile, moment, points):
            return 0
        if self.model is not None:
            moment.note_model(
                self.holder.score_id, self.holder.rule_id, self._noted(self.model, profile)
            )
        return self.users

    def share(self, profile: Profile) -> float:
        """Returns what the model gives, from 0 to 1; what is no number is 0."""
        if self.model is None:
            return 0.0
        given: float = self.model.gives(self._person(profile))
        return min(1.0, max(0.0, given))

    def inputs(self, profile: Profile) -> dict[str, Any]:
        """Returns what the model reads of a profile, by how it says so."""
        reads = self.model.reads if self.model is not None else ()
        return persons.seen(self._person(profile), reads)

    def _person(self, profile: Profile) -> Person:
        return Person(profile, self.reads, self.scales)

    def _noted(self, model: Model, profile: Profile) -> dict[str, Any]:
        read = msgspec.json.encode(self.inputs(profile))
        inputs = msgspec.Raw(read if len(read) <= MAX_INPUTS else b"null")
        return {"model": model.name, "version": model.version, "inputs": inputs}
