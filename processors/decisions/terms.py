"""Topics and policies, compiled: the terms on which a message of a channel and topic may go."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import msgspec

from processors.decisions import periods
from processors.decisions.hours import zone_of
from processors.decisions.moments import Moment
from processors.decisions.quiet import Quiet, quiet
from processors.definitions.policies import Per, Policy
from processors.definitions.topics import Topic
from processors.state.profiles import Profile
from schemas.topics import CHANNELS

IMPERSONAL = frozenset({"webhook", "crm", "task"})
"""Channels that reach no person: nothing is asked."""
AUDIENCE = "audience"
"""Advertisements: suppression and consent are asked, and nothing that hangs on the time, since no
message comes."""
PERSONAL = tuple(each for each in CHANNELS if each not in {*IMPERSONAL, AUDIENCE})
"""Channels on which messages come."""


class Leaving(Protocol):
    """A journey, for who ends its runs."""

    def stop(
        self, profile: Profile, moment: Moment, reason: str = "stopped"
    ) -> tuple[str, str] | None:
        """Ends the person's runs; returns the fact that changed."""
        ...


class Cap(msgspec.Struct, frozen=True):
    """How many messages may go within any such time, or in each period of the calendar."""

    key: str
    """Where the instants are kept at which some went."""
    times: int
    within_ms: int | None
    """Rolling; None: a period."""
    per: Per | None
    defers: bool
    summary: str | None = None
    """The template of what several become that go as one; None: each goes by itself."""

    def full_until(self, profile: Profile, now: int) -> int:
        """Returns when another one may go, ms, of the instants at which some went."""
        sent = [] if profile.contact is None else profile.contact.sends.get(self.key, [])
        if len(sent) < self.times:
            return 0
        if self.within_ms is not None:
            return sent[-self.times] + self.within_ms
        assert self.per is not None, "a cap is of one sort"
        began_ms, next_ms = periods.bounds(self.per, now, zone_of(profile, None))
        return next_ms if sent[-self.times] >= began_ms else 0


class Contest(msgspec.Struct, frozen=True):
    """How long messages wait for better ones, and how many are best."""

    id: str
    wait_ms: int
    best: int
    defers: bool


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of one message."""

    channel: str
    topic: str | None
    consent: str = "implied"
    is_transactional: bool = False
    quiet: tuple[Quiet, ...] = ()
    contest: Contest | None = None
    caps: tuple[Cap, ...] = ()
    combining: Cap | None = None
    """The one of them that has those go as one that waited for room in it."""
    expires_ms: int | None = None
    """How long after it was to be sent; None: for ever."""
    is_watched: bool = False
    """Whether an answer is waited for: there is a sunset."""
    is_free: bool = False
    """Whether it may go to anybody of whom nothing is known."""
    is_exempt: bool = False
    """Whether it may go to anybody: it reaches no person."""

    def useful_until(self, made: int) -> int | None:
        """Returns from when on a message is of no use that was to be sent first at an instant."""
        return None if self.expires_ms is None else made + self.expires_ms


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """All of them."""

    topics: Mapping[str, Topic] = {}
    policies: tuple[Policy, ...] = ()
    """By id."""
    sunsets: Mapping[str, int] = {}
    """By channel, ms without an answer."""
    journeys: Mapping[str, Leaving] = {}
    """Left by who is suppressed everywhere."""
    known: dict[tuple[str, str | None], Terms] = {}
    """Those that were asked for, so that each is put together once."""

    def terms(self, channel: str, topic: str | None) -> Terms:
        """Returns the terms for a message."""
        found = self.known.get((channel, topic))
        if found is None:
            found = self.known[channel, topic] = self._terms(channel, topic)
        return found

    @property
    def caps(self) -> frozenset[str]:
        """Where instants are kept."""
        return frozenset(cap.key for each in self.policies for cap in _caps(each))

    def _terms(self, channel: str, topic: str | None) -> Terms:
        defined = self.topics.get(topic) if topic is not None else None
        if channel in IMPERSONAL:
            return Terms(channel=channel, topic=topic, is_free=True, is_exempt=True)
        if defined is not None and defined.transactional:
            return Terms(channel=channel, topic=topic, is_transactional=True)
        found = [each for each in self.policies if _holds(each, channel, topic)]
        asked = any(each.consent == "required" for each in found)
        consent = defined.consent if defined is not None else "required" if asked else "implied"
        if channel == AUDIENCE:
            is_free = consent == "implied"
            return Terms(channel=channel, topic=topic, consent=consent, is_free=is_free)
        expiries = [each.expires for each in found if each.expires is not None]
        caps = tuple(cap for each in found for cap in _caps(each))
        rest: dict[str, Any] = {
            "quiet": tuple(quiet(each.quiet_hours) for each in found if each.quiet_hours),
            "contest": next((_contest(each) for each in found if each.arbitration), None),
            "caps": caps,
            "combining": next((cap for cap in caps if cap.summary is not None), None),
            "expires_ms": min(expiries, default=None),
            "is_watched": channel in self.sunsets,
        }
        is_free = consent == "implied" and not any(rest.values())
        return Terms(channel=channel, topic=topic, consent=consent, is_free=is_free, **rest)


OPEN = Gate()
"""Without topics and policies."""


def gate(
    topics: Mapping[str, Topic], policies: Iterable[Policy], journeys: Mapping[str, Leaving]
) -> Gate:
    """Returns the terms of a definition set."""
    ordered = tuple(sorted(policies, key=lambda each: each.id))
    sunsets: dict[str, int] = {}
    for each in ordered:
        if each.sunset is not None:
            for channel in each.channels or PERSONAL:
                after_ms = each.sunset.after
                sunsets[channel] = min(after_ms, sunsets.get(channel, after_ms))
    return Gate(topics=topics, policies=ordered, sunsets=sunsets, journeys=journeys)


def _holds(policy: Policy, channel: str, topic: str | None) -> bool:
    is_there = policy.channels is None or channel in policy.channels
    return is_there and (policy.topics is None or topic in policy.topics)


def _contest(policy: Policy) -> Contest:
    written = policy.arbitration
    assert written is not None  # whoever asks sees to it
    return Contest(policy.id, written.wait, written.best, written.others == "defer")


def _caps(policy: Policy) -> Iterable[Cap]:
    for each in policy.caps:
        key, waits = f"{policy.id}/{each.id}", each.over != "drop"
        yield Cap(key, each.times, each.within, each.per, waits, each.summary)
