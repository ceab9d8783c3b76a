"""What is asked of the time: days of the week, hours, and days that are left out."""

from datetime import time
from typing import Annotated, Any, ClassVar

from pydantic import Field, PlainValidator

from processors.definitions import values
from processors.definitions.parts import Faults, Part

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _day(raw: Any) -> int:
    if not isinstance(raw, str) or raw not in DAYS:
        raise values.fault(f"must be one of {', '.join(DAYS)}", raw)
    return DAYS.index(raw)


Days = Annotated[tuple[Annotated[int, PlainValidator(_day)], ...], values.Filled]
"""Days of the week; 0 is Monday."""


class LocalTime(Part):
    """When clocks show a time of day, on some days."""

    days: Days = tuple(range(len(DAYS)))
    start: values.Clock = Field(default=time(), alias="from")
    """Inside."""
    end: values.Clock | None = Field(default=None, alias="to")
    """Outside; None: the end of the day."""
    timezone: values.Zone = "UTC"
    holidays: Annotated[tuple[values.Day, ...], values.Listed] = ()
    """Days that are left out."""

    hints: ClassVar = {"zone": "timezone", "except": "holidays", "until": "to"}

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that the hours are not empty."""
        start, end = raw.get("from", "00:00"), raw.get("to")
        if isinstance(start, str) and isinstance(end, str) and start >= end:
            said = "from must lie before to; for a night join two conditions by any"
            faults.add((), f"{said}, found from {start} to {end}")
        return raw


class TimeCondition(Part):
    """Whether it is such a time now."""

    local_time: LocalTime
