"""What has to be counted of which event: the few numbers that conditions and rules read.

A count holds how often, a window the latest times. Definitions that ask the same share one.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from processors.decisions import decays
from processors.decisions.comparisons import compare
from processors.definitions.occurrences import PropertyCondition
from processors.state import windows
from processors.state.profiles import NEVER, Profile
from processors.state.windows import MAX_TIMES

Properties = Mapping[str, Any]
NO_PROPERTIES: Properties = MappingProxyType({})
"""There is no event at hand."""
Where = Callable[[Properties, int], bool]
"""Whether an event's properties meet the conditions, at its own time."""


class Feature(msgspec.Struct, kw_only=True):
    """One number, or one list of times, that is kept of a profile."""

    key: str
    event: str
    where: Where | None
    since_ms: int | None = None
    """A count leaves out what lies before this instant."""
    width_ms: int | None = None
    """How long a time can matter; None for a count."""
    capacity: int = 0
    """How many are kept: times of a window, or the ceiling of a count."""
    half_life_ms: int | None = None
    """Of a sum that fades: its times are not kept."""
    users: int = 0
    """Bits of the nodes that read it."""
    is_own: bool = False
    """Whether it leaves out what triggers tell."""

    def take(self, profile: Profile, at_ms: int) -> bool:
        """Counts an occurrence; returns whether anything that is kept has changed."""
        if self.width_ms is None:
            if self.since_ms is not None and at_ms < self.since_ms:
                return False
            times = profile.counts.get(self.key, 0)
            if times >= self.capacity:
                return False
            profile.counts[self.key] = times + 1
            return True
        if self.half_life_ms is not None:
            if profile.decays is None:
                profile.decays = {}
            kept_sum = profile.decays.get(self.key)
            profile.decays[self.key] = decays.add(kept_sum, at_ms, self.half_life_ms)
            return True
        oldest_ms = profile.clock - self.width_ms
        if at_ms <= oldest_ms:
            return False
        kept = profile.times.get(self.key)
        if kept is None:
            profile.times[self.key] = [at_ms]
            return True
        windows.expire(kept, oldest_ms)
        return windows.insert(kept, at_ms, self.capacity)


class Features:
    """All features of one definition set, gathered while its conditions are compiled."""

    def __init__(self) -> None:
        self.by_key: dict[str, Feature] = {}
        self.marks: set[str] = set()
        """Keys of counts that no event moves: what was found once and for all."""

    def count(
        self,
        event: str,
        where: tuple[PropertyCondition, ...],
        *,
        since_ms: int | None,
        capacity: int | None,
    ) -> Feature:
        """Returns the feature that counts an event, up to a ceiling (None for none)."""
        feature = self._get(event, where, kind="count", since_ms=since_ms)
        feature.capacity = max(feature.capacity, MAX_COUNT if capacity is None else capacity)
        return feature

    def window(
        self,
        event: str,
        where: tuple[PropertyCondition, ...],
        *,
        width_ms: int,
        capacity: int | None,
    ) -> Feature:
        """Returns the feature that keeps the latest times of an event (None: all in the window)."""
        feature = self._get(event, where, kind="window", since_ms=None)
        wanted = MAX_TIMES if capacity is None else min(capacity, MAX_TIMES)
        feature.capacity = max(feature.capacity, wanted)
        feature.width_ms = max(feature.width_ms or 0, width_ms)
        return feature

    def mark(self, parts: list[Any]) -> str:
        """Returns the key under which something is noted once and for all."""
        key = short(["mark", *parts])
        self.marks.add(key)
        return key

    def latest(
        self,
        event: str,
        where: tuple[PropertyCondition, ...],
        *,
        width_ms: int | None,
        capacity: int | None,
    ) -> Feature:
        """Returns the feature of just these times: it changes if and only if they do."""
        kind = f"latest/{width_ms}/{capacity}"
        feature = self._get(event, where, kind=kind, since_ms=None)
        feature.width_ms = NEVER if width_ms is None else width_ms
        feature.capacity = MAX_TIMES if capacity is None else capacity
        return feature

    def decay(
        self, event: str, where: tuple[PropertyCondition, ...], *, half_life_ms: int
    ) -> Feature:
        """Returns the feature that sums up occurrences that fade, however many there are."""
        feature = self._get(event, where, kind=f"decay/{half_life_ms}", since_ms=None)
        feature.width_ms, feature.capacity = NEVER, MAX_COUNT
        feature.half_life_ms = half_life_ms
        return feature

    def last(self, event: str, where: tuple[PropertyCondition, ...], *, width_ms: int) -> Feature:
        """Returns the feature that keeps when a person did a thing last; triggers do not count."""
        feature = self._get(event, where, kind="last", since_ms=None)
        feature.is_own, feature.capacity = True, 1
        feature.width_ms = max(feature.width_ms or 0, width_ms)
        return feature

    def _get(
        self, event: str, where: tuple[PropertyCondition, ...], *, kind: str, since_ms: int | None
    ) -> Feature:
        key = short([kind, event, written(where), since_ms])
        if key not in self.by_key:
            self.by_key[key] = Feature(
                key=key, event=event, where=compile_where(where), since_ms=since_ms
            )
        return self.by_key[key]


def short(parts: list[Any]) -> str:
    """Returns a key of 7 characters, 42 bits, that stands for what is asked in any set."""
    digest = hashlib.sha256(msgspec.json.encode(parts)).digest()
    return base64.b64encode(digest)[:7].decode()


def written(where: tuple[PropertyCondition, ...]) -> list[list[Any]]:
    """Returns what is asked of properties in a form that is the same whatever the order."""
    asked = [[each.property, each.operator, each.operand, each.missing] for each in where]
    return sorted(asked, key=repr)


MAX_COUNT = 1 << 53
"""A count without a ceiling ends where JSON numbers stop being exact."""


def compile_where(where: tuple[PropertyCondition, ...]) -> Where | None:
    """Returns what tells whether all conditions hold; None where there are none."""
    if not where:
        return None
    tests = [(tuple(each.property.split(".")), compare(each)) for each in where]
    if len(tests) > 1:
        return lambda properties, at_ms: all(
            meets(read(properties, path), at_ms) > 0 for path, meets in tests
        )
    path, only = tests[0]
    if len(path) > 1:
        return lambda properties, at_ms: only(read(properties, path), at_ms) > 0
    key = path[0]
    return lambda properties, at_ms: only(properties.get(key), at_ms) > 0


def read(properties: Properties, path: tuple[str, ...]) -> Any:
    """Returns the value at a path of a JSON object; None where there is none."""
    value: Any = properties
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value
