"""Triggers: which of them an instant wakes, whether they may fire, and what they do.

They run in rounds. The first answers the event and what it changed; what their actions change wakes
the next one. All of a round see the profile as those before them left it.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from processors.decisions.actions import Acting, Action, act
from processors.decisions.conditions import Evaluate
from processors.decisions.features import Where
from processors.decisions.moments import Moment
from processors.decisions.nodes import Moved
from processors.definitions.triggers import Limit
from processors.state.profiles import Profile
from schemas.records import DecisionRecord

MAX_ROUNDS = 16
"""How often actions may wake triggers within one instant."""
LOOP = "loop"


MovesEnough = Callable[[Profile, int, Any, Any], bool]
"""Of the profile, now, and the score before and after its latest move."""


Facts = set[tuple[str, str]]
"""Which facts of the profile were changed."""


class Woken(msgspec.Struct, kw_only=True):
    """Whoever an instant may wake: a trigger, the way into a journey, or its runs."""

    id: str
    version: str
    rank: int = 0
    """Its place among all: the highest priority first, then by kind and id."""
    priority: int = 5
    where: Where | None = None
    moved: Moved | None = None
    moves_enough: MovesEnough | None = None
    """Whether a score moved by as much as asked for."""
    audience: Evaluate | None = None
    """Whom a schedule is for; others are left out without a word."""
    is_eager: bool = False
    """Whether it also answers what a change of definitions brings."""

    def fire(self, profile: Profile, moment: Moment, round_: int) -> Facts:
        """Does what it is for; returns the facts that it changed."""
        return set()

    def give_up(self, profile: Profile, moment: Moment) -> None:
        """Takes note that it was woken once too often within one instant."""
        record(self, profile, moment, LOOP)


class Guarded(Woken, kw_only=True):
    """One that acts only where its condition and its limit allow it."""

    when: Evaluate | None = None
    limit: Limit | None = None
    limit_key: str
    """Where the instants are kept at which it acted."""

    def refusal(self, profile: Profile, moment: Moment) -> str | None:
        """Returns why it may not act; None where it may."""
        if self.when is not None and self.when(profile, moment.now, moment.properties) < 0:
            return "condition"
        limit = self.limit
        if limit is None:
            return None
        fired = profile.fired.get(self.limit_key, [])
        if limit.within is not None:
            fired = [at for at in fired if moment.now < at + limit.within]
        return "limit" if len(fired) >= limit.times else None

    def count(self, profile: Profile, moment: Moment) -> None:
        """Remembers that it acted, as far as the limit asks for it."""
        if self.limit is not None:
            fired = profile.fired.setdefault(self.limit_key, [])
            fired.append(moment.now)
            del fired[: -self.limit.times]


class Trigger(Guarded, kw_only=True):
    """One trigger, compiled."""

    hears: bool = False
    """Whether it is an event that wakes it."""
    lends: bool = False
    """Whether it gives points for a time when something changes or happens."""
    actions: tuple[Action, ...]

    def fire(self, profile: Profile, moment: Moment, round_: int) -> Facts:
        """Decides, records why, and acts."""
        reason = LOOP if moment.echoes and self.lends else self.refusal(profile, moment)
        record(self, profile, moment, reason)
        if reason is not None:
            return set()
        self.count(profile, moment)
        decisions = moment.decision.decisions
        mine = len(decisions) - 1
        facts: Facts = set()
        for place, action in enumerate(self.actions):
            found = act(self._acting(profile, moment, round_, place), action)
            if found is not None:
                facts.add(found)
        if moment.given:
            told = moment.take_values()
            decisions[mine] = msgspec.structs.replace(decisions[mine], models=told)
        return facts

    def _acting(self, profile: Profile, moment: Moment, round_: int, place: int) -> Acting:
        return Acting(
            definition_id=self.id,
            version=self.version,
            priority=self.priority,
            profile=profile,
            moment=moment,
            step=str(place),
            occurrence=moment.named(round_),
            properties=moment.properties if self.hears else None,
            known=moment.properties if self.hears else None,
            at_hand=moment.properties,
        )


def record(
    woken: Woken, profile: Profile, moment: Moment, refusal: str | None, done: str = "fired"
) -> None:
    """Writes down that something was done, or why it was not."""
    moment.decision.decisions.append(
        DecisionRecord(
            profile_id=profile.id,
            definition_id=woken.id,
            version=woken.version,
            outcome="yes" if refusal is None else "no",
            reason=refusal or done,
            at=moment.now,
            cause=moment.cause,
            late=moment.late,
        )
    )
