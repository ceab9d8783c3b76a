"""One value of each kind that travels, and the bytes of an event."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec

from schemas.codec import Schema, parse_schema
from schemas.commands import Command
from schemas.consents import ConsentChange, ConsentRecord, SuppressionRecord
from schemas.definitions import DefinitionRecord
from schemas.errors import UnknownSchema
from schemas.events import Event
from schemas.outcomes import Outcome
from schemas.records import (
    DecisionRecord,
    RunRecord,
    ScoreChange,
    ScoreRecord,
    SegmentChange,
    SegmentRecord,
)

AT_MS = 1_714_566_896_789

EVENT = Event(
    message_id="m-1",
    type="track",
    event="Order Completed",
    user_id="u-1",
    anonymous_id="a-1",
    timestamp=datetime(2024, 5, 1, 12, 34, 56, 789_000, UTC),
    sent_at=datetime(2024, 5, 1, 12, 34, 57, tzinfo=UTC),
    received_at=datetime(2024, 5, 1, 12, 34, 58, tzinfo=UTC),
    properties=msgspec.Raw(b'{"total":99.5,"name":"J\xc3\xbcrgen"}'),
    traits=msgspec.Raw(b"{}"),
    context=msgspec.Raw(b'{"traits":{"plan":"gold"}}'),
)
COMMAND = Command(
    id="c-1",
    channel="webhook",
    profile_id="u-1",
    definition_id="welcome",
    version="0123456789ab",
    step="0",
    occurrence="m-1",
    at=AT_MS,
    priority=5,
    template="welcome",
    topic="news",
    url="https://example.com/hook",
    body={"plan": "gold", "items": [1, 2.5, None, True]},
    traits={"email": "jürgen@example.com", "company": {"employees": 7}},
    method="PUT",
    headers={"Authorization": "Bearer {{ secrets.CRM }}"},
    segments=["buyers", "vip"],
    has_values=True,
    topics=["shop"],
)
OUTCOME = Outcome(
    id="o-1",
    command_id="c-1",
    profile_id="u-1",
    channel="webhook",
    result="failed",
    attempts=3,
    detail="http-503",
    at=AT_MS,
)
SCORE = ScoreRecord(
    profile_id="u-1", score_id="fit", value=42.5, level="warm", grade=None, at=AT_MS
)
SCORE_CHANGE = ScoreChange(
    profile_id="u-1",
    score_id="fit",
    old=0.0,
    new=42.5,
    level="warm",
    grade=None,
    rule=None,
    at=AT_MS,
    cause="m-1",
    late=False,
)
SEGMENT = SegmentRecord(profile_id="u-1", segment_id="vip", member=True, since=AT_MS)
SEGMENT_CHANGE = SegmentChange(
    profile_id="u-1",
    segment_id="vip",
    change="entered",
    at=AT_MS,
    cause="clock",
    version="0123456789ab",
    late=True,
)
RUN = RunRecord(
    run_id="00000000000000ff",
    profile_id="p",
    journey_id="welcome",
    version="0123456789ab",
    step="pause",
    what="waiting",
    choice=None,
    until=1_767_229_200_000,
    visit=1,
    at=1_767_225_600_000,
    cause="m",
    late=False,
)
DECISION = DecisionRecord(
    profile_id="u-1",
    definition_id="welcome",
    version="0123456789ab",
    outcome="no",
    reason="condition",
    at=AT_MS,
    cause="m-1",
    late=False,
    command_id="c-1",
    until=AT_MS,
    models="{}",
    summary_id="c-2",
)
CONSENT = ConsentRecord(
    profile_id="u-1", channel="email", topic="news", state="granted", at=AT_MS, source="form"
)
SUPPRESSION = SuppressionRecord(profile_id="u-1", channel="email", reason="hard-bounce", at=AT_MS)
CONSENT_CHANGE = ConsentChange(
    profile_id="u-1",
    channel="email",
    topic="",
    old=None,
    new="hard-bounce",
    at=AT_MS,
    cause="m-1",
)
DEFINITION = DefinitionRecord(
    kind="segment",
    id="vip",
    version="0123456789ab",
    number=1,
    published_at=AT_MS,
    document={"kind": "segment", "id": "vip", "when": {"trait": "plan", "equals": "gold"}},
)

BY_SCHEMA: dict[str, msgspec.Struct] = {
    "event": EVENT,
    "command": COMMAND,
    "outcome": OUTCOME,
    "score": SCORE,
    "score_change": SCORE_CHANGE,
    "segment": SEGMENT,
    "segment_change": SEGMENT_CHANGE,
    "decision": DECISION,
    "journey_run": RUN,
    "consent": CONSENT,
    "suppression": SUPPRESSION,
    "consent_change": CONSENT_CHANGE,
}


def event_bytes(**fields: Any) -> bytes:
    """An event as JSON; a field that is None is left out."""
    event = {
        "messageId": "m-1",
        "type": "track",
        "event": "Order Completed",
        "userId": "u-1",
        "timestamp": "2024-05-01T12:34:56.789Z",
        **fields,
    }
    return json.dumps({name: value for name, value in event.items() if value is not None}).encode()


class Registry:
    """A registry in memory: ids count from 1."""

    def __init__(self) -> None:
        self.subjects: list[str] = []
        self.schemas: list[Schema] = []

    def register(self, subject: str, text: str) -> int:
        """Always a new id."""
        self.subjects.append(subject)
        self.schemas.append(parse_schema(text))
        return len(self.schemas)

    def schema(self, schema_id: int) -> Schema:
        """The schema registered under the id."""
        if not 0 < schema_id <= len(self.schemas):
            raise UnknownSchema("no such schema")
        return self.schemas[schema_id - 1]
