"""Message ids that a profile has seen lately, so that a repeated event changes nothing.

An id is kept as 8 bytes of its hash, beside the log time in seconds as 4 bytes; both oldest first.
"""

from struct import unpack

from xxhash import xxh3_64_intdigest

from processors.state.profiles import Profile

WINDOW_S = 7 * 86_400
"""For how much log time an id is remembered, in seconds."""
MAX_IDS = 2_000
"""How many ids of one profile are remembered: the latest."""

ID_BYTES = 8
TIME_BYTES = 4
LATEST_S = (1 << 8 * TIME_BYTES) - 1
"""The latest log time that can be kept: producers set it, and their clocks may say anything."""
_MANY = 256 * ID_BYTES
"""From so many bytes of ids on, a set answers faster than a look through them."""
_TRIM_AT = (MAX_IDS + 256) * ID_BYTES


class Seen:
    """Answers for one profile whether it has had a message, over as many as come.

    Of a profile with many ids, `known` is a copy of them that answers fast. It may outlive the
    profile's own object, as long as it holds all ids that the profile has.
    """

    __slots__ = ("_profile", "known")

    def __init__(self, profile: Profile, known: set[int] | None = None) -> None:
        self._profile = profile
        self.known = known

    def add(self, message_id: str, log_s: int) -> bool:
        """Remembers a message; returns False when it was remembered already."""
        profile = self._profile
        number = xxh3_64_intdigest(message_id.encode())
        digest = number.to_bytes(ID_BYTES, "big")
        ids = profile.seen
        known = self.known
        if known is None and len(ids) > _MANY:
            known = self.known = set(_numbers(ids))
        if known is None:
            if digest in ids and self._holds(digest, log_s):
                return False
        elif number in known:
            if self._holds(digest, log_s):
                return False
        else:
            known.add(number)
        ids += digest
        if not 0 <= log_s <= LATEST_S:
            log_s = min(max(log_s, 0), LATEST_S)
        profile.seen_at += log_s.to_bytes(TIME_BYTES, "little")
        if len(ids) > _TRIM_AT:
            self._trim()
        return True

    def _holds(self, digest: bytes, log_s: int) -> bool:
        """Returns whether the id is among the latest, inside the window, and no overlap."""
        ids, times = self._profile.seen, self._profile.seen_at
        at = ids.rfind(digest)
        while at >= 0 and at % ID_BYTES:
            at = ids.rfind(digest, 0, at + ID_BYTES - 1)
        if at < 0 or len(ids) - at > MAX_IDS * ID_BYTES:
            return False
        place = at // ID_BYTES * TIME_BYTES
        seen_s = int.from_bytes(times[place : place + TIME_BYTES], "little")
        return log_s < seen_s + WINDOW_S

    def _trim(self) -> None:
        profile = self._profile
        del profile.seen[: -MAX_IDS * ID_BYTES]
        del profile.seen_at[: -MAX_IDS * TIME_BYTES]
        self.known = None


def _numbers(ids: bytearray) -> tuple[int, ...]:
    return unpack(f">{len(ids) // ID_BYTES}Q", ids)


def forget(profile: Profile, log_s: int) -> None:
    """Drops the ids that can no longer matter: all that lie before the window."""
    times = profile.seen_at
    oldest_s = log_s - WINDOW_S
    if int.from_bytes(times[:TIME_BYTES], "little") > oldest_s:
        return
    count = len(times) // TIME_BYTES
    keep = 0
    while keep < count:
        place = keep * TIME_BYTES
        if int.from_bytes(times[place : place + TIME_BYTES], "little") > oldest_s:
            break
        keep += 1
    if keep:
        del profile.seen[: keep * ID_BYTES]
        del times[: keep * TIME_BYTES]
