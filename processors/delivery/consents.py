"""What people say on our pages, made to postings: unsubscribed, preferred, confirmed. Pure.

What takes away is in force with the posting; what gives is an event, and the worker decides.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from processors.delivery import postings
from processors.delivery.tokens import Claims
from schemas.consents import ALL, ConsentRecord
from schemas.messages import Report
from schemas.postings import OWN, Posting, Row, Sent

SOURCE = "preferences"
LIFTED_BY_PERSON = frozenset({"unsubscribe", "sunset"})
"""Reasons of suppressions that a person may take back."""
REPEAT_MS = 1_000
"""The same said again within this is a repeat."""


class Box(NamedTuple):
    """One thing that a person can want, as it stands."""

    channel: str
    topic: str
    """`*`: nothing at all on the channel."""
    name: str
    is_on: bool
    is_fixed: bool = False
    """Whether it is not for the person to change: a bounce, a complaint, somebody else's no."""

    @property
    def field(self) -> str:
        """Its name in a form."""
        return f"{self.channel}/{self.topic}"


class Wanted(NamedTuple):
    """What a form says: the boxes that are ticked, and those that were when it was shown."""

    on: frozenset[str]
    was: frozenset[str]

    @classmethod
    def of(cls, fields: Iterable[tuple[str, str]]) -> "Wanted":
        """Returns what the fields of a form say; other fields are left out."""
        given = list(fields)
        return cls(
            frozenset(value for name, value in given if name == "on"),
            frozenset(value for name, value in given if name == "was"),
        )


def unsubscribed(claims: Claims, sent: Sent, *, now_ms: int) -> Posting:
    """Returns what unsubscribing comes to: from the topic of the message, else the channel."""
    return _unsubscribed(sent, claims.topic, now_ms=now_ms)


def preferred(
    claims: Claims, sent: Sent, shown: Sequence[Box], wanted: Wanted, *, now_ms: int
) -> list[Posting]:
    """Returns what saving the preferences comes to.

    Every box that is off is said to be, so that a no counts whatever was known before; a box that
    is on is said to be where it was off when the page was shown.
    """
    made: list[Posting] = []
    for box in shown:
        if box.is_fixed:
            continue
        is_on = box.field in wanted.on
        is_new = is_on and box.field not in wanted.was
        if box.topic == ALL:
            made += _channel(claims, sent, box, is_on=is_on, wanted=wanted, now_ms=now_ms)
        elif not is_on:
            made.append(_said(claims, box, "denied", now_ms=now_ms))
        elif is_new:
            made.append(_said(claims, box, "granted", now_ms=now_ms))
    return made


def confirmed(claims: Claims, *, now_ms: int) -> Posting:
    """Returns what confirming comes to."""
    properties = {
        "channel": claims.channel,
        "topic": claims.topic,
        "source": "confirmation",
        "evidence": claims.command_id,
    }
    return _posting(claims, "consent.confirmed", properties, now_ms=now_ms)


def after(shown: Sequence[Box], wanted: Wanted) -> list[Box]:
    """Returns the boxes as a person has just set them."""
    return [box if box.is_fixed else box._replace(is_on=box.field in wanted.on) for box in shown]


def _unsubscribed(sent: Sent, topic: str | None, *, now_ms: int) -> Posting:
    words = [sent.command_id, sent.channel, "unsubscribed", topic or "", str(now_ms // REPEAT_MS)]
    report = Report(
        id=postings.derived(words),
        provider=OWN,
        result="unsubscribed",
        at=now_ms,
        command_id=sent.command_id,
        detail="own-link",
        topic=topic,
    )
    return postings.tell(report, sent, now_ms=now_ms)


def _channel(
    claims: Claims, sent: Sent, box: Box, *, is_on: bool, wanted: Wanted, now_ms: int
) -> list[Posting]:
    """What the box says by which a channel is stopped as a whole."""
    if is_on and box.is_on and box.field in wanted.was:
        return []
    if is_on:
        stopped = msgspec.structs.replace(sent, channel=box.channel)
        return [_unsubscribed(stopped, None, now_ms=now_ms)]
    if box.field not in wanted.was:
        return []
    properties = {"channel": box.channel, "source": SOURCE}
    return [_posting(claims, "suppression.removed", properties, now_ms=now_ms)]


def _said(claims: Claims, box: Box, state: str, *, now_ms: int) -> Posting:
    properties = {"channel": box.channel, "topic": box.topic, "source": SOURCE}
    made = _posting(claims, f"consent.{state}", properties, now_ms=now_ms)
    if state == "granted":
        return made
    denial = ConsentRecord(
        profile_id=claims.profile_id,
        channel=box.channel,
        topic=box.topic,
        state="denied",
        at=now_ms,
        source=SOURCE,
    )
    return msgspec.structs.replace(made, denials=(denial,))


def _posting(
    claims: Claims, name: str, properties: Mapping[str, str | None], *, now_ms: int
) -> Posting:
    """Returns a posting of one event."""
    given = {key: value for key, value in properties.items() if value is not None}
    words = [claims.profile_id, name, *given.values(), str(now_ms // REPEAT_MS)]
    id_ = postings.derived(words)
    told = postings.track(f"page-{id_}", claims.profile_id, name, given, at=now_ms)
    rows: tuple[Row, ...] = (postings.event_row(told),)
    return Posting(source=OWN, id=id_, rows=rows)
