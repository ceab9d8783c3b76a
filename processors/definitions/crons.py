"""Cron expressions: at which local times a schedule ticks, and which instants those are."""

from datetime import datetime, timedelta, tzinfo

from cronsim import CronSim, CronSimError

from processors.definitions import zones

FIELDS = "minute, hour, day of month, month, day of week"
YEARS = 8
"""A schedule must tick within so many: in these there is a 29 February."""
_START = datetime(2024, 1, 1)  # noqa: DTZ001 - what clocks show, wherever they are
_END = _START + timedelta(days=366 * YEARS)


def check(text: str) -> None:
    """Checks an expression.

    Raises:
        ValueError: it is none, or names no day that comes within eight years.
    """
    if len(text.split()) != len(FIELDS.split(",")):
        raise ValueError(f"five fields: {FIELDS}")
    try:
        first = next(CronSim(text, _START), None)
    except CronSimError as error:
        raise ValueError(str(error).lower().replace("-", " ")) from error
    if first is None or first > _END:
        raise ValueError(f"no such day within {YEARS} years")


class Cron:
    """The ticks of one expression. Remembers the latest answer for each zone."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._known: dict[tzinfo, tuple[int, int]] = {}

    def next_tick(self, after_ms: int, zone: tzinfo) -> int:
        """Returns the first instant after another at which it ticks, in ms.

        Where clocks go forward, what would come in the gap comes at its end, once; where they go
        back, nothing comes again.
        """
        known = self._known.get(zone)
        if known is not None and known[0] <= after_ms < known[1]:
            return known[1]
        shown = CronSim(self.text, zones.local(after_ms, zone))
        found = next(at for each in shown if (at := zones.instant(each, zone)) > after_ms)
        self._known[zone] = (after_ms, found)
        return found
