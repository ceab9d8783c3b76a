"""Every topic: its name, its key, what it holds, how long, and for whom.

First in the flow: `beckon topics create` makes them from this table, and nobody else spells a name.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

DEFAULT_PREFIX = "beckon."

CHANNELS = (
    *("email", "sms", "push", "whatsapp", "inbox", "slack"),
    *("webhook", "crm", "task", "audience"),
)
"""Where commands can go: each channel has a topic `commands.<channel>`."""

DAY_MS = 86_400_000


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """One topic, as it is to be made."""

    name: str
    """Without the prefix."""
    key: str
    value: str
    schema: str | None = None
    """Name of the file in `avro/`; None where the value is never Avro."""
    cleanup: Literal["delete", "compact"] = "delete"
    retention_ms: int | None
    """None: for ever, as compaction keeps the latest of each key."""
    partitions: Literal["input", "output", "control"]
    """Which setting gives the number of partitions. All `input` topics have the same number: the
    profile of a key must lie in the partition that its events come from."""
    role: str
    """For whom it is."""


def _commands(channel: str) -> Topic:
    return Topic(
        name=f"commands.{channel}",
        key="profile id",
        value="one command to carry out",
        schema="command",
        retention_ms=7 * DAY_MS,
        partitions="output",
        role="senders",
    )


_TABLE = (
    Topic(
        name="events.raw",
        key="userId, else anonymousId",
        value="event, as collected",
        schema="event",
        retention_ms=7 * DAY_MS,
        partitions="input",
        role="in: before identity",
    ),
    Topic(
        name="events",
        key="profile id",
        value="event",
        schema="event",
        retention_ms=90 * DAY_MS,
        partitions="input",
        role="in: apps may write here",
    ),
    Topic(
        name="definitions",
        key="kind/id, kind/id@number",
        value="the version that is active, each version by its number; or tombstone",
        cleanup="compact",
        retention_ms=None,
        partitions="control",
        role="control",
    ),
    Topic(
        name="items",
        key="catalogue/item id",
        value="one item of a catalogue, as JSON; or tombstone",
        cleanup="compact",
        retention_ms=None,
        partitions="output",
        role="in: recommendations",
    ),
    Topic(
        name="profiles",
        key="profile id",
        value="changelog of the profile's state (msgpack)",
        cleanup="compact",
        retention_ms=None,
        partitions="input",
        role="internal",
    ),
    Topic(
        name="scores",
        key="profile id/score id",
        value="the current value of a score",
        schema="score",
        cleanup="compact",
        retention_ms=None,
        partitions="output",
        role="analysts",
    ),
    Topic(
        name="segments",
        key="profile id/segment id",
        value="membership: in or out, since when",
        schema="segment",
        cleanup="compact",
        retention_ms=None,
        partitions="output",
        role="analysts",
    ),
    Topic(
        name="segment-changes",
        key="profile id",
        value="entered or exited, why, when",
        schema="segment_change",
        retention_ms=90 * DAY_MS,
        partitions="output",
        role="analysts, processors",
    ),
    Topic(
        name="score-changes",
        key="profile id",
        value="old, new, rule, when",
        schema="score_change",
        retention_ms=90 * DAY_MS,
        partitions="output",
        role="analysts, processors",
    ),
    Topic(
        name="consents",
        key="profile id/channel/topic",
        value="what was agreed to, as it stands",
        schema="consent",
        cleanup="compact",
        retention_ms=None,
        partitions="output",
        role="senders, analysts",
    ),
    Topic(
        name="suppressions",
        key="profile id/channel",
        value="that nothing may be sent, and why; or tombstone",
        schema="suppression",
        cleanup="compact",
        retention_ms=None,
        partitions="output",
        role="senders, analysts",
    ),
    Topic(
        name="consent-changes",
        key="profile id",
        value="each change of the two",
        schema="consent_change",
        retention_ms=3_650 * DAY_MS,
        partitions="output",
        role="audit, analysts",
    ),
    *map(_commands, CHANNELS),
    Topic(
        name="decisions",
        key="profile id",
        value="a yes or a no, with the reason",
        schema="decision",
        retention_ms=30 * DAY_MS,
        partitions="output",
        role="explain, audit",
    ),
    Topic(
        name="journey-runs",
        key="profile id",
        value="entry, step, wait, way taken or end of a run",
        schema="journey_run",
        retention_ms=90 * DAY_MS,
        partitions="output",
        role="analysts",
    ),
    Topic(
        name="outcomes",
        key="profile id",
        value="what came of a command",
        schema="outcome",
        retention_ms=90 * DAY_MS,
        partitions="output",
        role="analysts, back into events",
    ),
    Topic(
        name="dead-letters",
        key="as it came",
        value="the record as it came; why and whence in its headers",
        retention_ms=30 * DAY_MS,
        partitions="output",
        role="operators",
    ),
)

TOPICS: Mapping[str, Topic] = MappingProxyType({topic.name: topic for topic in _TABLE})
"""The topics by their name without prefix, in the order of the flow."""


def full_name(prefix: str, name: str) -> str:
    """Returns the topic's name on the cluster.

    Raises:
        KeyError: no topic has this name.

    >>> full_name("beckon.", "commands.email")
    'beckon.commands.email'
    """
    return prefix + TOPICS[name].name
