"""The table of one partition: each profile as bytes, and when the clock next has work to do.

What is in the table is committed. A batch works on a copy of what it touches (see batches).
"""

import zlib
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from processors.runtime import wakes
from processors.runtime.errors import StateLost
from processors.runtime.wakes import Wakes, wake_of
from processors.state import profiles
from processors.state.duplicates import ID_BYTES, Pages, Seen
from processors.state.profiles import NEVER, Profile
from schemas.relays import ACCOUNT_KEY

WAKE_BYTES = wakes.WAKE_BYTES
MANY_BYTES = 64 * ID_BYTES
"""A profile with so many bytes of message ids is busy: kept decoded from batch to batch."""
MAX_BUSY_BYTES = 2_000_000
"""How much memory such profiles of a partition may take, roughly."""
BUSY_BYTES = 3_000
"""What one takes, and"""
KNOWN_BYTES = 80
"""what each of its message ids adds where they are in a set."""
SPARE = 1_000
"""By how many entries the index may have more than twice the profiles: timers moved leave some."""
PROGRESS_KEY = b"\x00progress"
"""Key of the record beside the profiles that says how far the partition is. No id begins so."""
CRASH_KEY = b"\x00crash"
"""Key of the record that says on which event a worker broke down last."""
ADOPTION_KEY = b"\x00adoption"
"""Key of the record that holds the definitions by which the partition is decided."""


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
    adopted: int = 0
    """As of when everybody came under it, ms: no timer was due by then, and no event lay beyond."""


class Crash(msgspec.Struct, array_like=True):
    """A record on which a worker broke down: a bug, since bad input has reasons of its own."""

    offset: int = -1
    times: int = 0


class Span(msgspec.Struct, array_like=True, frozen=True):
    """The part of `events` that was read back for a definition set."""

    keys: tuple[str, ...]
    """What was counted there."""
    until: int
    """The offset up to which it was read, and at which the set took over."""
    end: int
    """Before it, records that triggers told under the set before may lie."""


class Adoption(msgspec.Struct, array_like=True, frozen=True):
    """The definitions by which a partition is decided, until it takes up others."""

    definitions: str
    """Id of the set."""
    written: bytes
    """Its documents."""
    span: Span | None = None
    """What was read back for it."""

    def documents(self) -> list[Any]:
        """Returns what the set is made from."""
        found: list[Any] = msgspec.json.decode(zlib.decompress(self.written))
        return found


def adoption(definitions: str, documents: Iterable[Any], span: Span | None = None) -> Adoption:
    """Returns what is to be remembered of a definition set that takes over."""
    return Adoption(definitions, zlib.compress(msgspec.json.encode([*documents]), 1), span)


_RESERVED = b"\x00"
_PAGE = b"\x00page"
"""Begins the keys of the pages of message ids; a byte for the place, then the profile's id."""


class Loaded:
    """A profile, decoded."""

    __slots__ = ("id", "offset", "profile", "seen", "wake", "weight")

    def __init__(self, profile: Profile, wake: int, seen: Seen) -> None:
        self.id = profile.id
        self.offset = profile.offset
        self.profile = profile
        self.seen = seen
        self.wake = wake
        """When the index has an entry for it."""
        self.weight = 0


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
        self.adoption: Adoption | None = None
        self.fill: Callable[[Profile], None] | None = None
        """Lays what was read back into a profile, until everybody has been evaluated."""
        self.outdated: list[str] = []
        """Profiles that have not been evaluated under the active definitions yet."""
        self.pages: dict[str, Pages] = {}
        """Older message ids, of profiles with many."""
        self.accounts: dict[str, bytes] = {}
        """What the people of accounts have told them, by the account's id."""
        self.busy: dict[str, Loaded] = {}
        """Profiles that most batches touch, decoded; a cache, bounded."""
        self._weight = 0
        """About how many bytes they take."""
        self._sized = (0, 0)
        """How many profiles there were when their bytes were added up, and the sum."""
        self._wakes = Wakes(self.profiles)

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Takes one record of the changelog, in its order; `restored` ends it.

        Raises:
            StateLost: it is of a layout that this version does not know.
        """
        if key.startswith(_RESERVED):
            self._restore_reserved(key, value)
        elif value is None:
            self.profiles.pop(key.decode(), None)
        else:
            self.profiles[key.decode()] = value

    def _restore_reserved(self, key: bytes, value: bytes | None) -> None:
        if key == PROGRESS_KEY:
            if value is not None:
                self.progress = _progress(value)
        elif key == ADOPTION_KEY:
            self.adoption = None if value is None else _adoption_decoder.decode(value)
        elif key == CRASH_KEY:
            self.crash = Crash() if value is None else _crash_decoder.decode(value)
        elif key.startswith(ACCOUNT_KEY):
            self._restore_account(key[len(ACCOUNT_KEY) :].decode(), value)
        elif key.startswith(_PAGE) and value is not None:
            place, profile_id = key[len(_PAGE)], key[len(_PAGE) + 1 :].decode()
            self.put_pages(profile_id, {place: value})

    def _restore_account(self, account: str, value: bytes | None) -> None:
        if value is None:
            self.accounts.pop(account, None)
        else:
            self.accounts[account] = value

    def restored(self) -> None:
        """Builds the index of timers."""
        self._build_index()
        if not self.progress.is_settled:
            self.outdated = list(self.profiles)

    def _build_index(self) -> None:
        self._wakes = Wakes(self.profiles)
        for profile_id, value in self.profiles.items():
            if (wake := wake_of(value)) < NEVER:
                self._wakes.add(profile_id, wake)

    def adopt(self, adopted: Adoption, fill: Callable[[Profile], None]) -> None:
        """Has other definitions take over from the next batch on, with what was read back for them.

        Args:
            adopted: what is remembered of them.
            fill: lays what was read back into a profile.
        """
        self.adoption, self.fill = adopted, fill
        self.busy.clear()
        self._weight = 0

    @property
    def size_bytes(self) -> int:
        """How many bytes the stored profiles have, roughly: added up when many have come."""
        count = len(self.profiles)
        if abs(count - self._sized[0]) * 20 >= count:
            pages = sum(len(page) for pages in self.pages.values() for page in pages.values())
            accounts = sum(map(len, self.accounts.values()))
            self._sized = (count, sum(map(len, self.profiles.values())) + pages + accounts)
        return self._sized[1]

    def profile(self, profile_id: str) -> Profile | None:
        """Returns a profile as it is stored, decoded anew; None where there is none.

        Raises:
            UnreadableProfile: its bytes are of another layout.
        """
        stored = self.profiles.get(profile_id)
        return None if stored is None else profiles.decode(profile_id, stored[WAKE_BYTES:])

    def put_all(self, stored: Iterable[Stored]) -> None:
        """Stores profiles."""
        held, index = self.profiles, self._wakes
        for profile_id, value, wake in stored:
            held[profile_id] = value
            if wake is not None:
                index.add(profile_id, wake)
        if len(index) > 2 * len(held) + SPARE:
            self._build_index()

    def put_pages(self, profile_id: str, turned: Pages) -> None:
        """Stores pages of message ids, in the places of older ones."""
        self.pages[profile_id] = {**self.pages.get(profile_id, {}), **turned}

    def keep(self, loaded: Loaded) -> None:
        """Keeps a busy profile decoded for the next batch, in the place of those idle longest."""
        self.release(loaded.id)
        self.busy[loaded.id] = loaded
        loaded.weight = BUSY_BYTES + KNOWN_BYTES * len(loaded.seen.known or ())
        self._weight += loaded.weight
        while self._weight > MAX_BUSY_BYTES:
            self.release(next(iter(self.busy)))

    def release(self, profile_id: str) -> None:
        """Keeps a profile as bytes only."""
        found = self.busy.pop(profile_id, None)
        if found is not None:
            self._weight -= found.weight

    def next_wake(self) -> int:
        """Returns the earliest instant at which a timer may be due."""
        return self._wakes.next()

    def take_due(self, until_ms: int, limit: int) -> list[str]:
        """Returns profiles whose wake time has come, and takes them from the index.

        It may be none though some are due, where very many are: ask again then. Whoever takes
        them puts them back under their next wake time, or calls `return_due`.
        """
        return self._wakes.take(until_ms, limit)

    def return_due(self, profile_ids: list[str]) -> None:
        """Puts back what was taken, after a batch that came to nothing."""
        for profile_id in profile_ids:
            value = self.profiles.get(profile_id)
            if value is not None:
                self._wakes.add(profile_id, wake_of(value))

    def due(self, until_ms: int) -> int:
        """Returns how many entries of the index are due at an instant."""
        return self._wakes.due(until_ms)

    @property
    def pending(self) -> int:
        """How many entries the index of timers has."""
        return len(self._wakes)


def page_key(profile_id: str, place: int) -> bytes:
    """Returns the key of a page of message ids in the changelog."""
    return _PAGE + bytes((place,)) + profile_id.encode()


def is_profile(key: bytes) -> bool:
    """Returns whether a record of the changelog with this key is somebody's profile."""
    return not key.startswith(_RESERVED)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Progress)
_crash_decoder = msgspec.msgpack.Decoder(Crash)
_adoption_decoder = msgspec.msgpack.Decoder(Adoption)


def encode_progress(progress: Progress) -> bytes:
    """Returns the value of the progress record."""
    return _encoder.encode(progress)


def encode_crash(crash: Crash) -> bytes:
    """Returns the value of the record that tells of a crash."""
    return _encoder.encode(crash)


def encode_adoption(adopted: Adoption) -> bytes:
    """Returns the value of the record that holds the definitions."""
    return _encoder.encode(adopted)


def _progress(value: bytes) -> Progress:
    try:
        progress = _decoder.decode(value)
    except msgspec.DecodeError as error:
        raise StateLost("the progress record of the changelog can not be read") from error
    if progress.format != 1:
        raise StateLost("the changelog was written by a newer version: upgrade this worker")
    return progress
