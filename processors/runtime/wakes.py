"""When the clock next has work for whom: the index of one partition's timers.

The table keeps it, and can build it from the profiles' bytes, which begin with the wake time.
"""

import heapq
from collections.abc import Mapping

from processors.state.profiles import NEVER

WAKE_BYTES = 8
BUCKET_MS = 3_600_000
"""Those that wake within so long of each other wait together, in no order."""
MAX_COUNTED = 100_000
"""Beyond so many due timers nobody wants to know the number."""


class Wakes:
    """Profiles by wake time: those of the hour at hand in a heap, all others by hour.

    A heap of all would cost a hundred bytes a profile; what waits by hour costs its id.
    """

    def __init__(self, profiles: Mapping[str, bytes]) -> None:
        self._profiles = profiles
        self._near: list[bytes] = []
        """A heap: wake time, then id."""
        self._near_ms = 0
        """What wakes before this instant is in the heap."""
        self._far: dict[int, bytearray] = {}
        """Ids by hour; each ends with a line break, which no id has."""
        self._first: dict[int, int] = {}
        """The earliest wake time of each hour."""
        self._hours: list[int] = []
        """A heap of the hours."""
        self._waiting = 0

    def __len__(self) -> int:
        """How many entries there are; a profile that was moved to an earlier time has two."""
        return len(self._near) + self._waiting

    def add(self, profile_id: str, wake: int) -> None:
        """Has a profile wake at an instant; its bytes must begin with that when it comes."""
        if wake < self._near_ms:
            heapq.heappush(self._near, wake.to_bytes(WAKE_BYTES, "big") + profile_id.encode())
            return
        hour = wake // BUCKET_MS
        ids = self._far.get(hour)
        if ids is None:
            ids = self._far[hour] = bytearray()
            self._first[hour] = wake
            heapq.heappush(self._hours, hour)
        elif wake < self._first[hour]:
            self._first[hour] = wake
        ids += b"%b\n" % profile_id.encode()
        self._waiting += 1

    def next(self) -> int:
        """Returns the earliest instant at which somebody may wake, ms."""
        if self._near:
            return wake_of(self._near[0])
        return self._first[self._hours[0]] if self._hours else NEVER

    def take(self, until_ms: int, limit: int) -> list[str]:
        """Returns who wakes by an instant, the earliest first, and forgets them."""
        due: list[str] = []
        near, profiles, pop = self._near, self._profiles, heapq.heappop
        end = (until_ms + 1).to_bytes(WAKE_BYTES, "big")
        while len(due) < limit:
            if not near:
                if not self._open(until_ms):
                    break
                continue
            if near[0] >= end:
                break
            entry = pop(near)
            profile_id = entry[WAKE_BYTES:].decode()
            value = profiles.get(profile_id)
            if value is not None and value.startswith(entry[:WAKE_BYTES]):
                due.append(profile_id)
        return due

    def due(self, until_ms: int) -> int:
        """Returns how many entries are due at an instant, up to a bound."""
        while len(self._near) <= MAX_COUNTED and self._open(until_ms):
            pass
        near, end = self._near, (until_ms + 1).to_bytes(WAKE_BYTES, "big")
        found = [0] if near and near[0] < end else []
        for place in found:
            below = (2 * place + 1, 2 * place + 2)
            found += [each for each in below if each < len(near) and near[each] < end]
            if len(found) > MAX_COUNTED:
                break
        return len(found)

    def _open(self, until_ms: int) -> bool:
        """Brings the next hour into the heap; returns False where nobody wakes by the instant."""
        if not self._hours or self._first[self._hours[0]] > until_ms:
            return False
        hour = heapq.heappop(self._hours)
        del self._first[hour]
        ids = self._far.pop(hour).split(b"\n")
        self._waiting -= len(ids) - 1
        self._near_ms = (hour + 1) * BUCKET_MS
        begin = (hour * BUCKET_MS).to_bytes(WAKE_BYTES, "big")
        end = self._near_ms.to_bytes(WAKE_BYTES, "big")
        profiles = self._profiles
        found = set()
        for each in ids:
            value = profiles.get(each.decode())
            if value is not None and begin <= value[:WAKE_BYTES] < end:
                found.add(value[:WAKE_BYTES] + each)
        self._near += found
        heapq.heapify(self._near)
        return True


def wake_of(value: bytes) -> int:
    """Returns the wake time with which a stored profile begins, ms."""
    return int.from_bytes(value[:WAKE_BYTES], "big")
