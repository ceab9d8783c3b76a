"""Filters of our own: money, numbers and dates as they are written where the person lives.

Locale and zone come with the data, under names that no template can write.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError, dates, numbers
from liquid.builtin.filters.array import join
from liquid.builtin.filters.string import downcase, upcase
from liquid.context import RenderContext
from liquid.exceptions import FilterArgumentError
from liquid.filter import sequence_filter, with_context, with_environment

from processors.definitions import zones

LOCALE, ZONE = "\0locale", "\0zone"
"""Names of what is told to filters: no document and no template may hold this character."""
MAX_AMOUNT = 10**15
MAX_FORMAT_CHARS = 64
NAMED = ("short", "medium", "long", "full")
ENGLISH = Locale("en")
MS_FROM = 10**11
"""Numbers from here on are ms since the epoch, smaller ones seconds."""

DIRECTIVES = {
    "Y": "yyyy", "y": "yy", "m": "MM", "d": "dd", "e": "d", "B": "MMMM", "b": "MMM", "A": "EEEE",
    "a": "EEE", "H": "HH", "I": "hh", "M": "mm", "S": "ss", "p": "a", "j": "DDD", "Z": "zzz",
    "z": "xxx", "-d": "d", "-m": "M", "-H": "H", "-I": "h",
}  # fmt: skip
"""Of strftime, as the patterns of Unicode's locale data write them (UTS 35)."""


@lru_cache(maxsize=512)
def locale(name: str) -> Locale | None:
    """Returns a locale by its name (`de-AT`, `de_AT`); None where nobody knows it."""
    try:
        return Locale.parse(name.replace("-", "_"))
    except (ValueError, UnknownLocaleError, TypeError):
        return None


def zone(name: Any) -> tzinfo:
    """Returns a time zone by its name; UTC where it is none."""
    return ZoneInfo(name) if isinstance(name, str) and name in zones.names() else UTC


@with_environment
@sequence_filter
def joined(items: Any, separator: Any = " ", *, environment: Any) -> Any:
    """Returns texts and numbers in one text; what is null is left out."""
    kept = [each for each in items if each is not None]
    if any(isinstance(each, (Mapping, list)) for each in kept):
        raise FilterArgumentError("join takes texts and numbers: use map before", token=None)
    return join(kept, separator, environment=environment)


@with_context
def money(value: Any, currency: Any = None, *, context: RenderContext) -> str:
    """Returns an amount with its currency: `{{ total | money: "EUR" }}`."""
    code = currency if currency else context.resolve("currency", default="")
    if not isinstance(code, str) or len(code) != 3 or not code.isalpha():
        raise FilterArgumentError("money needs a currency such as EUR", token=None)
    return _money(_number(value), str(code).upper(), _locale(context))


@with_context
def number(value: Any, digits: Any = None, *, context: RenderContext) -> str:
    """Returns a number with the separators of the locale, and so many digits after the point."""
    pattern = None
    if digits is not None:
        if not isinstance(digits, int) or not 0 <= digits <= 10:
            raise FilterArgumentError("number takes 0 to 10 digits", token=None)
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return _decimal(_number(value), pattern, _locale(context))


@with_context
def percent(value: Any, *, context: RenderContext) -> str:
    """Returns a share as percentage: 0.25 is 25%."""
    return numbers.format_percent(_number(value), locale=_locale(context))


@with_context
def on_day(value: Any, pattern: Any = "medium", *, context: RenderContext) -> str:
    """Returns a day, in the person's zone: a length (`short` to `full`) or a pattern."""
    at = _instant(value, context)
    if pattern in NAMED:
        return dates.format_date(at, format=str(pattern), locale=_locale(context))
    return _formatted(at, pattern, context)


@with_context
def at_time(value: Any, pattern: Any = "short", *, context: RenderContext) -> str:
    """Returns a time of day, in the person's zone."""
    at = _instant(value, context)
    if pattern in NAMED:
        return dates.format_time(
            at, format=str(pattern), tzinfo=_zone(context), locale=_locale(context)
        )
    return _formatted(at, pattern, context)


@with_context
def date_time(value: Any, pattern: Any = "medium", *, context: RenderContext) -> str:
    """Returns day and time, in the person's zone."""
    at = _instant(value, context)
    if pattern in NAMED:
        return dates.format_datetime(
            at, format=str(pattern), tzinfo=_zone(context), locale=_locale(context)
        )
    return _formatted(at, pattern, context)


@lru_cache(maxsize=4096)
def _money(amount: Decimal, code: str, place: Locale) -> str:
    return numbers.format_currency(amount, code, locale=place)


@lru_cache(maxsize=4096)
def _decimal(amount: Decimal, pattern: str | None, place: Locale) -> str:
    return numbers.format_decimal(amount, format=pattern, locale=place)


def _formatted(at: datetime, pattern: Any, context: RenderContext) -> str:
    if not isinstance(pattern, str) or not 0 < len(pattern) <= MAX_FORMAT_CHARS:
        said = (
            f"a date takes {', '.join(NAMED)} or a pattern of up to {MAX_FORMAT_CHARS} characters"
        )
        raise FilterArgumentError(said, token=None)
    written = _pattern(str(pattern)) if "%" in pattern else str(pattern)
    return dates.format_datetime(at, written, tzinfo=_zone(context), locale=_locale(context))


@lru_cache(maxsize=512)
def _pattern(written: str) -> str:
    """Returns a pattern of strftime as one of UTS 35."""
    found, literal, rest = "", "", written
    while rest:
        head, sign, rest = rest.partition("%")
        literal += head
        if rest.startswith("%"):
            literal, rest = f"{literal}%", rest[1:]
        elif sign:
            length = 2 if rest[:1] == "-" else 1
            if rest[:length] not in DIRECTIVES:
                raise FilterArgumentError(f"a date has no directive %{rest[:length]}", token=None)
            found += _literal(literal) + DIRECTIVES[rest[:length]]
            literal, rest = "", rest[length:]
    return found + _literal(literal)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'" if text else ""


def _number(value: Any) -> Decimal:
    """Returns a number, exact.

    Raises:
        FilterArgumentError: it is none, or a very large one.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        value = _digits(str(value))  # of a missing variable: an error of its own
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise FilterArgumentError("a number is needed", token=None) from None
    if not found.is_finite() or abs(found) > MAX_AMOUNT:
        raise FilterArgumentError("a number is needed that is not that large", token=None)
    return found


def _digits(text: str) -> str:
    if len(text) > MAX_FORMAT_CHARS:
        raise FilterArgumentError("a number is needed", token=None)
    return text


def _instant(value: Any, context: RenderContext) -> datetime:
    """Returns an instant in the person's zone: of ISO 8601, or of seconds or ms since the epoch.

    Raises:
        FilterArgumentError: it is none.
    """
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            seconds = value / 1000 if abs(value) >= MS_FROM else value
            return datetime.fromtimestamp(seconds, UTC).astimezone(_zone(context))
        text = str(value)
        if len(text) == len("2026-01-01"):
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=_zone(context))
        at = datetime.fromisoformat(text if len(text) <= MAX_FORMAT_CHARS else "")
    except (ValueError, OverflowError, OSError):
        raise FilterArgumentError("a date is needed, such as 2026-01-31", token=None) from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(_zone(context))


def _locale(context: RenderContext) -> Locale:
    found = context.resolve(LOCALE, default=ENGLISH)
    assert isinstance(found, Locale)
    return found


def _zone(context: RenderContext) -> tzinfo:
    found = context.resolve(ZONE, default=UTC)
    assert isinstance(found, tzinfo)
    return found


FILTERS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "money": money,
        "number": number,
        "percent": percent,
        "date": on_day,
        "time": at_time,
        "datetime": date_time,
        "join": joined,
        "upper": upcase,
        "lower": downcase,
    }
)
"""Beside those of Liquid; `date` takes the place of Liquid's, which reads a clock."""
