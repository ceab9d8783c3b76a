"""The leaves of a definition: ids, names, numbers, durations; strict, with plain messages."""

import contextlib
import math
import re
from datetime import date, time
from typing import Annotated, Any, NoReturn
from urllib.parse import urlsplit

import re2
from pydantic import AfterValidator, BeforeValidator, PlainValidator
from pydantic_core import PydanticCustomError

from processors.definitions import crons, durations, zones
from processors.definitions.errors import one_line, shorten

MAX_NAME_CHARS = 256
MAX_PROSE_CHARS = 4_096
MAX_PATH_PARTS = 16
MAX_POINTS = 1_000_000
MAX_COUNT = 10_000
"""Largest count of occurrences: a profile remembers that many instants."""
MAX_PATTERN_STEPS = 5_000
"""Of a regular expression as RE2 compiles it: a text takes time up to its length times that."""
ID_RULE = "small letters, digits, _ and -, beginning with a letter or digit, at most 64"

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_ESCAPED = re.compile(r"\\[\\%_]")
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_RE2 = re2.Options()
_RE2.log_errors = False

Scalar = str | int | float | bool


def fault(expected: str, found: Any) -> PydanticCustomError:
    """Returns the error `expected, found …`."""
    return PydanticCustomError(
        "definition", "{text}", {"text": f"{expected}, found {describe(found)}"}
    )


def describe(value: Any) -> str:
    """Returns a few words for a value as it stands in a document.

    >>> describe("10"), describe(10), describe(None)
    ('the text "10"', 'the number 10', 'nothing')
    """
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text {shorten(value)}" if value else "an empty text"
        case list() | tuple():
            return "a list"
        case dict():
            return "a mapping"
    return f"a {type(value).__name__}"


def text(value: Any) -> str:
    """Returns a text of one line that is not empty."""
    if not isinstance(value, str):
        quotes = " (put it in quotes)" if isinstance(value, (int, float)) else ""
        raise fault(f"must be text{quotes}", value)
    if not value.strip() or len(value) > MAX_NAME_CHARS or not value.isprintable():
        raise fault(f"must be one line of 1 to {MAX_NAME_CHARS} characters", value)
    return value


def prose(value: Any) -> str:
    """Returns a text of any number of lines."""
    if not isinstance(value, str):
        raise fault("must be text", value)
    if len(value) > MAX_PROSE_CHARS:
        raise fault(f"must have at most {MAX_PROSE_CHARS} characters", value)
    return value


def identifier(value: Any) -> str:
    """Returns an id."""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise fault(f"must be an id ({ID_RULE})", value)
    return value


def trait_path(value: Any) -> str:
    """Returns a dotted path into traits or properties."""
    parts = text(value).split(".")
    if not all(parts) or len(parts) > MAX_PATH_PARTS:
        raise fault(f"must be a path such as company.country, 1 to {MAX_PATH_PARTS} names", value)
    return str(value)


def trait_key(value: Any) -> str:
    """Returns the name of a whole trait."""
    if "." in text(value):
        raise fault("must name a whole trait, without dots", value)
    return str(value)


def number(value: Any) -> int | float:
    """Returns a finite number; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise fault(f"must be a number{_unquoted(value)}", value)
    return value


def amount(value: Any) -> int | float:
    """Returns a number above 0."""
    if number(value) <= 0:
        raise fault("must be a number above 0", value)
    return number(value)


def whole(value: Any) -> int:
    """Returns a whole number that scores can reach."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise fault(f"must be a whole number{_unquoted(value)}", value)
    if abs(value) > MAX_POINTS:
        raise fault(f"must lie between -{MAX_POINTS} and {MAX_POINTS}", value)
    return value


def tally(value: Any) -> int:
    """Returns a count of occurrences, 0 allowed."""
    if not 0 <= whole(value) <= MAX_COUNT:
        raise fault(f"must be a count from 0 to {MAX_COUNT}", value)
    return int(value)


def count(value: Any) -> int:
    """Returns a count of occurrences, at least 1."""
    if not 1 <= whole(value) <= MAX_COUNT:
        raise fault(f"must be a count from 1 to {MAX_COUNT}", value)
    return int(value)


def digit(value: Any) -> int:
    """Returns a priority."""
    if not 0 <= whole(value) <= 9:
        raise fault("must be a whole number from 0 to 9", value)
    return int(value)


def percent(value: Any) -> float:
    """Returns a share in percent."""
    if not 0 <= number(value) <= 100:
        raise fault("must be a percentage from 0 to 100", value)
    return float(value)


def proportion(value: Any) -> int | float:
    """Returns a part of something in percent; next to nothing is none."""
    if not 0.01 <= number(value) <= 100:
        raise fault("must be a percentage from 0.01 to 100", value)
    return number(value)


def scalar(value: Any) -> Scalar:
    """Returns a single value that traits are compared with."""
    if isinstance(value, (str, bool)):
        return value
    if isinstance(value, (int, float)):
        return number(value)
    raise fault("must be a single text, number, true or false", value)


def listed(value: Any) -> Any:
    """Returns a list unchanged."""
    if not isinstance(value, (list, tuple)):
        raise fault("must be a list", value)
    return value


def filled(value: Any) -> Any:
    """Returns a list unchanged that is not empty."""
    if not isinstance(value, (list, tuple)):
        raise fault("must be a list", value)
    if not value:
        raise fault("must be a list with at least one item", value)
    return value


def pair(value: Any) -> Any:
    """Returns a list of two unchanged."""
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise fault("must be a list of two numbers: [lowest, highest]", value)
    return value


def ascending(value: tuple[float, float]) -> tuple[float, float]:
    """Returns a pair unchanged whose first is not above its second."""
    if value[0] > value[1]:
        _say(f"the lowest comes first, found {value[0]} before {value[1]}")
    return value


def mapping(value: Any) -> Any:
    """Returns a mapping unchanged."""
    if not isinstance(value, dict):
        raise fault("must be a mapping", value)
    return value


def names(value: dict[str, int]) -> dict[str, int]:
    """Returns thresholds unchanged that have proper names and differ."""
    for key in value:
        text(key)
    if len(set(value.values())) < len(value):
        _say("two of them have the same threshold, so that one could never be reached")
    return value


def true(value: Any) -> bool:
    """Returns True, the only thing that `is_set` and its like can say."""
    if value is not True:
        raise fault("can only be true", value)
    return True


def boolean(value: Any) -> bool:
    """Returns true or false."""
    if not isinstance(value, bool):
        raise fault("must be true or false", value)
    return value


def pattern(value: Any) -> str:
    """Returns a regular expression in the syntax of RE2, which runs in linear time."""
    if not isinstance(value, str):
        raise fault("must be a regular expression", value)
    try:
        steps = re2.compile(value, _RE2).programsize
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        said = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        expected = f"must be a regular expression that RE2 can read ({one_line(said)})"
        raise fault(expected, value) from None
    if steps > MAX_PATTERN_STEPS:
        expected = f"must be a regular expression of at most {MAX_PATTERN_STEPS} steps of RE2"
        raise fault(f"{expected} (repeat less)", value)
    return value


def likeness(value: Any) -> str:
    r"""Returns a pattern of LIKE: `%` is any text, `_` any character, `\` takes their meaning.

    Source: SQL:2016, <like predicate>; the backslash as in PostgreSQL and MySQL.
    """
    if "\\" in _ESCAPED.sub("", text(value)):
        raise fault("must have a backslash only before %, _ or another backslash", value)
    return str(value)


def duration(value: Any) -> int:
    """Returns the ms of a duration."""
    try:
        return durations.parse(value if isinstance(value, str) else "")
    except ValueError:
        expected = (
            "must be a duration such as 90s, 15m, 2h, 7d or 4w, more than 0, at most ten years"
        )
        raise fault(expected, value) from None


def instant(value: Any) -> int:
    """Returns the ms since the epoch of an instant."""
    try:
        return durations.parse_instant(value if isinstance(value, str) else "")
    except ValueError:
        expected = "must be an instant with its zone such as 2026-01-31T08:00:00Z"
        raise fault(expected, value) from None


def url(value: Any) -> str:
    """Returns an address to post to; without a password, which definitions would make public."""
    expected = "must be an address such as https://example.com/hook, without user and password"
    if not isinstance(value, str) or not value.isprintable() or " " in value:
        raise fault(expected, value)
    try:
        parts = urlsplit(value)
        is_good = parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        raise fault(expected, value) from None
    if parts.scheme not in {"http", "https"} or not is_good:
        raise fault(expected, value)
    return value


def one_of(allowed: tuple[str, ...]) -> PlainValidator:
    """Returns what checks that a value is one of these words."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise fault(f"must be one of {', '.join(allowed)}", value)
        return value

    return PlainValidator(check)


def offset(value: Any) -> int:
    """Returns the ms of a duration that may have a sign."""
    try:
        said = value if isinstance(value, str) else ""
        length_ms = durations.parse(said[1:] if said[:1] in ("+", "-") else said)
        return -length_ms if said.startswith("-") else length_ms
    except ValueError:
        expected = "must be a duration with or without a sign such as -90d or 2h, at most ten years"
        raise fault(expected, value) from None


def told(value: Any) -> Any:
    """Returns what a predicate or model is told: single values, and lists of them as tuples."""
    if isinstance(value, list | tuple):
        return tuple(scalar(each) for each in value)
    return scalar(value)


def clock(value: Any) -> time:
    """Returns a time of day."""
    try:
        return zones.clock(value if isinstance(value, str) else "")
    except ValueError:
        raise fault('must be a time of day such as "09:00"', value) from None


def day(value: Any) -> date:
    """Returns a day of the calendar."""
    if isinstance(value, str) and _DAY.fullmatch(value):
        with contextlib.suppress(ValueError):
            return date.fromisoformat(value)
    raise fault("must be a day such as 2026-12-25", value)


def zone(value: Any) -> str:
    """Returns the name of a time zone, or `profile` for that of the person."""
    if value == zones.PROFILE or (isinstance(value, str) and value in zones.names()):
        return str(value)
    raise fault("must be profile, or a time zone such as America/New_York", value)


def cron(value: Any) -> str:
    """Returns a cron expression of five fields that comes true some day."""
    said = text(value)
    try:
        crons.check(said)
    except ValueError as error:
        raise fault(f'must be a cron expression such as "0 9 * * 1-5" ({error})', value) from None
    return said


def _unquoted(value: Any) -> str:
    """Returns advice where the value is a number in quotes."""
    is_quoted = isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9][0-9.]*\s*", value, re.ASCII)
    return " (write it without quotes)" if is_quoted else ""


def _say(message: str) -> NoReturn:
    raise PydanticCustomError("definition", "{text}", {"text": message})


Name = Annotated[str, PlainValidator(text)]
Prose = Annotated[str, PlainValidator(prose)]
Id = Annotated[str, PlainValidator(identifier)]
TraitPath = Annotated[str, PlainValidator(trait_path)]
TraitKey = Annotated[str, PlainValidator(trait_key)]
Number = Annotated[int | float, PlainValidator(number)]
Amount = Annotated[int | float, PlainValidator(amount)]
Whole = Annotated[int, PlainValidator(whole)]
Tally = Annotated[int, PlainValidator(tally)]
Count = Annotated[int, PlainValidator(count)]
Digit = Annotated[int, PlainValidator(digit)]
Percent = Annotated[float, PlainValidator(percent)]
Proportion = Annotated[int | float, PlainValidator(proportion)]
Single = Annotated[Scalar, PlainValidator(scalar)]
Truth = Annotated[bool, PlainValidator(true)]
Boolean = Annotated[bool, PlainValidator(boolean)]
Pattern = Annotated[str, PlainValidator(pattern)]
Likeness = Annotated[str, PlainValidator(likeness)]
Duration = Annotated[int, PlainValidator(duration)]
Instant = Annotated[int, PlainValidator(instant)]
Offset = Annotated[int, PlainValidator(offset)]
Clock = Annotated[time, PlainValidator(clock)]
Day = Annotated[date, PlainValidator(day)]
Zone = Annotated[str, PlainValidator(zone)]
Cron = Annotated[str, PlainValidator(cron)]
Range = Annotated[tuple[Number, Number], BeforeValidator(pair), AfterValidator(ascending)]
Thresholds = Annotated[dict[str, Whole], BeforeValidator(mapping), AfterValidator(names)]
Listed = BeforeValidator(listed)
Filled = BeforeValidator(filled)
Mapped = BeforeValidator(mapping)
Mapping = Annotated[dict[str, Any], PlainValidator(mapping)]
