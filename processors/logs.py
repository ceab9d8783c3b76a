"""Structured logging: constant messages with extra fields, JSON lines for machines, text for a TTY.

Set up once, by the command line; modules just use `logging.getLogger(__name__)`. What could be a
person's data or a secret is masked here, as the last guard: it should not have been logged at all.
"""

import json
import logging
import re
import sys
from functools import partial
from typing import Any, Literal, TextIO

from schemas.events import iso

Format = Literal["auto", "json", "plain"]

MASK = "***"
MAX_CHARS = 2_000
"""Longer texts are cut: a log line is no place for a payload."""

PRIVATE_FIELDS = frozenset(
    {
        "address", "anonymous_id", "authorization", "body", "context", "cookie", "email", "key",
        "name", "password", "payload", "phone", "profile", "profile_id", "properties", "secret",
        "token", "traits", "url", "user_id", "username", "value",
    }
)  # fmt: skip
"""Names of extra fields whose value is never written."""

PRIVATE_TEXT = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # an e-mail address
    r"|whsec_[\w+/=-]+"  # a webhook's secret
    r"|(?i:\b(?:bearer|basic)\s+[\w.+/=~-]{8,})"  # an authorization header
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"  # credentials within an address
)

QUIET = ("aiokafka", "alembic", "asyncio", "faust", "mode", "httpx2", "httpcore2")
"""Libraries that tell at level info what is of interest only to themselves."""

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: at, level, logger, message, the extra fields, error."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the record as one line of JSON."""
        line: dict[str, Any] = {
            "at": iso(int(record.created * 1000)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": masked(record.getMessage()),
            **_fields(record),
        }
        if record.exc_info:
            line["error"] = masked(self.formatException(record.exc_info))
        return json.dumps(line, default=repr, ensure_ascii=False)


class PlainFormatter(logging.Formatter):
    """Time, level, message, and the extra fields as name=value, for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the record as one line of text, the traceback of an error below it."""
        clock = iso(int(record.created * 1000))[11:23]
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        text = _one_line(masked(record.getMessage()) + fields)
        line = f"{clock} {record.levelname.lower():<7} {text}"
        if record.exc_info:
            line += "\n" + masked(self.formatException(record.exc_info))
        return line


def configure(
    level: str = "info", form: Format = "auto", *, stream: TextIO | None = None
) -> logging.Handler:
    """Sends all logging to one stream and returns the handler.

    Args:
        level: debug, info, warning or error; libraries stay one step quieter.
        form: auto = plain where the stream is a terminal, else JSON.
        stream: None = standard error.
    """
    target = sys.stderr if stream is None else stream
    plain = form == "plain" or (form == "auto" and target.isatty())
    handler = logging.StreamHandler(target)
    handler.setFormatter(PlainFormatter() if plain else JsonFormatter())
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    logging.captureWarnings(True)
    return handler


def as_config(level: str, form: Format) -> dict[str, Any]:
    """Returns what `logging.config.dictConfig` needs to do what `configure` does."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"beckon": {"()": partial(configure, level, form)}},
        "root": {"level": level.upper(), "handlers": ["beckon"]},
    }


def masked(text: str) -> str:
    """Returns the text, cut to a bound, without what looks like a person's data or a secret.

    >>> masked("no answer from ada@example.com")
    'no answer from ***'
    """
    if len(text) > MAX_CHARS:
        text = text[:MAX_CHARS] + " (cut)"
    return PRIVATE_TEXT.sub(MASK, text)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    extra = {name: value for name, value in vars(record).items() if name not in _OWN}
    return {name: _guarded(name, value) for name, value in extra.items()}


def _guarded(name: str, value: Any) -> Any:
    if name.lower() in PRIVATE_FIELDS:
        return MASK
    if value is None or isinstance(value, bool | int | float):
        return value
    return masked(value if isinstance(value, str) else repr(value))


def _one_line(text: str) -> str:
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
