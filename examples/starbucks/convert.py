"""Turns the Starbucks simulation (offers and purchases of 30 days) into Segment events, one a line.

Stands before `beckon replay` and `beckon ingest`. Needs nothing but Python; where the files are
compressed (`.json.zst`), the module `zstandard` or the program `zstd` as well.

    python examples/starbucks/convert.py SOURCE_DIR > events.jsonl
"""

import argparse
import io
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

START = datetime(2026, 1, 1, tzinfo=UTC)
"""Hour 0 of the source, whose times are hours since its start."""

NAMES = {
    "offer received": "Offer Received",
    "offer viewed": "Offer Viewed",
    "offer completed": "Offer Completed",
    "transaction": "Transaction",
}
PROPERTY_NAMES = {"offer id": "offer_id"}
"""Received and viewed spell it with a blank, completed with an underscore."""

AGE_UNKNOWN = 118
"""What the source writes where it knows neither age nor gender nor income."""


def main() -> None:
    """Writes the events to the standard output."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="folder of transcript.json and profile.json")
    parser.add_argument(
        "--profiles",
        action="store_true",
        help="first one identify a person (17,000 lines more), dated at the start",
    )
    parser.add_argument(
        "--cohorts",
        action="store_true",
        help="first one group a person, for the year of joining (17,000 lines more)",
    )
    options = parser.parse_args()
    for event in convert(options.source, profiles=options.profiles, cohorts=options.cohorts):
        sys.stdout.write(json.dumps(event, separators=(",", ":")) + "\n")


def convert(source: Path, *, profiles: bool = False, cohorts: bool = False) -> Iterator[Any]:
    """Yields the events in the order of the log.

    Guarantees: the same source gives the same events, ids included; no line is left out as a
    duplicate, since the source's 397 exact repeats are completions of their own.
    """
    if profiles or cohorts:
        people = list(read(source, "profile.json"))
        members = Counter(joined_in(person) for person in people)
        for number, person in enumerate(people, 1):
            if cohorts:
                year = joined_in(person)
                yield group(person["id"], number, year=year, members=members[year])
            if profiles:
                yield identify(person, number)
    for number, line in enumerate(read(source, "transcript.json"), 1):
        yield track(line, number)


def track(line: dict[str, Any], number: int) -> dict[str, Any]:
    """Returns one line of the transcript as an event."""
    return {
        "messageId": f"line-{number:06d}",
        "type": "track",
        "event": NAMES[line["event"]],
        "userId": line["person"],
        "timestamp": instant(START + timedelta(hours=line["time"])),
        "properties": {PROPERTY_NAMES.get(key, key): to for key, to in line["value"].items()},
    }


def identify(person: dict[str, Any], number: int) -> dict[str, Any]:
    """Returns what is known of one person; what the source does not know is left out."""
    joined = datetime.strptime(person["became_member_on"], "%Y%m%d").replace(tzinfo=UTC)
    known = {
        "age": None if person["age"] == AGE_UNKNOWN else person["age"],
        "income": person["income"],
        "gender": person["gender"],
        "became_member_on": instant(joined),
    }
    return {
        "messageId": f"profile-{number:05d}",
        "type": "identify",
        "userId": person["id"],
        "timestamp": instant(START),
        "traits": {key: value for key, value in known.items() if value is not None},
    }


def group(user_id: str, number: int, *, year: str, members: int) -> dict[str, Any]:
    """Returns the cohort of a person: all who joined in the same year."""
    return {
        "messageId": f"cohort-{number:05d}",
        "type": "group",
        "userId": user_id,
        "groupId": f"joined-{year}",
        "timestamp": instant(START),
        "traits": {"cohort": {"year": int(year), "members": members}},
    }


def joined_in(person: dict[str, Any]) -> str:
    """Returns the year in which the person became a member."""
    year: str = person["became_member_on"][:4]
    return year


def instant(at: datetime) -> str:
    """Returns the time as Segment's SDKs write it."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.000Z"


def read(source: Path, name: str) -> Iterator[dict[str, Any]]:
    """Yields the records of one file, compressed or not; its empty lines are no records."""
    with opened(source, name) as lines:
        yield from (json.loads(line) for line in nonempty(lines))


def nonempty(lines: Iterable[str]) -> Iterator[str]:
    """Yields the lines that hold something."""
    return (line for line in lines if line.strip())


@contextmanager
def opened(source: Path, name: str) -> Iterator[TextIO]:
    """Opens `name` or `name.zst` in the folder, as text."""
    plain, packed = source / name, source / f"{name}.zst"
    if plain.exists():
        with plain.open(encoding="utf-8") as lines:
            yield lines
    elif packed.exists():
        yield unpacked(packed)
    else:
        raise SystemExit(f"there is neither {plain} nor {packed}")


def unpacked(path: Path) -> TextIO:
    """Returns the text of a file packed by zstd."""
    try:
        import zstandard
    except ImportError:
        done = subprocess.run(["zstd", "-dc", str(path)], check=True, capture_output=True)
        return io.StringIO(done.stdout.decode())
    with path.open("rb") as packed:
        return io.StringIO(zstandard.ZstdDecompressor().stream_reader(packed).read().decode())


if __name__ == "__main__":
    main()
