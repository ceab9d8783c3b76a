"""Durations and instants become ms, and nothing near them does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.definitions import durations


@pytest.mark.parametrize(
    ("text", "length_ms"),
    [
        ("90s", 90_000),
        ("15m", 900_000),
        ("2h", 7_200_000),
        ("7d", 604_800_000),
        ("4w", 2_419_200_000),
        ("3650d", durations.MAX_MS),
    ],
)
def test_duration_is_read_in_ms(text: str, length_ms: int) -> None:
    assert durations.parse(text) == length_ms


@pytest.mark.parametrize(
    "text",
    ["", "0s", "-1d", "+1d", "7", "d", "7D", "7 d", " 7d", "7d\n", "1.5h", "07d", "1y", "3651d",
     "9999999999w", "99999999999s", "\u0667d", "1d12h"],
)  # fmt: skip
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|ten years"):
        durations.parse(text)


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00Z", 0),
        ("2026-01-31T08:00:00+01:00", 1_769_842_800_000),
        ("2023-11-14T22:13:20.123Z", 1_700_000_000_123),
        ("2023-11-14T22:13:20.123999999Z", 1_700_000_000_123),
        ("1969-12-31T23:59:59.999Z", -1),
        ("0001-01-01T00:00:00+14:00", -62_135_647_200_000),
        ("9999-12-31T23:59:59.999-14:00", 253_402_351_199_999),
    ],
)
def test_instant_is_read_in_ms(text: str, at_ms: int) -> None:
    assert durations.parse_instant(text) == at_ms


@pytest.mark.parametrize(
    "text",
    ["", "2026-01-31", "2026-01-31T08:00:00", "2026-01-31 08:00:00Z", "2026-02-30T00:00:00Z",
     "2026-01-31T24:01:00Z", "2026-01-31T08:00:60Z", "20260131T080000Z", "2026-W05-6T08:00Z",
     "2026-01-31T08:00:00z", "2026-01-31T08:00:00+0100", "0000-01-01T00:00:00Z",
     "2026-01-31T08:00:00Z\n", "2026-01-31T08:00:00+24:00"],
)  # fmt: skip
def test_anything_else_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        durations.parse_instant(text)


@given(st.integers(1, 3_650), st.sampled_from("smhd"))
def test_longer_text_is_longer_time(count: int, unit: str) -> None:
    assert durations.parse(f"{count}{unit}") == count * durations.UNITS_MS[unit]
