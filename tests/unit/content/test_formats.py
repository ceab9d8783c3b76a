"""Money, numbers and dates, as they are written where the person lives."""

from typing import Any

import pytest

from processors.content import formats, liquids
from processors.content.liquids import Environment
from schemas.errors import Unsendable

ENVIRONMENT = Environment({}, is_html=False)


def said(source: str, place: str = "en", zone: str = "UTC", **data: Any) -> str:
    compiled = liquids.compile(ENVIRONMENT, source)
    told = {formats.LOCALE: formats.locale(place), formats.ZONE: formats.zone(zone)}
    return liquids.render(compiled, data | told).replace("\u202f", " ").replace("\xa0", " ")


@pytest.mark.parametrize(
    ("source", "place", "written"),
    [
        ("{{ 1234.5 | money: 'EUR' }}", "en", "€1,234.50"),
        ("{{ 1234.5 | money: 'eur' }}", "de", "1.234,50 €"),
        ("{{ 1234.5 | money: 'JPY' }}", "en", "¥1,234"),
        ("{{ '19.90' | money: 'USD' }}", "en", "$19.90"),
        ("{{ 0.1 | plus: 0.2 | money: 'EUR' }}", "en", "€0.30"),
        ("{{ 2 | money }}", "en", "CHF2.00"),
        ("{{ 1234567.891 | number }}", "de", "1.234.567,891"),
        ("{{ 1234.5 | number: 0 }}", "en", "1,234"),
        ("{{ 3 | number: 2 }}", "fr", "3,00"),
        ("{{ 0.25 | percent }}", "en", "25%"),
        ("{{ d | date }}", "en", "Mar 1, 2026"),
        ("{{ d | date: 'full' }}", "de", "Sonntag, 1. März 2026"),
        ("{{ d | date: '%d. %B %Y' }}", "de", "01. März 2026"),
        ('{{ d | date: "%-d/%-m/%y, 100%% o\'clock" }}', "en", "1/3/26, 100% o'clock"),
        ("{{ d | date: 'yyyy-MM-dd' }}", "en", "2026-03-01"),
        ("{{ d | time }}", "en", "11:30 PM"),
        ("{{ d | time: 'HH:mm' }}", "en", "23:30"),
        ("{{ d | datetime: 'short' }}", "de", "01.03.26, 23:30"),
        ("{{ d | datetime: '%H:%M %Y' }}", "de", "23:30 2026"),
        ("{{ 1772407800 | date }}", "en", "Mar 1, 2026"),
        ("{{ 1772407800000 | datetime: 'short' }}", "en", "3/1/26, 11:30 PM"),
        ("{{ '2026-03-01' | date: 'short' }}", "en", "3/1/26"),
        ("{{ 'Ab' | upper }}{{ 'Ab' | lower }}", "en", "ABab"),
    ],
)
def test_written_as_the_locale_has_it(source: str, place: str, written: str) -> None:
    assert said(source, place, d="2026-03-01T23:30:00Z", currency="CHF") == written


def test_days_are_those_of_the_persons_zone() -> None:
    at = "2026-03-01T23:30:00Z"
    assert said("{{ d | date }}", zone="Europe/Berlin", d=at) == "Mar 2, 2026"
    assert said("{{ d | date }}", zone="Mars/Base", d=at) == "Mar 1, 2026"
    assert said("{{ d | time }}", zone="Europe/Berlin", d="2026-07-01T10:00") == "12:00 PM"
    assert said("{{ d | date }}", zone="America/New_York", d="2026-03-01") == "Mar 1, 2026"


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'x' | money: 'EUR' }}", "{{ true | number }}", "{{ 'NaN' | number }}",
        "{{ 'Infinity' | number }}", "{{ '1e99' | number }}", "{{ 1 | number: 99 }}",
        "{{ 1 | number: 'x' }}", "{{ 1 | money: 'EURO' }}", "{{ 1 | money }}",
        "{{ 'now' | date }}", "{{ 'x' | date }}", "{{ 1 | date: '' }}", "{{ 1 | date: '%Q' }}",
        "{{ huge | date }}", "{{ true | date }}", "{{ long | number }}", "{{ long | date }}",
        "{{ 1 | date: long }}", "{{ 1 | date: 3 }}",
    ],
)  # fmt: skip
def test_what_is_no_number_and_no_date_is_held(source: str) -> None:
    with pytest.raises(Unsendable, match="template-broken"):
        said(source, long="1" * 5_000, huge=1e300)


@pytest.mark.parametrize("source", ["{{ nope | money: 'EUR' }}", "{{ nope | date }}"])
def test_missing_value_is_named_by_filters_too(source: str) -> None:
    with pytest.raises(Unsendable, match="variable-missing: nope"):
        said(source)


def test_unknown_locale_is_none() -> None:
    assert formats.locale("xx-YY") is None
    assert formats.locale("../etc") is None
    assert str(formats.locale("de-AT")) == "de_AT"
