"""Conditions on the time: how they are read, and what each mistake brings."""

from datetime import date, time
from typing import Any

import pytest

from processors.definitions.hours import LocalTime
from tests.unit.definitions.builders import problems, segment


def test_hours_are_read() -> None:
    found = LocalTime.model_validate(
        {
            "days": ["mon", "sun"],
            "from": "09:00",
            "to": "17:30",
            "timezone": "Europe/Berlin",
            "holidays": ["2026-12-25"],
        }
    )
    assert (found.days, found.start, found.end) == ((0, 6), time(9), time(17, 30))
    assert (found.timezone, found.holidays) == ("Europe/Berlin", (date(2026, 12, 25),))


def test_unsaid_is_every_day_from_its_begin_to_its_end() -> None:
    found = LocalTime.model_validate({})
    assert (found.days, found.start, found.end) == (tuple(range(7)), time(), None)
    assert (found.timezone, found.holidays) == ("UTC", ())


BAD: list[tuple[Any, list[str]]] = [
    ({"days": ["mon", "Tuesday"]},
     ["days[1]: must be one of mon, tue, wed, thu, fri, sat, sun, "
      'found the text "Tuesday"']),
    ({"days": []}, ["days: must be a list with at least one item, found a list"]),
    ({"from": "9:00"}, ['from: must be a time of day such as "09:00", found the text "9:00"']),
    ({"from": "22:00", "to": "06:00"},
     ["from must lie before to; for a night join two conditions by any, "
      "found from 22:00 to 06:00"]),
    ({"to": "00:00"},
     ["from must lie before to; for a night join two conditions by any, "
      "found from 00:00 to 00:00"]),
    ({"timezone": "Mars"},
     ["timezone: must be profile, or a time zone such as America/New_York, "
      'found the text "Mars"']),
    ({"holidays": ["2026-02-30", "25.12."]},
     ['holidays[0]: must be a day such as 2026-12-25, found the text "2026-02-30"',
      'holidays[1]: must be a day such as 2026-12-25, found the text "25.12."']),
    ({"except": ["2026-12-25"]}, ["except: unknown key; did you mean holidays?"]),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "expected"), BAD, ids=[str(asked) for asked, _ in BAD])
def test_mistake_brings_one_plain_message(asked: Any, expected: list[str]) -> None:
    found = problems(segment({"local_time": asked}))
    assert found == [
        f"when.local_time{': ' if each.startswith('from must') else '.'}{each}" for each in expected
    ]
