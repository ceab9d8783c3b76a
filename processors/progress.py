"""Progress of long work: a live line on a terminal, a plain one now and then elsewhere."""

import sys
import time
from types import TracebackType
from typing import Self

EVERY_S = 0.2
PLAIN_EVERY_S = 5.0


class Progress:
    """Tells on standard error how many are done, and how fast."""

    def __init__(self, verb: str, noun: str) -> None:
        self._verb = verb
        self._noun = noun
        self._count = 0
        self._live = sys.stderr.isatty()
        self._started_s = self._told_s = time.monotonic()

    def __call__(self, count: int) -> None:
        """Takes how many are done by now."""
        self._count = count
        now_s = time.monotonic()
        if now_s - self._told_s >= (EVERY_S if self._live else PLAIN_EVERY_S):
            self._told_s = now_s
            self._tell(now_s)

    def __enter__(self) -> Self:
        """Begins."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Tells the last state."""
        self._tell(time.monotonic())
        if self._live:
            sys.stderr.write("\n")

    def _tell(self, now_s: float) -> None:
        per_s = self._count / max(now_s - self._started_s, 0.001)
        text = f"{self._verb} {self._count:,} {self._noun}, {per_s:,.0f}/s"
        sys.stderr.write(f"\r{text}\x1b[K" if self._live else f"{text}\n")
        sys.stderr.flush()
