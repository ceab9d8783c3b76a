"""What one person may be sent: what was agreed to, what stops everything, what went, what waits.

Each word is kept with the instants at which it was said, so that late ones find their place:
whatever the order of arrival, the latest instant counts, and at one instant the later in the log.
"""

from typing import Any

import msgspec

from schemas.consents import ALL, Reason, State

MAX_WORDS = 200
"""On how many topics of channels a person's word is kept."""
MAX_HELD = 50
"""How many messages wait for one person at once."""
MAX_SOFT = 3
"""So many soft bounces in a row are a hard one."""

SUNSET: Reason = "sunset"
Standing = tuple[Reason, int]
"""Reason of a suppression, and since when it stands, ms."""
Facts = tuple[str | None, str | None, str | None, str | None]
"""Source, actor, text version, evidence."""
NO_FACTS: Facts = (None, None, None, None)


class Word(msgspec.Struct, array_like=True, gc=False):
    """What was said of one topic on one channel. Instants are ms since the epoch; 0: never."""

    agreed: int = 0
    confirmed: int = 0
    """As of when it needs no confirmation."""
    denied: int = 0
    facts: Facts = NO_FACTS
    """Of the latest word."""

    @property
    def state(self) -> State:
        """What it comes to: granted, pending or denied."""
        if self.denied >= max(self.agreed, self.confirmed):
            return "denied"
        return "granted" if self.confirmed > self.denied else "pending"

    @property
    def at(self) -> int:
        """Since when: the instant of the latest word."""
        return max(self.agreed, self.confirmed, self.denied)

    def deny(self, at_ms: int, facts: Facts) -> None:
        """Takes a no."""
        if at_ms >= self.at:
            self.facts = facts
        self.denied = max(self.denied, at_ms)

    def agree(self, at_ms: int, facts: Facts, *, is_asked: bool, is_final: bool) -> None:
        """Takes a yes.

        Args:
            at_ms: when it was said.
            facts: where it was said, and so on.
            is_asked: whether it is the yes itself, and not its confirmation alone.
            is_final: whether it needs no confirmation, or is one.
        """
        if at_ms == self.denied:
            self.denied -= 1
        if at_ms > self.denied:
            before = self.facts if self.state != "denied" else NO_FACTS
            self.facts = _filled(facts, before) if at_ms >= self.at else _filled(before, facts)
        if is_asked:
            self.agreed = max(self.agreed, at_ms)
        if is_final:
            self.confirmed = max(self.confirmed, at_ms)


def _filled(facts: Facts, others: Facts) -> Facts:
    first, second, third, fourth = (
        mine if mine is not None else other for mine, other in zip(facts, others, strict=True)
    )
    return first, second, third, fourth


class Suppression(msgspec.Struct, array_like=True, gc=False):
    """Whether anything may be sent on a channel at all. Kept where it was lifted, too."""

    reason: Reason = "manual"
    at: int = 0
    """Since when; 0: never."""
    lifted: int = 0

    def add(self, reason: Reason, at_ms: int) -> None:
        """Begins, unless it was lifted later."""
        if at_ms == self.lifted:
            self.lifted -= 1
        if at_ms >= self.at:
            self.reason, self.at = reason, at_ms

    def lift(self, at_ms: int) -> None:
        """Ends, unless it has begun later."""
        self.lifted = max(self.lifted, at_ms)


class Held(msgspec.Struct, array_like=True, gc=False):
    """A message that waits to be asked about again."""

    id: str
    """Of the command that it becomes."""
    definition_id: str
    version: str
    step: str
    occurrence: str
    channel: str
    template: str
    topic: str | None
    priority: int
    made: int
    """When it was to be sent first, ms."""
    due: int = 0
    """When it is asked about again, ms."""
    contest: str | None = None
    """The policy by whose arbitration it waits; None: it waits for something else."""
    properties: dict[str, Any] | None = None
    over: str | None = None
    """The cap that it was over, where those go as one that wait for room in it; None: there is
    none."""


class Contact(msgspec.Struct, array_like=True, gc=False):
    """All of it, of one person."""

    words: dict[str, Word] = {}
    """By channel and topic, joined by a slash; `*` stands for all topics."""
    suppressions: dict[str, Suppression] = {}
    """By channel; `*` stands for all channels."""
    sends: dict[str, list[int]] = {}
    """The latest instants of messages that went, oldest first, by cap."""
    bounces: dict[str, list[int]] = {}
    """By channel, the latest soft bounces since something was delivered, oldest first."""
    arrivals: dict[str, int] = {}
    """By channel with bounces, when something was delivered last."""
    silent: dict[str, int] = {}
    """By channel, since when somebody who gets messages has not answered any."""
    sunk: dict[str, int] = {}
    """By channel, since when somebody gets no more for not having answered."""
    held: list[Held] = []

    def word(self, channel: str, topic: str | None) -> Word | None:
        """Returns the word that counts for a topic: its own, or that on all of the channel.

        A no to all of the channel counts where it came after the topic's own yes.
        """
        of_all = self.words.get(key(channel, ALL))
        own = self.own_word(channel, topic)
        return of_all if own is None else own

    def own_word(self, channel: str, topic: str | None) -> Word | None:
        """Returns a topic's own word, or a later no to all of the channel; None: there is none."""
        own = self.words.get(key(channel, topic or ALL))
        of_all = self.words.get(key(channel, ALL))
        if of_all is None or of_all.state != "denied":
            return own
        return own if own is not None and own.at > of_all.at else of_all

    def state(self, channel: str, topic: str | None) -> State | None:
        """Returns granted, pending or denied; None: nothing was said."""
        found = self.word(channel, topic)
        return None if found is None else found.state

    def suppression(self, channel: str) -> Standing | None:
        """Returns what suppresses a channel now; None: nothing does."""
        return self.standing(ALL) or self.standing(channel)

    def standing(self, channel: str) -> Standing | None:
        """Returns the suppression of just this channel, or of just all; None: there is none.

        A sunset stands below all that was said.
        """
        found = self.suppressions.get(channel)
        if found is not None and found.at > self.lifted(channel):
            return found.reason, found.at
        since_ms = self.sunk.get(channel)
        return None if since_ms is None else (SUNSET, since_ms)

    def lifted(self, channel: str) -> int:
        """Returns when what suppressed a channel was lifted last, ms; 0: never."""
        found = (self.suppressions.get(each) for each in (channel, ALL))
        return max((each.lifted for each in found if each is not None), default=0)

    def bounce(self, channel: str, at_ms: int) -> bool:
        """Notes a soft bounce; returns whether there were too many in a row."""
        if at_ms <= self.arrivals.get(channel, 0):
            return False
        times = self.bounces.setdefault(channel, [])
        times.append(at_ms)
        times.sort()
        del times[:-MAX_SOFT]
        return len(times) == MAX_SOFT

    def arrive(self, channel: str, at_ms: int) -> None:
        """Notes that something was delivered: bounces before it do not count."""
        if channel in self.bounces:
            self.arrivals[channel] = max(at_ms, self.arrivals.get(channel, 0))
            times = [each for each in self.bounces[channel] if each > at_ms]
            self.bounces[channel] = times

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known."""
        return not (
            self.words
            or self.suppressions
            or self.sends
            or self.bounces
            or self.silent
            or self.sunk
            or self.held
        )


def key(channel: str, topic: str) -> str:
    """Returns where the word on a topic is kept."""
    return f"{channel}/{topic}"
