"""Reports made to postings: the outcome, the event, and the change of who may be written to.

Between a provider's callback or our own tracking, and the database that takes a posting. Pure.
"""

import hashlib
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from schemas import codec
from schemas.commands import NAMESPACE
from schemas.consents import ConsentRecord, Reason, SuppressionRecord
from schemas.events import Event
from schemas.messages import Report
from schemas.outcomes import Outcome
from schemas.postings import OWN, Posting, Row, Sent

MAX_ID_CHARS = 300
"""Of a report; a longer one is known by its hash."""
MAX_DETAIL_CHARS = 200
MAX_URL_CHARS = 2_048

REPEATABLE = frozenset({"opened", "clicked", "bounced", "unsubscribed"})
"""What can happen to one message more than once; all else is the same outcome whoever tells it."""


def tell(report: Report, sent: Sent, *, now_ms: int) -> Posting:
    """Returns what a report of a message comes to.

    Args:
        report: what happened; its time counts as now where it lies ahead.
        sent: the message.
        now_ms: ms since the epoch.
    """
    found = outcome(report, sent, now_ms=now_ms)
    told = event(found, sent, report.topic)
    return Posting(
        source=report.provider,
        id=bounded(report.id),
        rows=(
            _row("outcomes", found.id, found),
            Row(
                id=told.message_id,
                topic="events",
                key=sent.profile_id,
                value=codec.encode(told).decode(),
            ),
        ),
        suppressions=_suppressions(found, sent, report.topic),
        denials=_denials(found, sent, report.topic),
        outcome=found,
        domain=sent.domain,
    )


def read(message_id: str, *, now_ms: int) -> Report:
    """Returns the report that a message of the inbox was read: the same whenever that is said."""
    return Report(
        id=derived([message_id, "opened"]),
        provider=OWN,
        result="opened",
        at=now_ms,
        command_id=message_id,
        detail="inbox",
    )


def outcome(report: Report, sent: Sent, *, now_ms: int) -> Outcome:
    """Returns a report as what came of the command."""
    words = [sent.message_id, report.result]
    if report.result in REPEATABLE:
        words += [report.provider, report.id]
    return Outcome(
        id=str(uuid.uuid5(NAMESPACE, " ".join(words))),
        command_id=sent.command_id,
        profile_id=sent.profile_id,
        channel=sent.channel,
        result=report.result,
        attempts=sent.attempts,
        detail=report.detail[:MAX_DETAIL_CHARS],
        at=min(report.at, now_ms),
        provider=sent.provider or report.provider,
        provider_id=sent.provider_id or report.provider_id,
        promise=sent.promise,
        kind=report.kind,
        url=None if report.url is None else report.url[:MAX_URL_CHARS],
        machine=report.machine,
        variant=sent.variant,
    )


def event(found: Outcome, sent: Sent, topic: str | None) -> Event:
    """Returns an outcome as an event of the person: `email.opened` and its like."""
    properties: dict[str, Any] = {
        "command_id": found.command_id,
        "definition_id": sent.definition_id,
        "step": sent.step,
        "provider": found.provider,
        "result": found.result,
        "detail": found.detail,
    }
    more = {"kind": found.kind, "url": found.url, "topic": topic, "variant": found.variant}
    properties |= {name: value for name, value in more.items() if value is not None}
    if found.machine:
        properties["machine"] = True
    return track(
        f"outcome-{found.id}",
        sent.profile_id,
        f"{found.channel}.{found.result}",
        properties,
        at=found.at,
    )


def track(
    message_id: str, profile_id: str, name: str, properties: dict[str, Any], *, at: int
) -> Event:
    """Returns a `track` event."""
    return Event(
        message_id=message_id,
        type="track",
        event=name,
        user_id=profile_id,
        timestamp=datetime.fromtimestamp(at / 1000, UTC),
        properties=msgspec.Raw(msgspec.json.encode(properties)),
    )


def event_row(told: Event) -> Row:
    """Returns an event as a record."""
    assert told.user_id is not None
    return Row(
        id=told.message_id,
        topic="events",
        key=told.user_id,
        value=codec.encode(told).decode(),
    )


def derived(words: Iterable[str]) -> str:
    """Returns the id of what some words say; the same words have the same."""
    return str(uuid.uuid5(NAMESPACE, msgspec.json.encode(list(words)).decode()))


def bounded(id_: str) -> str:
    """Returns the id of a report in at most 300 characters."""
    return id_ if len(id_) <= MAX_ID_CHARS else hashlib.sha256(id_.encode()).hexdigest()


def _row(topic: str, id_: str, found: Outcome) -> Row:
    return Row(
        id=f"outcome {id_}", topic=topic, key=found.profile_id, value=codec.encode(found).decode()
    )


def _suppressions(found: Outcome, sent: Sent, topic: str | None) -> tuple[SuppressionRecord, ...]:
    reason: Reason
    if found.result == "bounced" and found.kind == "hard":
        reason = "hard-bounce"
    elif found.result == "complained":
        reason = "complaint"
    elif found.result == "unsubscribed" and topic is None:
        reason = "unsubscribe"
    else:
        return ()
    return (
        SuppressionRecord(
            profile_id=sent.profile_id, channel=sent.channel, reason=reason, at=found.at
        ),
    )


def _denials(found: Outcome, sent: Sent, topic: str | None) -> tuple[ConsentRecord, ...]:
    if found.result != "unsubscribed" or topic is None:
        return ()
    return (
        ConsentRecord(
            profile_id=sent.profile_id,
            channel=sent.channel,
            topic=topic,
            state="denied",
            at=found.at,
        ),
    )
