"""The wall clock: its one home. Everything else is handed the time, or a `ports.Clock`."""

import time


class WallClock:
    """The machine's clock, a `ports.Clock`."""

    def now_ms(self) -> int:
        """Returns the time in ms since the epoch."""
        return time.time_ns() // 1_000_000
