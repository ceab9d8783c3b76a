"""Time zones: gaps, hours that come twice, and names."""

from datetime import datetime, timedelta, tzinfo

import pytest

from processors.definitions import durations, zones

NEW_YORK, SYDNEY, LORD_HOWE, APIA = (
    "America/New_York",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Apia",
)


def zone(name: str) -> tzinfo:
    found = zones.find(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "shown", "expected"),
    [
        ("UTC", "2026-03-08T02:30", "2026-03-08T02:30:00Z"),
        (NEW_YORK, "2026-01-01T09:00", "2026-01-01T14:00:00Z"),
        (NEW_YORK, "2026-07-01T09:00", "2026-07-01T13:00:00Z"),
        # forward, from 02:00 to 03:00
        (NEW_YORK, "2026-03-08T01:59", "2026-03-08T06:59:00Z"),
        (NEW_YORK, "2026-03-08T02:00", "2026-03-08T07:00:00Z"),
        (NEW_YORK, "2026-03-08T02:30", "2026-03-08T07:00:00Z"),
        (NEW_YORK, "2026-03-08T03:00", "2026-03-08T07:00:00Z"),
        (NEW_YORK, "2026-03-08T03:01", "2026-03-08T07:01:00Z"),
        # back, from 02:00 to 01:00
        (NEW_YORK, "2026-11-01T00:59", "2026-11-01T04:59:00Z"),
        (NEW_YORK, "2026-11-01T01:00", "2026-11-01T05:00:00Z"),
        (NEW_YORK, "2026-11-01T01:59", "2026-11-01T05:59:00Z"),
        (NEW_YORK, "2026-11-01T02:00", "2026-11-01T07:00:00Z"),
        # in the south it is the other way round
        (SYDNEY, "2026-04-05T02:30", "2026-04-04T15:30:00Z"),
        (SYDNEY, "2026-10-04T02:30", "2026-10-03T16:00:00Z"),
        # by half an hour
        (LORD_HOWE, "2026-10-04T02:10", "2026-10-03T15:30:00Z"),
        (LORD_HOWE, "2026-04-05T01:45", "2026-04-04T14:45:00Z"),
        # a whole day left out
        (APIA, "2011-12-30T12:00", "2011-12-30T10:00:00Z"),
    ],
)
def test_a_local_time_is_one_instant(name: str, shown: str, expected: str) -> None:
    found = zones.instant(datetime.fromisoformat(shown), zone(name))
    assert found == durations.parse_instant(expected)


@pytest.mark.parametrize("name", [NEW_YORK, SYDNEY, LORD_HOWE])
def test_no_local_time_comes_before_an_earlier_one(name: str) -> None:
    start = datetime.fromisoformat("2026-01-01")
    shown = [start + timedelta(minutes=7 * place) for place in range(76_000)]
    found = [zones.instant(each, zone(name)) for each in shown]
    assert found == sorted(found)


def test_what_clocks_show_has_no_zone_and_keeps_the_milliseconds() -> None:
    at_ms = durations.parse_instant("2026-11-01T06:30:00.123Z")
    shown = zones.local(at_ms, zone(NEW_YORK))
    assert (shown.isoformat(), shown.fold) == ("2026-11-01T01:30:00.123000", 0)


@pytest.mark.parametrize(
    "name", ["", "New York", "america/new_york", "../UTC", "America", "localtime", "x\0", None, 5]
)
def test_names_of_no_zone_are_none(name: object) -> None:
    assert zones.find(name) is None


def test_times_of_day() -> None:
    assert zones.clock("23:59").isoformat() == "23:59:00"
    for text in ("24:00", "9:00", "09:60", "09:00:00", "", " 09:00"):
        with pytest.raises(ValueError, match="not a time of day"):
            zones.clock(text)
