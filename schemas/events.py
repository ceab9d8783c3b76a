"""Tracking events, in the shape that Segment's SDKs send (the Segment spec).

First in the flow: product apps write them to the `events` topic, and `processors` decides on each.
"""

import functools
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

from schemas import bounds
from schemas.errors import BadEvent

MAX_CLOCK_LEAD_MS = 300_000
"""How far an event's time may lie after the time it was received, in ms (5 minutes)."""

MAX_ID_CHARS = 256
MAX_NAME_CHARS = 256
MAX_MESSAGE_ID_CHARS = 99

EARLIEST_MS = 0
"""1970-01-01: an event older than the epoch is a broken clock."""
LATEST_MS = 4_102_444_800_000
"""2100-01-01: an event later than this is a broken clock."""

Type = Literal["track", "identify", "page", "screen", "group", "alias"]

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
MessageId = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_MESSAGE_ID_CHARS)]
Id = Annotated[str, msgspec.Meta(max_length=MAX_ID_CHARS)]
Name = Annotated[str, msgspec.Meta(max_length=MAX_NAME_CHARS)]

NO_DATA = msgspec.Raw(b"{}")

NAMES_BY_TYPE = {
    "page": "page.viewed",
    "screen": "screen.viewed",
    "identify": "user.profile_updated",
    "group": "account.updated",
    "alias": "user.aliased",
}
"""The name by which definitions refer to an event that is not a `track`."""


TRIGGER_REQUESTED = "Trigger Requested"
"""Name of the `track` that fires a manual trigger for the person."""
REQUESTED = "trigger"
"""The property that says which."""

RUN_REQUESTED = "Run Requested"
"""Name of the `track` that ends one run of the person, or moves it to a step."""
RUN = "run"
"""The property that says which, as 16 hex digits,"""
STEP = "step"
"""and to which step; without it the run ends."""

LIST_CHANGED = "List Changed"
"""Name of the `track` that puts the person on a static list, or takes them off it."""
LIST = "list"
"""The property that says which,"""
CHANGE = "change"
"""and the one that says `added` or `removed`."""


class Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """One tracking event. Free-form parts stay undecoded bytes until a definition asks for them."""

    message_id: MessageId
    type: Type
    event: Name | None = None
    """Name of a `track`; the other five types have a fixed one (`NAMES_BY_TYPE`)."""
    user_id: Id | None = None
    anonymous_id: Id | None = None
    previous_id: Id | None = None
    group_id: Id | None = None
    name: Name | None = None
    """Name of the page or screen."""
    timestamp: Instant
    sent_at: Instant | None = None
    received_at: Instant | None = None
    properties: msgspec.Raw = NO_DATA
    traits: msgspec.Raw = NO_DATA
    context: msgspec.Raw = NO_DATA


def profile_id(event: Event) -> str:
    """Returns the id of the person: the user id, else the anonymous id.

    Raises:
        BadEvent: neither is there, or it holds characters that do not print.
    """
    found = event.user_id or event.anonymous_id
    if not found:
        raise BadEvent("id-missing", "the event has neither a userId nor an anonymousId")
    if not found.isprintable():
        raise BadEvent("id-unprintable", "the id holds control characters")
    return found


def name(event: Event) -> str:
    """Returns the name that definitions use for this event.

    Raises:
        BadEvent: a `track` without a name.
    """
    if event.type != "track":
        return NAMES_BY_TYPE[event.type]
    if not event.event:
        raise BadEvent("name-missing", "a track event needs the field event")
    return event.event


def time_ms(event: Event) -> int:
    """Returns the event's time in ms since the epoch, corrected for the sender's clock.

    `timestamp + (receivedAt - sentAt)` where both are known, never later than receivedAt + 5 min.

    Raises:
        BadEvent: the time lies before 1970 or after 2100.
    Source: Segment spec, common fields, "timestamps".
    """
    at_ms = round(event.timestamp.timestamp() * 1000)
    if event.received_at is not None:
        received_ms = round(event.received_at.timestamp() * 1000)
        if event.sent_at is not None:
            at_ms += received_ms - round(event.sent_at.timestamp() * 1000)
        at_ms = min(at_ms, received_ms + MAX_CLOCK_LEAD_MS)
    if not EARLIEST_MS <= at_ms < LATEST_MS:
        raise BadEvent("time-out-of-range", "the event's time lies before 1970 or after 2100")
    return at_ms


@functools.lru_cache(1024)
def iso(at_ms: int) -> str:
    """Returns the instant as ISO 8601 in UTC with ms.

    >>> iso(1_700_000_000_123)
    '2023-11-14T22:13:20.123Z'
    """
    seconds, millis = divmod(at_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{millis:03d}Z"


def properties(event: Event) -> dict[str, Any]:
    """Returns what conditions read as `property`: the properties, or the traits where they are it.

    Raises:
        BadEvent: the part is not a JSON object, or not decodable.
    """
    if event.type in {"identify", "group"}:
        return traits(event)
    found = _object(event.properties, "properties")
    if event.name is not None:
        found.setdefault("name", event.name)
    return found


def traits(event: Event) -> dict[str, Any]:
    """Returns the traits: the event's own laid over those of its context.

    Raises:
        BadEvent: the part is not a JSON object, or not decodable.
    """
    inner = _object(event.context, "context").get("traits")
    return {**(inner if isinstance(inner, dict) else {}), **_object(event.traits, "traits")}


def _object(raw: msgspec.Raw, field: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(raw)
        fits = bounds.fits(bytes(raw), value)
    except msgspec.ValidationError as error:
        raise BadEvent("number-out-of-range", f"{field} has a number too large") from error
    except UnicodeDecodeError as error:
        raise BadEvent("not-utf8", f"{field} is not UTF-8") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadEvent("not-json", f"{field} can not be decoded") from error
    if not fits:
        raise BadEvent("number-out-of-range", f"{field} has an integer of more than 64 bits")
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadEvent("not-an-object", f"{field} must be a JSON object")
    return value
