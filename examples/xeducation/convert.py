"""Turns X Education's leads into Segment events, one a line.

Stands before `beckon replay` and `beckon ingest`. Needs nothing but Python; where the file is
compressed (`.csv.zst`), what Beckon itself needs.

    python examples/xeducation/convert.py SOURCE_DIR > events.jsonl
"""

import argparse
import csv
import io
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Row = dict[str, str]
Event = dict[str, Any]

START = datetime(2026, 1, 1, tzinfo=UTC)
"""When the lead of the lowest number came in."""

FIRST_NUMBER = 579_533
"""The lowest number of a lead. Numbers go up as leads come in: one a minute, though not all of
them are in the file."""

VISITED_WITHIN = timedelta(days=7)
"""All visits of a lead begin in so long a time."""
NEXT_VISIT = timedelta(days=1)
"""The longest time from the beginning of one visit to that of the next."""
LAST_ACTIVITY_AFTER = timedelta(days=1)
"""From the beginning of the last visit."""

MISSING = {"", "Select"}
"""`Select` is what a form's menu says before anybody has chosen."""

WRITTEN_AFTERWARDS = {
    "Converted",
    "Tags",
    "Lead Quality",
    "Lead Profile",
    "Asymmetrique Activity Index",
    "Asymmetrique Profile Index",
    "Asymmetrique Activity Score",
    "Asymmetrique Profile Score",
    "Last Notable Activity",
}
"""What came of a lead and what the people of sales wrote about it: of these nothing is read."""

TRAITS = {
    "Lead Origin": "origin",
    "Lead Source": "source",
    "Country": "country",
    "City": "city",
    "Specialization": "specialization",
    "How did you hear about X Education": "heard_from",
    "What is your current occupation": "occupation",
    "What matters most to you in choosing a course": "motive",
}
FLAGS = {"Do Not Email": "do_not_email", "Do Not Call": "do_not_call"}
SEEN_IN = (
    "Search",
    "Magazine",
    "Newspaper Article",
    "X Education Forums",
    "Newspaper",
    "Digital Advertisement",
    "Through Recommendations",
)
"""Yes or no each; the trait `seen_in` lists those that say yes."""

ACTIVITIES = {
    "Email Opened": "Email Opened",
    "Email Link Clicked": "Email Link Clicked",
    "Email Bounced": "Email Bounced",
    "Email Marked Spam": "Email Marked As Spam",
    "View in browser link Clicked": "Email Viewed In Browser",
    "Unsubscribed": "Unsubscribed",
    "Resubscribed to emails": "Resubscribed",
    "Olark Chat Conversation": "Chat Started",
    "Form Submitted on Website": "Form Submitted",
    "Page Visited on Website": "Page Visited",
    "Visited Booth in Tradeshow": "Booth Visited",
}
"""What a lead can have done last. The other values are the house's doings (`SMS Sent`, `Email
Received`, `Had a Phone Conversation`, `Approached upfront`, `Unreachable`) or no doing at all
(`Converted to Lead`): whom sales writes to and calls says what sales thinks of a lead."""


def main() -> None:
    """Writes the events to the standard output."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path, help="folder of Leads.csv")
    for event in convert(parser.parse_args().source):
        sys.stdout.write(json.dumps(event, separators=(",", ":")) + "\n")


def convert(source: Path) -> list[Event]:
    """Returns the events of all leads in order of time.

    Guarantees: the same source gives the same events, ids included; a lead's events follow from
    its own line alone.
    """
    leads = sorted(read(source), key=lambda row: int(row["Lead Number"]))
    found = [event for row in leads for event in events_of(row)]
    return sorted(found, key=lambda event: event["timestamp"])


def events_of(row: Row) -> Iterator[Event]:
    """Yields what one lead is and did, in order of time where times differ."""
    number = int(row["Lead Number"])
    came_at = START + timedelta(minutes=number - FIRST_NUMBER)
    head = {"userId": row["Prospect ID"]}
    yield head | identify(row, came_at)
    things = [("created", "Lead Created", came_at, {"number": number}), *did(row, came_at)]
    for id_, name, at, properties in things:
        yield head | {
            "messageId": f"{number}-{id_}",
            "type": "track",
            "event": name,
            "timestamp": instant(at),
            "properties": properties,
        }


def identify(row: Row, at: datetime) -> Event:
    """Returns what is known of a lead; what the source does not know is left out."""
    known: dict[str, Any] = {
        name: row[column] for column, name in TRAITS.items() if row[column] not in MISSING
    }
    known |= {name: row[column] == "Yes" for column, name in FLAGS.items()}
    if seen_in := [column for column in SEEN_IN if row[column] == "Yes"]:
        known["seen_in"] = seen_in
    return {
        "messageId": f"{row['Lead Number']}-profile",
        "type": "identify",
        "timestamp": instant(at),
        "traits": known,
    }


def did(row: Row, came_at: datetime) -> Iterator[tuple[str, str, datetime, dict[str, Any]]]:
    """Yields what a lead did after it came: last part of the id, name, time, properties."""
    seconds = int(row["Total Time Spent on Website"])
    visits = int(row["TotalVisits"] or seconds > 0)  # not known of some who spent time there
    every = min(NEXT_VISIT, VISITED_WITHIN / max(visits, 1))
    pages = {"pages": float(row["Page Views Per Visit"])} if row["Page Views Per Visit"] else {}
    for visit in range(visits):
        yield f"visit-{visit + 1}", "Site Visited", came_at + visit * every, pages
    for minute, after in pings(seconds, visits, every=every):
        yield f"ping-{minute}", "Page Ping", came_at + after, {"minute": minute}
    if row["A free copy of Mastering The Interview"] == "Yes":
        book = {"title": "Mastering The Interview"}
        yield "content", "Content Requested", came_at + timedelta(minutes=1), book
    if name := ACTIVITIES.get(row["Last Activity"]):
        last_visit_at = came_at + max(visits - 1, 0) * every
        yield "last", name, last_visit_at + LAST_ACTIVITY_AFTER, {}


def pings(seconds: int, visits: int, *, every: timedelta) -> Iterator[tuple[int, timedelta]]:
    """Yields each full minute on the site, and how long after the lead came it was full.

    The source says how many seconds there were in all: each visit has the same share of them.
    """
    for minute in range(1, seconds // 60 + 1):
        visit = min(60 * minute * visits // seconds, visits - 1)
        yield minute, visit * every + timedelta(seconds=60 * minute - visit * seconds / visits)


def instant(at: datetime) -> str:
    """Returns the time as Segment's SDKs write it."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def read(source: Path) -> Iterator[Row]:
    """Yields the rows of Leads.csv, compressed or not, by the names of their columns."""
    return csv.DictReader(io.StringIO(text(source / "Leads.csv"), newline=""))


def text(plain: Path) -> str:
    """Returns the text of a file, or of the one packed by zstd beside it."""
    packed = plain.with_name(f"{plain.name}.zst")
    if plain.exists():
        return plain.read_text(encoding="utf-8")
    if not packed.exists():
        raise SystemExit(f"there is neither {plain} nor {packed}")
    import zstandard

    with packed.open("rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file).read().decode()


if __name__ == "__main__":
    main()
