"""Message ids that a profile has seen lately, so that a repeated event changes nothing.

An id is kept as 8 bytes of its hash, beside the log time in seconds as 4 bytes; both oldest first.
"""

from xxhash import xxh3_64_digest

from processors.state.profiles import Profile

WINDOW_S = 7 * 86_400
"""For how much log time an id is remembered, in seconds."""
MAX_IDS = 2_000
"""How many ids of one profile are remembered: the latest."""

ID_BYTES = 8
TIME_BYTES = 4
LATEST_S = (1 << 8 * TIME_BYTES) - 1
"""The latest log time that can be kept: producers set it, and their clocks may say anything."""
_MANY = 64 * ID_BYTES
_TRIM_AT = (MAX_IDS + 256) * ID_BYTES


class Seen:
    """Answers for one profile whether it has had a message, over as many as come in one batch."""

    __slots__ = ("_known", "_profile")

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._known: set[bytes] | None = None

    def add(self, message_id: str, log_s: int) -> bool:
        """Remembers a message; returns False when it was remembered already."""
        profile = self._profile
        digest = xxh3_64_digest(message_id.encode())
        ids = profile.seen
        known = self._known
        if known is None and len(ids) > _MANY:
            view = bytes(ids)
            known = {view[i : i + ID_BYTES] for i in range(0, len(view), ID_BYTES)}
            self._known = known
        if (digest in ids if known is None else digest in known) and self._holds(digest, log_s):
            return False
        if known is not None:
            known.add(digest)
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


def forget(profile: Profile, log_s: int) -> None:
    """Drops the ids that can no longer matter: all that lie before the window."""
    times = profile.seen_at
    count = len(times) // TIME_BYTES
    oldest_s = log_s - WINDOW_S
    keep = 0
    while keep < count:
        place = keep * TIME_BYTES
        if int.from_bytes(times[place : place + TIME_BYTES], "little") > oldest_s:
            break
        keep += 1
    if keep:
        del profile.seen[: keep * ID_BYTES]
        del times[: keep * TIME_BYTES]
