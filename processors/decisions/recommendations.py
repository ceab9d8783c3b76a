"""Recommendations of a score: texts for whoever reads it, each with when it holds.

They are looked at when the score has moved, and at no other time: nothing turns because of them.
"""

from collections.abc import Sequence

import msgspec

from processors.decisions.conditions import Evaluate
from processors.decisions.features import NO_PROPERTIES
from processors.state.profiles import Profile


class Recommendation(msgspec.Struct, frozen=True, kw_only=True):
    """One text."""

    text: str
    level: str | None
    """At which level of the score it holds; None: at any."""
    when: Evaluate | None
    """What must hold besides; None: nothing."""

    def holds(self, profile: Profile, now: int, level: str | None) -> bool:
        """Returns whether it is one for this person, whose score has this level."""
        if self.level is not None and self.level != level:
            return False
        return self.when is None or self.when(profile, now, NO_PROPERTIES) > 0


def texts(
    known: Sequence[Recommendation], profile: Profile, now: int, level: str | None
) -> tuple[str, ...]:
    """Returns those that hold, in the order of the document."""
    return tuple(each.text for each in known if each.holds(profile, now, level))
