"""Message ids that a profile has seen lately, so that a repeated event changes nothing.

An id is kept as 60 bits of its hash in 8 bytes, beside the log time in seconds as 4 bytes; both
oldest first. The profile itself has the latest ids. Older ones leave it page by page, since it is
written anew with each batch that touches it, and a page only once.
"""

from collections.abc import Iterator, Mapping
from struct import Struct, unpack

from xxhash import xxh3_64_intdigest

from processors.state.profiles import Profile

WINDOW_S = 7 * 86_400
"""For how much log time an id is remembered, in seconds."""
MAX_IDS = 2_000
"""How many ids of one profile are remembered: the latest."""

ID_BYTES = 8
TIME_BYTES = 4
_TIME = Struct("<I")
LATEST_S = (1 << 8 * TIME_BYTES) - 1
"""The latest log time that can be kept: producers set it, and their clocks may say anything."""
PAGE_IDS = 128
MAX_PAGES = 15
"""Of one profile, a ring: with the page's worth that stays in the profile, enough for all ids."""
SET_PAGES = 8
"""From so many pages on, a set of all ids is worth its room: it is made when the next one turns."""
_BITS = (1 << 60) - 1
"""Larger numbers take half as much more room in Python."""
_PAGE_END = PAGE_IDS * ID_BYTES

MAX_KNOWN = MAX_IDS + 4 * PAGE_IDS
"""How many ids a set may hold before those that were forgotten are taken out."""

Pages = Mapping[int, bytes]
"""By place in the ring: the ids of a page, then their times."""
NO_PAGES: Pages = {}


class Seen:
    """Answers for one profile whether it has had a message, over as many as come.

    Of a profile with very many ids, `known` is a set of them, and of some that were forgotten.
    """

    __slots__ = ("_ids", "_pages", "_profile", "_times", "known", "turned")

    def __init__(self, profile: Profile, pages: Pages = NO_PAGES) -> None:
        self._profile = profile
        self._ids = profile.seen
        self._times = profile.seen_at
        self._pages = pages
        self.known: set[int] | None = None
        self.turned: dict[int, bytes] | None = None
        """The pages that have left the profile, by place; None as long as there are none."""

    def add(self, message_id: str, log_s: int) -> bool:
        """Remembers a message; returns False when it was remembered already."""
        number = xxh3_64_intdigest(message_id.encode()) & _BITS
        digest = number.to_bytes(ID_BYTES, "big")
        ids, known = self._ids, self.known
        if known is None:
            has = ids.find(digest) >= 0 or (self._pages and self._is_on_page(digest))
            if has and self._holds(digest, log_s):
                return False
        elif number in known:
            if self._holds(digest, log_s):
                return False
        else:
            known.add(number)
        ids += digest
        if not 0 <= log_s <= LATEST_S:
            log_s = min(max(log_s, 0), LATEST_S)
        times = self._times
        times += _TIME.pack(log_s)
        if len(ids) >= 2 * _PAGE_END:
            self._turn()
        return True

    def _turn(self) -> None:
        """Moves the profile's older ids to a page, in the place of the oldest one."""
        ids, times = self._ids, self._times
        page = bytes(ids[:_PAGE_END] + times[: PAGE_IDS * TIME_BYTES])
        del ids[:_PAGE_END]
        del times[: PAGE_IDS * TIME_BYTES]
        place = self._profile.pages % MAX_PAGES
        self._profile.pages += 1
        self._pages = {**self._pages, place: page}
        self.turned = {**(self.turned or {}), place: page}
        if len(self._pages) >= SET_PAGES and not 0 < len(self.known or ()) <= MAX_KNOWN:
            self.known = self._numbers()

    def _is_on_page(self, digest: bytes) -> bool:
        return any(page.find(digest, 0, _PAGE_END) >= 0 for page in self._pages.values())

    def _holds(self, digest: bytes, log_s: int) -> bool:
        """Returns whether the id is among the latest, inside the window, and no overlap."""
        later = 0
        for ids, times in self._newest_first():
            at = ids.rfind(digest)
            while at >= 0 and at % ID_BYTES:
                at = ids.rfind(digest, 0, at + ID_BYTES - 1)
            if at >= 0:
                if later + (len(ids) - at) // ID_BYTES > MAX_IDS:
                    return False
                seen_s = _TIME.unpack_from(times, at // ID_BYTES * TIME_BYTES)[0]
                return bool(log_s < seen_s + WINDOW_S)
            later += len(ids) // ID_BYTES
        return False

    def _newest_first(self) -> Iterator[tuple[bytes | bytearray, bytes | bytearray]]:
        yield self._ids, self._times
        latest = self._profile.pages - 1
        for number in range(latest, latest - len(self._pages), -1):
            page = self._pages[number % MAX_PAGES]
            yield page[:_PAGE_END], page[_PAGE_END:]

    def _numbers(self) -> set[int]:
        numbers = set(unpack(f">{len(self._ids) // ID_BYTES}Q", self._ids))
        for page in self._pages.values():
            numbers.update(unpack(f">{PAGE_IDS}Q", page[:_PAGE_END]))
        return numbers


def forget(profile: Profile, log_s: int) -> None:
    """Drops the ids that can no longer matter: all that lie before the window.

    Those on pages are left until their place in the ring is taken: they are looked at by time.
    """
    times = profile.seen_at
    oldest_s = log_s - WINDOW_S
    count = len(times) // TIME_BYTES
    keep = 0
    while keep < count and _TIME.unpack_from(times, keep * TIME_BYTES)[0] <= oldest_s:
        keep += 1
    if keep:
        del profile.seen[: keep * ID_BYTES]
        del times[: keep * TIME_BYTES]
