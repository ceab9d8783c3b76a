"""What people did with the items of catalogues, between those who read events and the database."""

from typing import Literal, NamedTuple

import msgspec

HOUR_MS = 3_600_000
"""What is trending is counted by the hour."""

What = Literal["viewed", "bought"]


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """One event that names items of one catalogue."""

    id: str
    """32 hex digits of person, messageId, catalogue and what: a repeat has the same."""
    partition: int
    """Of `events`."""
    logged_at: int
    """Ms since the epoch, of the record in the log."""
    profile_id: str
    catalogue: str
    what: What
    items: tuple[str, ...]
    """Each once, in the event's order; at least one."""
    at: int
    """Ms since the epoch, when it happened."""
    keeps: int
    """How many items of this kind are remembered of the person."""
    is_trend: bool
    """Whether it counts for what is trending."""

    @property
    def is_counted(self) -> bool:
        """Whether a repeat would change something: what is only remembered is so again."""
        return self.is_trend or (self.what == "bought" and len(self.items) > 1)


class Asked(NamedTuple):
    """Whose of what catalogue."""

    catalogue: str
    profile_id: str


class Interest(NamedTuple):
    """One item that a person viewed or bought, and when last."""

    what: What
    item: str
    at: int


class Rank(NamedTuple):
    """One item, and how often it was counted."""

    item: str
    times: int
