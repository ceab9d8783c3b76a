"""The oracle's instants, against days that were looked up by hand."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tests.oracle.alarms import numbers, strikes, ticks
from tests.oracle.documents import instant_ms, iso
from tests.oracle.logs import DAY, HOUR, SEND, START, after, identify, reasons, run, track, trigger

NEW_YORK, SYDNEY = ZoneInfo("America/New_York"), ZoneInfo("Australia/Sydney")
EVERYBODY = {"bucket": {"salt": "s", "from": 0, "to": 100}}


@pytest.mark.parametrize(
    ("zone", "shown", "expected"),
    [
        (NEW_YORK, "2026-03-08T02:30", "2026-03-08T07:00:00.000Z"),
        (NEW_YORK, "2026-11-01T01:30", "2026-11-01T05:30:00.000Z"),
        (SYDNEY, "2026-10-04T02:30", "2026-10-03T16:00:00.000Z"),
        (SYDNEY, "2026-04-05T02:30", "2026-04-04T15:30:00.000Z"),
        (SYDNEY, "2026-06-01T00:00:01.005", "2026-05-31T14:00:01.005Z"),
    ],
)
def test_clocks_strike_once(zone: ZoneInfo, shown: str, expected: str) -> None:
    assert iso(strikes(datetime.fromisoformat(shown), zone)) == expected


@pytest.mark.parametrize(
    ("field", "expected"),
    [("*", {0, 1, 2, 3, 4, 5, 6}), ("1-3,5", {1, 2, 3, 5}), ("*/3", {0, 3, 6}), ("4/2", {4, 6})],
)
def test_fields_of_cron(field: str, expected: set[int]) -> None:
    assert numbers(field, 0, 6) == expected


def test_ticks_where_clocks_go_back_and_forth() -> None:
    def of_day(expression: str, day: str) -> list[str]:
        begin = instant_ms(f"{day}T00:00:00Z")
        assert begin is not None
        return [iso(at)[11:16] for at in ticks(expression, NEW_YORK, begin // DAY)]

    assert of_day("30 2 * * *", "2026-03-08") == ["07:00"]
    assert of_day("30 1 * * *", "2026-11-01") == ["05:30"]
    assert of_day("0 9 * * SUN", "2026-03-08") == ["13:00"]
    assert of_day("0 9 1 * MON", "2026-06-01") == ["13:00"]
    assert of_day("0 9 1 * MON", "2026-06-02") == []


def test_who_does_nothing_is_noticed_once() -> None:
    result = run([trigger({"inactive": "2d"}, SEND)], [track(1, 0, "a")], 9 * DAY)
    assert [after(row["at"]) for row in result.commands] == [2 * DAY]


def test_dates_and_schedules_wake() -> None:
    documents = [
        trigger({"date": "ends", "offset": "-1d", "at": "09:00"}, SEND, id="day"),
        trigger({"schedule": "0 9 * * *", "audience": EVERYBODY}, SEND, id="tick"),
    ]
    result = run(documents, [identify(1, 0, ends="2026-01-03")], 2 * DAY)
    assert reasons(result) == [("tick", "fired"), ("day", "fired"), ("tick", "fired")]
    assert [after(row["at"]) for row in result.commands] == [9 * HOUR, 33 * HOUR, 33 * HOUR]
    assert instant_ms("2026-01-01T00:00:00Z") == START
