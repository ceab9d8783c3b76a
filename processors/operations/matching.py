"""Matches the commands of two definition sets by what they are for: ids carry versions, so differ.

Stands in `beckon diff`, between the two engines and the counts.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Literal

import msgspec

from schemas.commands import Command

Change = Literal["same", "changed", "moved", "appeared", "vanished"]

FOR_WHAT = ("id", "version", "profile_id", "definition_id", "channel", "step", "occurrence", "at")
"""Fields that say what a command is for; the rest is its content."""
MEMBERSHIPS = ("segments", "lists")
"""Fields that are no content: what the two sets say of memberships is compared by itself."""


class Sent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One command, as far as it is compared."""

    profile_id: str
    definition_id: str
    channel: str
    step: str
    occurrence: str
    at: int
    content: bytes
    """JSON of what is to be sent, without the person's traits."""
    traits: bytes = b""
    """JSON of those; empty once they are of no more use."""


Tell = Callable[[Change, Sent | None, Sent | None], None]
"""Takes what became of a command of the old set, of the new one, or of both."""

_encode = msgspec.json.Encoder(order="sorted").encode


class Matcher:
    """Takes the commands of both sets stretch by stretch; keeps those that have no partner yet."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._old: list[Sent] = []
        self._new: list[Sent] = []

    def match(self, old: Iterable[Command], new: Iterable[Command]) -> None:
        """Compares what both sets made of the same stretch of history.

        Partners have the same cause, or the same instant (the id of an event that a trigger told
        carries a version); among such those of the same content come first, then of the same step.
        """
        olds, news = [_sent(each) for each in old], [_sent(each) for each in new]
        for key in (_cause_and_content, _cause_and_step, _instant_and_content, _instant_and_step):
            olds, news = self._pair(olds, news, key)
        self._old += map(_without_traits, olds)
        self._new += map(_without_traits, news)

    def finish(self) -> None:
        """Tells what moved: the same content, or step, at another time; then what has no partner.

        Several of one person and definition are paired in order of time, the nearest first.
        """
        for key in (_content, _step):
            waiting = _by(self._new, key)
            olds, news = [], []
            for held, found in _by(self._old, key).items():
                rest_old, rest_new = self._move(found, waiting.pop(held, []))
                olds += rest_old
                news += rest_new
            self._old = olds
            self._new = news + [each for found in waiting.values() for each in found]
        for each in sorted(self._old, key=_place):
            self._tell("vanished", each, None)
        for each in sorted(self._new, key=_place):
            self._tell("appeared", None, each)
        self._old, self._new = [], []

    def _pair(
        self, olds: list[Sent], news: list[Sent], key: Callable[[Sent], Hashable]
    ) -> tuple[list[Sent], list[Sent]]:
        """Tells of partners under a key; returns those that have none."""
        if not olds or not news:
            return olds, news
        waiting: dict[Hashable, deque[Sent]] = {}
        for each in news:
            waiting.setdefault(key(each), deque()).append(each)
        rest = []
        for each in olds:
            found = waiting.get(key(each))
            if found:
                new = found.popleft()
                self._tell(_change(each, new), each, new)
            else:
                rest.append(each)
        return rest, [each for found in waiting.values() for each in found]

    def _move(self, olds: list[Sent], news: list[Sent]) -> tuple[list[Sent], list[Sent]]:
        """Tells of partners at different times; returns those of the longer side that have none."""
        olds, news = sorted(olds, key=_at), sorted(news, key=_at)
        if len(olds) <= len(news):
            taken = nearest([each.at for each in olds], [each.at for each in news])
            pairs = [(old, news[place]) for old, place in zip(olds, taken, strict=True)]
            rest_old, rest_new = [], _others(news, taken)
        else:
            taken = nearest([each.at for each in news], [each.at for each in olds])
            pairs = [(olds[place], new) for new, place in zip(news, taken, strict=True)]
            rest_old, rest_new = _others(olds, taken), []
        for old, new in pairs:
            self._tell(_change(old, new), old, new)
        return rest_old, rest_new


def nearest(few: list[int], many: list[int]) -> list[int]:
    """Returns for each of the sorted `few` its place in the sorted `many`, each place once.

    Places rise; each is the nearest that leaves enough for those after it.

    >>> nearest([10, 20], [1, 11, 12, 40])
    [1, 2]
    """
    places: list[int] = []
    first = 0
    for done, at in enumerate(few):
        last = len(many) - (len(few) - done)
        place = min(bisect_left(many, at, first, last + 1), last)
        if place > first and at - many[place - 1] <= abs(many[place] - at):
            place -= 1
        places.append(place)
        first = place + 1
    return places


def content(sent: Sent) -> dict[str, Any]:
    """Returns what a command says, without the person's traits."""
    found: dict[str, Any] = msgspec.json.decode(sent.content)
    return found


def _sent(command: Command) -> Sent:
    row = msgspec.to_builtins(command)
    for field in (*FOR_WHAT, *MEMBERSHIPS):
        row.pop(field, None)
    traits = row.pop("traits", None)
    return Sent(
        profile_id=command.profile_id,
        definition_id=command.definition_id,
        channel=command.channel,
        step=command.step,
        occurrence=command.occurrence,
        at=command.at,
        content=_encode(row),
        traits=_encode(traits) if traits else b"",
    )


def _change(old: Sent, new: Sent) -> Change:
    if old.at != new.at:
        return "moved"
    return "same" if (old.content, old.traits) == (new.content, new.traits) else "changed"


def _without_traits(sent: Sent) -> Sent:
    return msgspec.structs.replace(sent, traits=b"") if sent.traits else sent


def _by(sent: list[Sent], key: Callable[[Sent], Hashable]) -> dict[Hashable, list[Sent]]:
    found: dict[Hashable, list[Sent]] = {}
    for each in sent:
        found.setdefault(key(each), []).append(each)
    return found


def _others(sent: list[Sent], taken: list[int]) -> list[Sent]:
    gone = set(taken)
    return [each for place, each in enumerate(sent) if place not in gone]


def _at(sent: Sent) -> int:
    return sent.at


def _place(sent: Sent) -> tuple[str, str, int]:
    return sent.definition_id, sent.profile_id, sent.at


def _whose(sent: Sent) -> tuple[str, str, str]:
    return sent.profile_id, sent.definition_id, sent.channel


def _content(sent: Sent) -> Hashable:
    return *_whose(sent), sent.content


def _step(sent: Sent) -> Hashable:
    return *_whose(sent), sent.step


def _cause_and_content(sent: Sent) -> Hashable:
    return *_whose(sent), sent.occurrence, sent.content, sent.traits


def _cause_and_step(sent: Sent) -> Hashable:
    return *_whose(sent), sent.occurrence, sent.step


def _instant_and_content(sent: Sent) -> Hashable:
    return *_whose(sent), sent.at, sent.content, sent.traits


def _instant_and_step(sent: Sent) -> Hashable:
    return *_whose(sent), sent.at, sent.step
