"""Where the tests find the thirty days of offers and purchases; the data is not in the project."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from examples.starbucks.convert import convert
from tests import sources

ROOT = sources.ROOT
DEFINITIONS = ROOT / "examples" / "starbucks" / "definitions"


def source() -> Path:
    """Returns the folder of the source's files; skips the test where there is none."""
    return sources.source("starbucks", "transcript.json")


def events(*, profiles: bool = False, cohorts: bool = False) -> Iterator[dict[str, Any]]:
    """Yields the source as Segment events."""
    return convert(source(), profiles=profiles, cohorts=cohorts)
