"""When a provider is asked: not while it is away, not more often than it takes.

Pure: each is told what came and what time it is.
"""

import math
from dataclasses import dataclass

ENOUGH = 1 - 1e-9
"""Of what is saved up, for one request: what is added up in parts may miss one by a hair."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How a provider may be asked."""

    rate_per_s: float | None = None
    """Requests of all processes of the channel; None: as many as there are."""
    concurrency: int = 64
    """Requests at once, of this process."""
    is_shared: bool = True
    """Whether all messages go to one place; if not, what one receiver does is no matter of the
    others: no circuit, and no pause for all."""
    failures: int = 5
    """So many in a row open the circuit."""
    open_ms: int = 1_000
    """First time that an open circuit stays so; doubles with each probe that fails."""
    open_max_ms: int = 60_000
    pause_max_ms: int = 600_000
    """As long as a provider may ask to wait."""


class Breaker:
    """The circuit to one provider: closed, open, or half-open while one probe is under way."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._failed = 0
        self._open_until: int | None = None
        self._times_opened = 0
        self._is_probing = False

    @property
    def is_open(self) -> bool:
        """Whether the provider counts as away."""
        return self._open_until is not None

    def wait_ms(self, now: int) -> int | None:
        """Returns in how many ms one may ask, 0 for now; None: when the probe has ended."""
        if self._open_until is None:
            return 0
        if self._is_probing:
            return None
        return max(0, self._open_until - now)

    def begin(self) -> bool:
        """Returns whether what is asked now is the probe; its end must be told."""
        self._is_probing = self.is_open
        return self._is_probing

    def abandon(self) -> None:
        """Takes back a probe that was not made."""
        self._is_probing = False

    def succeed(self) -> None:
        """Closes the circuit: the provider answered."""
        self._failed = self._times_opened = 0
        self._open_until = None
        self._is_probing = False

    def fail(self, now: int, *, is_probe: bool) -> None:
        """Counts a failure of the provider itself; opens the circuit where there are too many."""
        limits = self._limits
        self._failed += 1
        if not limits.is_shared or self._failed < limits.failures:
            return
        if self.is_open and not is_probe:  # was asked before it opened: says nothing new
            return
        whole = min(limits.open_ms << min(self._times_opened, 20), limits.open_max_ms)
        self._times_opened += 1
        self._open_until = now + whole
        self._is_probing = False


class Bucket:
    """Lets requests go at this process's share of a rate; those together that were saved up.

    That is a tenth of a second's worth, or one request. It begins with nothing and grows at the
    share of each instant: those of all processes together let no more go than one would, wherever
    shares move.

    Source: the token bucket (RFC 2697, section 3), with a rate that changes.
    """

    def __init__(self, rate_per_s: float, now: int) -> None:
        self._whole = rate_per_s
        self.rate_per_s = rate_per_s
        """Requests of this process."""
        self._saved = 0.0
        self._saved_at = now

    def share(self, part: float, now: int) -> None:
        """Gives this process another part of the rate from now on, 0 to 1."""
        self._save(now)
        self.rate_per_s = self._whole * part

    def take(self, now: int) -> float:
        """Returns 0 where a request may go: it is taken. Else in how many ms to ask again."""
        self._save(now)
        if self.rate_per_s == 0:
            return math.inf
        if self._saved < ENOUGH:
            return math.ceil((1 - self._saved) / self.rate_per_s * 1000)
        self._saved = max(0.0, self._saved - 1)
        return 0

    def _save(self, now: int) -> None:
        grown = max(0, now - self._saved_at) / 1000 * self.rate_per_s
        self._saved = min(self._saved + grown, max(1.0, self.rate_per_s / 10))
        self._saved_at = now
