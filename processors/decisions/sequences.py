"""Sequences, compiled: whether events came one after the other, and until when that holds.

Of each event that ends a part of the sequence the latest start that leads to it is known, since it
is the one that leaves a window last.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from processors.decisions.comparisons import FALSE, TRUE, Answer
from processors.decisions.features import Features, Properties
from processors.decisions.measures import Measures
from processors.definitions.occurrences import SequenceCondition, Step
from processors.state.amounts import NOTHING
from processors.state.profiles import NEVER, Profile

MAX_KEPT = 1_000
"""Of each step the latest so many occurrences count."""

Times = Mapping[str, Sequence[int]]
"""When the event of each step occurred, oldest first, by the key under which it is kept."""
Reached = list[tuple[int, int]]
"""Time of an event that ends a part of the sequence, and of the event that began it."""
Evaluate = Callable[[Profile, int, Properties], Answer]


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """An event that comes, after others that do not."""

    key: str
    within_ms: int = NEVER
    """How long after the event before."""
    absent: tuple[str, ...] = ()
    """What must not lie between."""


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """A whole sequence."""

    links: tuple[Link, ...]
    absent: tuple[tuple[str, int | None], ...]
    """What must not follow, and for how long; None is for ever."""
    within_ms: int
    """How long the first event counts."""

    @property
    def is_final(self) -> bool:
        """Whether it stays true once it is."""
        return (
            self.within_ms == NEVER
            and not self.absent
            and not any(link.absent for link in self.links)
        )

    def answer(self, times: Times, now: int) -> Answer:
        """Returns whether the sequence is there now, and until when that holds."""
        best, pending = 0, NEVER
        for at_ms, began_ms in self._reached(times, now):
            ready, ends = self._ready(times, at_ms), began_ms + self.within_ms
            if ready <= now < ends:
                best = max(best, ends)
            elif now < ready < ends:
                pending = min(pending, ready)
        return min(best, NEVER) or -pending

    def _reached(self, times: Times, now: int) -> Reached:
        oldest_ms = now - self.within_ms
        first, *others = self.links
        reached = [(at_ms, at_ms) for at_ms in times[first.key] if at_ms > oldest_ms]
        for link in others:
            reached = list(_follow(reached, link, times))
        return reached

    def _ready(self, times: Times, at_ms: int) -> int:
        """Returns from when on nothing has followed that must not; NEVER if something has."""
        ready = at_ms
        for key, within_ms in self.absent:
            ends = NEVER if within_ms is None else at_ms + within_ms
            if _lies_between(times[key], at_ms, ends):
                return NEVER
            ready = max(ready, at_ms if within_ms is None else ends)
        return ready


def _follow(reached: Reached, link: Link, times: Times) -> Iterable[tuple[int, int]]:
    for at_ms in times[link.key]:
        place = bisect_left(reached, (at_ms,)) - 1
        if place < 0:
            continue
        before_ms, began_ms = reached[place]
        if at_ms < before_ms + link.within_ms and not any(
            _lies_between(times[key], before_ms, at_ms) for key in link.absent
        ):
            yield at_ms, began_ms


def _lies_between(times: Sequence[int], after_ms: int, before_ms: int) -> bool:
    place = bisect_right(times, after_ms)
    return place < len(times) and times[place] < before_ms


def sequence(
    condition: SequenceCondition, features: Features, measures: Measures
) -> tuple[Evaluate, set[str], bool]:
    """Returns the closure of a sequence, the keys of what it reads, and whether time can turn it.

    With `same` each value that the property has is looked at by itself.
    """
    width_ms = NEVER if condition.within is None else condition.within
    keys = [
        _keep(step, condition.same, width_ms, features, measures) for step in condition.sequence
    ]
    chain = _chain(condition.sequence, keys, width_ms)
    is_timed = width_ms < NEVER or any(within is not None for _, within in chain.absent)
    evaluate = _plain(chain, keys) if condition.same is None else _grouped(chain, keys)
    if chain.is_final:
        mark = features.mark([*keys, *(link.within_ms for link in chain.links)])
        return _once(mark, evaluate), set(keys), is_timed
    return evaluate, set(keys), is_timed


def _keep(
    step: Step, same: str | None, width_ms: int, features: Features, measures: Measures
) -> str:
    event = step.event or step.not_event
    assert event is not None  # the model sees to it
    if same is None:
        return features.window(event, step.where, width_ms=width_ms, capacity=MAX_KEPT).key
    source = (event, step.where, same)
    return measures.get("each", source, width_ms=width_ms, capacity=MAX_KEPT).key


def _chain(steps: Sequence[Step], keys: Sequence[str], width_ms: int) -> Chain:
    links: list[Link] = []
    absent: list[tuple[str, int | None]] = []
    for step, key in zip(steps, keys, strict=True):
        if step.event is None:
            absent.append((key, step.within))
            continue
        within_ms = NEVER if step.within is None else step.within
        between = tuple(each for each, _ in absent)
        links.append(Link(key=key, within_ms=within_ms, absent=between))
        absent = []
    return Chain(links=tuple(links), absent=tuple(absent), within_ms=width_ms)


def _plain(chain: Chain, keys: Sequence[str]) -> Evaluate:
    def evaluate(profile: Profile, now: int, properties: Properties) -> Answer:
        kept = profile.times
        return chain.answer({key: kept.get(key, ()) for key in keys}, now)

    return evaluate


def _grouped(chain: Chain, keys: Sequence[str]) -> Evaluate:
    first = chain.links[0].key

    def evaluate(profile: Profile, now: int, properties: Properties) -> Answer:
        answer = FALSE
        for value in set((profile.measured or NOTHING).amounts.get(first, ())):
            times = {key: _of_value(profile, key, value) for key in keys}
            answer = max(answer, chain.answer(times, now))
        return answer

    return evaluate


def _of_value(profile: Profile, key: str, value: int) -> list[int]:
    values = (profile.measured or NOTHING).amounts.get(key, ())
    pairs = zip(profile.times.get(key, ()), values, strict=True)
    return [at_ms for at_ms, held in pairs if held == value]


def _once(mark: str, evaluate: Evaluate) -> Evaluate:
    """Notes in the profile that the sequence is there: then its times may go."""

    def noted(profile: Profile, now: int, properties: Properties) -> Answer:
        if mark in profile.counts:
            return TRUE
        if evaluate(profile, now, properties) == FALSE:
            return FALSE
        profile.counts[mark] = 1
        return TRUE

    return noted
