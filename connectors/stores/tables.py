"""The tables of the senders' database; `migrations` brings a database to this state.

No address, no name and no content of a message stands here but in `inbox` and `tasks`, which are
for people to read, in `views` and `held`, which have an end each, and in an answer that was not
told yet. All instants are ms since the epoch.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

METADATA = MetaData()


def _where(condition: str) -> dict[str, Any]:
    """Says of which rows an index is, to both databases."""
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}


LEDGER = Table(
    "ledger",
    METADATA,
    Column("command_id", String(64), primary_key=True),
    Column("part_of", String(64)),
    Column("profile_id", String(512), nullable=False),
    Column("channel", String(32), nullable=False),
    Column("topic", String(200)),
    Column("transactional", Boolean, nullable=False, default=False),
    Column("definition_id", String(200), nullable=False, default=""),
    Column("step", String(200), nullable=False, default=""),
    Column("state", String(16), nullable=False),
    Column("provider", String(32)),
    Column("provider_id", String(512)),
    Column("promise", String(16)),
    Column("attempts", Integer, nullable=False, default=0),
    Column("detail", String(200), nullable=False, default=""),
    Column("answer", Text),
    Column("owner", String(200), nullable=False, default=""),
    Column("epoch", BigInteger, nullable=False, default=0),
    Column("claimed_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("told_at", BigInteger),
    Column("variant", String(64)),
    Column("domain", String(32)),
    CheckConstraint(
        "state in ('claimed','dispatching','sent','failed','unknown','dropped','held')",
        name="ledger_state",
    ),
    Index("ledger_by_provider_id", "provider", "provider_id", **_where("provider_id is not null")),
    Index("ledger_open", "profile_id", "channel", **_where("state in ('claimed','dispatching')")),
    Index("ledger_by_age", "claimed_at"),
)
"""One row a message: the intent before the provider is asked, and what came of it.

`command_id` is what the provider knows the message by: the command's id. Where one command has
several messages, it is derived from that, and `part_of` is the command's. `domain` is one of the
large mail services, or `other`.
"""

HELD = Table(
    "held",
    METADATA,
    Column("command_id", String(64), primary_key=True),
    Column("profile_id", String(512), nullable=False),
    Column("channel", String(32), nullable=False),
    Column("template", String(200), nullable=False),
    Column("command", Text, nullable=False),
    Column("tried", String(64), nullable=False),
    Column("tried_at", BigInteger, nullable=False),
    Column("held_at", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("busy_until", BigInteger),
    Index("held_by_template", "channel", "template"),
    Index("held_by_person", "profile_id"),
    Index("held_by_end", "until"),
)
"""Commands of which no message could be made, as JSON, until their template is mended."""

VIEWS = Table(
    "views",
    METADATA,
    Column("message_id", String(64), primary_key=True),
    Column("profile_id", String(512), nullable=False),
    Column("html", LargeBinary, nullable=False),
    Column("until", BigInteger, nullable=False),
    Index("views_by_person", "profile_id"),
    Index("views_by_end", "until"),
)
"""Mails that can be seen in a browser, as they were sent: HTML, compressed by zlib."""

EPOCHS = Table(
    "epochs",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
"""One counter: whoever takes up partitions takes the next number, and the last one wins."""

SUPPRESSIONS = Table(
    "suppressions",
    METADATA,
    Column("profile_id", String(512), primary_key=True),
    Column("channel", String(32), primary_key=True),
    Column("reason", String(32), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("lifted", Boolean, nullable=False, default=False),
    Column("told", Boolean, nullable=False, default=False),
)
"""Who gets nothing, on a channel or (`*`) on all. A lifted one stays, for its instant.

`told`: the worker knows of it, so that its lifting is meant for this one and not for one before.
"""

CONSENTS = Table(
    "consents",
    METADATA,
    Column("profile_id", String(512), primary_key=True),
    Column("channel", String(32), primary_key=True),
    Column("topic", String(200), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""What was agreed; a later instant wins, whoever writes."""

OUTBOX = Table(
    "outbox",
    METADATA,
    Column("id", String(200), primary_key=True),
    Column("topic", String(200), nullable=False),
    Column("key", String(512), nullable=False),
    Column("value", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("outbox_by_age", "at"),
)
"""Records still to be written to Kafka: made in the transaction that they tell of."""

REPORTS = Table(
    "reports",
    METADATA,
    Column("provider", String(32), primary_key=True),
    Column("id", String(300), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Index("reports_by_age", "at"),
)
"""Which reports of providers have been taken: a repeat changes nothing."""

INBOX = Table(
    "inbox",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("profile_id", String(512), nullable=False),
    Column("title", Text, nullable=False, default=""),
    Column("body", Text, nullable=False, default=""),
    Column("url", Text),
    Column("image", Text),
    Column("data", Text, nullable=False, default="{}"),
    Column("at", BigInteger, nullable=False),
    Column("read_at", BigInteger),
    Column("archived_at", BigInteger),
    Column("expires_at", BigInteger),
    Index("inbox_by_person", "profile_id", "at"),
)
"""Messages that a product shows to its people."""

TASKS = Table(
    "tasks",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("profile_id", String(512), nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False, default=""),
    Column("assignee", String(200)),
    Column("priority", String(16), nullable=False, default="medium"),
    Column("due_at", BigInteger),
    Column("at", BigInteger, nullable=False),
    Column("done_at", BigInteger),
    Column("definition_id", String(200), nullable=False, default=""),
    Column("step", String(200), nullable=False, default=""),
    Index("tasks_by_assignee", "assignee", "done_at", "due_at"),
    Index("tasks_by_person", "profile_id"),
)
"""What somebody of the team is to do for a person."""

ITEMS = Table(
    "items",
    METADATA,
    Column("catalogue", String(64), primary_key=True),
    Column("item", String(200), primary_key=True),
    Column("value", Text, nullable=False),
)
"""What catalogues offer, as the topic `items` says; the value is JSON."""

INTERESTS = Table(
    "interests",
    METADATA,
    Column("profile_id", String(512), primary_key=True),
    Column("catalogue", String(64), primary_key=True),
    Column("what", String(16), primary_key=True),
    Column("item", String(200), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Index("interests_by_age", "at"),
)
"""The items that each person viewed and bought last, each once, at its latest time."""

PAIRS = Table(
    "pairs",
    METADATA,
    Column("catalogue", String(64), primary_key=True),
    Column("item", String(200), primary_key=True),
    Column("other", String(200), primary_key=True),
    Column("times", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("pairs_by_age", "at"),
)
"""How often two items were in one order, each pair both ways; `at`: when last."""

TRENDS = Table(
    "trends",
    METADATA,
    Column("catalogue", String(64), primary_key=True),
    Column("what", String(16), primary_key=True),
    Column("hour", BigInteger, primary_key=True),
    Column("item", String(200), primary_key=True),
    Column("times", BigInteger, nullable=False),
    Index("trends_by_age", "hour"),
)
"""How often an item was viewed or bought in an hour; `hour`: since the epoch."""

COUNTED = Table(
    "counted",
    METADATA,
    Column("partition", Integer, primary_key=True),
    Column("id", String(32), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Index("counted_by_age", "partition", "at"),
)
"""Which events have been counted: a repeat changes nothing. No id says whose it was."""
