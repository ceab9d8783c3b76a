"""Where the tests find the thirty days of offers and purchases; the data is not in the project."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.starbucks.convert import convert

ROOT = Path(__file__).resolve().parents[2]
DEFINITIONS = ROOT / "examples" / "starbucks" / "definitions"


def source() -> Path:
    """Returns the folder of the source's files; skips the test where there is none."""
    data = Path(os.environ.get("BECKON_TEST_DATA", "../shared/data"))
    folder = (ROOT / data / "starbucks").resolve()
    if not (folder / "transcript.json.zst").exists() and not (folder / "transcript.json").exists():
        pytest.skip(
            f"no Starbucks data in {data}/starbucks (BECKON_TEST_DATA names another folder)"
        )
    return folder


def events(*, profiles: bool = False, cohorts: bool = False) -> Iterator[dict[str, Any]]:
    """Yields the source as Segment events."""
    return convert(source(), profiles=profiles, cohorts=cohorts)
