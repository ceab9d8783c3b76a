"""A picture of the board with given numbers: change only what matters."""

from typing import Any

from processors.demo.boards import (
    ChannelRow,
    CommandRow,
    LevelRow,
    Picture,
    SegmentRow,
    TriggerRow,
)
from processors.demo.people import DAY_MS, START_MS
from processors.demo.view import Work

WORK = Work(phase="running", decided=120, duplicates=5, per_s=1234.5, elapsed_s=9.87)


def picture(**keys: Any) -> Picture:
    """Returns a picture of 122 events: 5 repeats, 2 dead letters, one command."""
    given: dict[str, Any] = {
        "at_ms": START_MS + 3 * DAY_MS,
        "events": 122,
        "repeats": 5,
        "unreadable": 1,
        "emitted": 3,
        "people": 17,
        "segments": (
            SegmentRow(
                id="at-risk",
                name="At risk",
                members=1_007,
                entered=1_010,
                left=3,
                curve=(0, 500, 1_007),
            ),
        ),
        "levels": (LevelRow(score="Engagement", level="hot", threshold=70, people=42),),
        "triggers": (
            TriggerRow(id="hot-lead", name="Hot", reasons={"fired": 9, "limit": 4, "loop": 1}),
        ),
        "channels": (ChannelRow(channel="email", commands=1, sent=1),),
        "latest": (
            CommandRow(
                at_ms=START_MS + DAY_MS,
                channel="email",
                profile_id="p00001",
                what="your-favourites",
                trigger="hot-lead",
                stimulus="engagement becomes hot",
                cause="Product Added (p00001-7)",
            ),
        ),
        "dead_letters": {"too-late": 1, "not-json": 1},
        "commands": 1,
        "command_repeats": 0,
        "outcomes": 1,
    }
    return Picture(**given | keys)


NOTHING = picture(
    at_ms=0,
    events=0,
    repeats=0,
    unreadable=0,
    emitted=0,
    people=0,
    segments=(),
    levels=(),
    triggers=(),
    channels=(),
    latest=(),
    dead_letters={},
    commands=0,
    outcomes=0,
)
