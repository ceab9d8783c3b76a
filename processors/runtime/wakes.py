"""When the clock next has work for whom: the index of one partition's timers.

The table keeps it, and can build it from the profiles' bytes, which begin with the wake time.
"""

import heapq
from array import array
from bisect import bisect_left
from collections.abc import Mapping

from processors.state.profiles import NEVER

WAKE_BYTES = 8
BUCKET_MS = 3_600_000
"""Those that wake within so long of each other wait together, in no order."""
PART = 20_000
"""How many of an hour come near at once: events are not to wait for all of a storm's."""
MAX_COUNTED = 100_000
"""Beyond so many due timers nobody wants to know the number."""


Part = tuple["array[int]", bytearray]
"""Ms from the beginning of the hour, and ids, each with a line break after it, which none has."""


class Wakes:
    """Profiles by wake time: those of the hour at hand in their order, all others by hour.

    A heap of all would cost a hundred bytes a profile; what waits by hour costs its id and four.
    """

    def __init__(self, profiles: Mapping[str, bytes]) -> None:
        self._profiles = profiles
        self._near: list[bytes] = []
        """The hour at hand, in order: wake time, then id."""
        self._at = 0
        """How many of these have been taken."""
        self._late: list[bytes] = []
        """A heap of the same: who came to the hour after its beginning."""
        self._near_ms = 0
        """What wakes before this instant is in one of the two."""
        self._coming: dict[int, list[bytes]] = {}
        """What of an hour after it has come already."""
        self._far: dict[int, list[Part]] = {}
        """All other hours, in parts."""
        self._first: dict[int, int] = {}
        """The earliest wake time of each hour."""
        self._hours: list[int] = []
        """A heap of the hours."""
        self._waiting = 0

    def __len__(self) -> int:
        """How many entries there are; a profile that was moved to an earlier time has two."""
        return len(self._near) - self._at + len(self._late) + self._waiting

    def add(self, profile_id: str, wake: int) -> None:
        """Has a profile wake at an instant; its bytes must begin with that when it comes."""
        if wake < self._near_ms:
            heapq.heappush(self._late, _prefix(wake) + profile_id.encode())
            return
        hour, past_ms = divmod(wake, BUCKET_MS)
        parts = self._far.get(hour)
        if parts is None:
            parts = self._far[hour] = []
            self._first[hour] = wake
            heapq.heappush(self._hours, hour)
        elif wake < self._first[hour]:
            self._first[hour] = wake
        if not parts or len(parts[-1][0]) >= PART:
            parts.append((array("I"), bytearray()))
        times, ids = parts[-1]
        times.append(past_ms)
        ids += b"%b\n" % profile_id.encode()
        self._waiting += 1

    def next(self) -> int:
        """Returns the earliest instant at which somebody may wake, ms."""
        soon = [*self._near[self._at : self._at + 1], *self._late[:1]]
        if soon:
            return wake_of(min(soon))
        return self._first[self._hours[0]] if self._hours else NEVER

    def take(self, until_ms: int, limit: int) -> list[str]:
        """Returns who wakes by an instant, the earliest first, and forgets them.

        It may be nobody though somebody wakes, where an hour of many comes near: ask again then.
        """
        due: list[str] = []
        profiles, late = self._profiles, self._late
        end, before = _prefix(until_ms + 1), b""
        while len(due) < limit:
            entry = self._near[self._at] if self._at < len(self._near) else None
            if late and (entry is None or late[0] < entry):
                if late[0] >= end:
                    break
                entry = heapq.heappop(late)
            elif entry is not None:
                if entry >= end:
                    break
                self._at += 1
            elif self._come(until_ms) and self._at < len(self._near):
                continue
            else:
                break
            profile_id = entry[WAKE_BYTES:].decode()
            value = profiles.get(profile_id)
            is_meant = value is not None and value.startswith(entry[:WAKE_BYTES])
            if is_meant and entry != before:  # who was moved and back is there twice
                due.append(profile_id)
            before = entry
        return due

    def due(self, until_ms: int) -> int:
        """Returns how many entries are due at an instant, up to a bound."""
        end = _prefix(until_ms + 1)
        found = bisect_left(self._near, end, self._at) - self._at + _below(self._late, end)
        found += sum(entry < end for come in self._coming.values() for entry in come)
        for hour, first in self._first.items():
            if first <= until_ms and found <= MAX_COUNTED:
                past_ms = until_ms - hour * BUCKET_MS
                found += sum(each <= past_ms for times, _ in self._far[hour] for each in times)
        return found

    def _come(self, until_ms: int) -> bool:
        """Brings part of the next hour near; returns False where nobody of it wakes by then."""
        if not self._hours or self._first[self._hours[0]] > until_ms:
            return False
        hour = self._hours[0]
        begin, parts = hour * BUCKET_MS, self._far[hour]
        times, ids = parts.pop()
        waking = zip(times, ids.split(b"\n"), strict=False)  # after the last break comes nothing
        self._coming.setdefault(hour, []).extend(
            (begin + past_ms).to_bytes(WAKE_BYTES, "big") + id_ for past_ms, id_ in waking
        )
        if not parts:
            self._begin(heapq.heappop(self._hours))
        return True

    def _begin(self, hour: int) -> None:
        """Puts an hour in order of which all has come."""
        del self._far[hour], self._first[hour]
        self._near, self._at = self._coming.pop(hour), 0
        self._near.sort()
        self._waiting -= len(self._near)
        self._near_ms = (hour + 1) * BUCKET_MS


def _below(heap: list[bytes], end: bytes) -> int:
    """Returns how many of a heap come before an entry, up to a bound."""
    found = [0] if heap and heap[0] < end else []
    for place in found:
        below = (2 * place + 1, 2 * place + 2)
        found += [each for each in below if each < len(heap) and heap[each] < end]
        if len(found) > MAX_COUNTED:
            break
    return len(found)


def _prefix(wake: int) -> bytes:
    return wake.to_bytes(WAKE_BYTES, "big")


def wake_of(value: bytes) -> int:
    """Returns the wake time with which a stored profile begins, ms."""
    return int.from_bytes(value[:WAKE_BYTES], "big")
