"""When a provider is asked: not while it is away, not more often than it takes.

Pure: each is told what came and what time it is.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How a provider may be asked."""

    rate_per_s: float | None = None
    """Requests of this process; None: as many as there are."""
    concurrency: int = 64
    """Requests at once."""
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
    """Spaces requests: a tenth of a second's worth may go together.

    Source: the generic cell rate algorithm (ITU-T I.371) as a virtual schedule.
    """

    def __init__(self, rate_per_s: float | None) -> None:
        self._interval_ms = 0.0 if rate_per_s is None else 1000 / rate_per_s
        self._burst_ms = max(100.0 - self._interval_ms, 0.0)
        self._next_ms = 0.0

    def take(self, now: int) -> float:
        """Returns how many ms to wait; the place is taken, whether or not it is used."""
        at = max(self._next_ms, now - self._burst_ms)
        self._next_ms = at + self._interval_ms
        return max(0.0, at - now)
