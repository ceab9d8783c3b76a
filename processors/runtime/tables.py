"""The table of one partition: each profile as bytes, and when the clock next has work to do.

What is in the table is committed. A batch works on a copy of what it touches (see batches).
"""

import heapq
from collections.abc import Iterable

import msgspec

from processors.runtime.errors import StateLost
from processors.state.profiles import NEVER

WAKE_BYTES = 8
MAX_KNOWN = 64
"""Of how many busy profiles of a partition the message ids are kept ready."""
SPARE = 1_000
"""By how many entries the index may have more than twice the profiles: timers moved leave some."""
MAX_COUNTED = 100_000
"""Beyond so many due timers nobody wants to know the number."""
PROGRESS_KEY = b"\x00progress"
"""Key of the record beside the profiles that says how far the partition is. No id begins so."""
CRASH_KEY = b"\x00crash"
"""Key of the record that says on which event a worker broke down last."""


class Progress(msgspec.Struct, array_like=True):
    """How far one partition has been decided on; part of every transaction."""

    format: int = 1
    offset: int = 0
    """The next record of `events`."""
    high_water: int = 0
    """The largest event time so far, ms."""
    definitions: str = ""
    """Id of the definition set that was active for the batch."""
    is_settled: bool = True
    """Whether all profiles have been evaluated under it."""


class Crash(msgspec.Struct, array_like=True):
    """A record on which a worker broke down: a bug, since bad input has reasons of its own."""

    offset: int = -1
    times: int = 0


Stored = tuple[str, bytes, int | None]
"""A profile's id, its bytes, and its wake time where that is earlier than it was."""


class Table:
    """Profiles of one partition: id to 8 bytes of wake time and the profile's own bytes.

    The wake time is an instant not later than the profile's next timer, and the index holds an
    entry for it. So the index is rebuilt on restore without decoding a profile.
    """

    def __init__(self) -> None:
        self.profiles: dict[str, bytes] = {}
        self.progress = Progress()
        self.crash = Crash()
        self.outdated: list[str] = []
        """Profiles that have not been evaluated under the active definitions yet."""
        self.known: dict[str, set[int]] = {}
        """The message ids of busy profiles, ready to be asked; a cache, bounded."""
        self._sized = (0, 0)
        """How many profiles there were when their bytes were added up, and the sum."""
        self._index: list[tuple[int, str]] = []

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Takes one record of the changelog, in its order; `restored` ends it.

        Raises:
            StateLost: it is of a layout that this version does not know.
        """
        if key == PROGRESS_KEY:
            if value is not None:
                self.progress = _progress(value)
        elif key == CRASH_KEY:
            self.crash = Crash() if value is None else _crash_decoder.decode(value)
        elif value is None:
            self.profiles.pop(key.decode(), None)
        else:
            self.profiles[key.decode()] = value

    def restored(self) -> None:
        """Builds the index of timers."""
        self._build_index()
        if not self.progress.is_settled:
            self.outdated = list(self.profiles)

    def _build_index(self) -> None:
        self._index = [
            (wake, profile_id)
            for profile_id, value in self.profiles.items()
            if (wake := wake_of(value)) < NEVER
        ]
        heapq.heapify(self._index)

    @property
    def size_bytes(self) -> int:
        """How many bytes the stored profiles have, roughly: added up when many have come."""
        count = len(self.profiles)
        if abs(count - self._sized[0]) * 20 >= count:
            self._sized = (count, sum(map(len, self.profiles.values())))
        return self._sized[1]

    def put_all(self, stored: Iterable[Stored]) -> None:
        """Stores profiles."""
        held, index = self.profiles, self._index
        for profile_id, value, wake in stored:
            held[profile_id] = value
            if wake is not None:
                heapq.heappush(index, (wake, profile_id))
        if len(index) > 2 * len(held) + SPARE:
            self._build_index()

    def keep_known(self, profile_id: str, known: set[int]) -> None:
        """Keeps the message ids of a busy profile for the next batch."""
        self.known.pop(profile_id, None)
        self.known[profile_id] = known
        if len(self.known) > MAX_KNOWN:
            del self.known[next(iter(self.known))]

    def next_wake(self) -> int:
        """Returns the earliest instant at which a timer may be due."""
        return self._index[0][0] if self._index else NEVER

    def take_due(self, until_ms: int, limit: int) -> list[str]:
        """Returns profiles whose wake time has come, and takes them from the index.

        Whoever takes them puts them back under their next wake time, or calls `return_due`.
        """
        due: list[str] = []
        index = self._index
        while index and index[0][0] <= until_ms and len(due) < limit:
            wake, profile_id = heapq.heappop(index)
            value = self.profiles.get(profile_id)
            if value is not None and wake_of(value) == wake:
                due.append(profile_id)
        return due

    def return_due(self, profile_ids: list[str]) -> None:
        """Puts back what was taken, after a batch that came to nothing."""
        for profile_id in profile_ids:
            value = self.profiles.get(profile_id)
            if value is not None:
                heapq.heappush(self._index, (wake_of(value), profile_id))

    def due(self, until_ms: int) -> int:
        """Returns how many entries of the index are due at an instant."""
        index, found = self._index, [0]
        for place in found:
            found += [
                each
                for each in (2 * place + 1, 2 * place + 2)
                if each < len(index) and index[each][0] <= until_ms
            ]
            if len(found) > MAX_COUNTED:
                break
        return len(found) if index and index[0][0] <= until_ms else 0

    @property
    def pending(self) -> int:
        """How many entries the index of timers has."""
        return len(self._index)


def wake_of(value: bytes) -> int:
    """Returns the wake time of a stored profile, ms."""
    return int.from_bytes(value[:WAKE_BYTES], "big")


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Progress)
_crash_decoder = msgspec.msgpack.Decoder(Crash)


def encode_progress(progress: Progress) -> bytes:
    """Returns the value of the progress record."""
    return _encoder.encode(progress)


def encode_crash(crash: Crash) -> bytes:
    """Returns the value of the record that tells of a crash."""
    return _encoder.encode(crash)


def _progress(value: bytes) -> Progress:
    try:
        progress = _decoder.decode(value)
    except msgspec.DecodeError as error:
        raise StateLost("the progress record of the changelog can not be read") from error
    if progress.format != 1:
        raise StateLost("the changelog was written by a newer version: upgrade this worker")
    return progress
