"""One operator against one value, compiled: whether it holds, and until when.

The answer is a signed instant: `+t` is true until t, `-t` is false until t, and NEVER stands for an
end that time alone does not bring. So `not` is a minus, `all` a minimum and `any` a maximum.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import re2

from processors.definitions.comparisons import Comparison
from processors.state.profiles import NEVER

TRUE = NEVER
FALSE = -NEVER

Answer = int
Test = Callable[[Any], bool]
Compare = Callable[[Any, int], Answer]

NEGATIVE = {
    "not_equals": "equals",
    "not_contains": "contains",
    "not_in": "in",
    "is_not_empty": "is_empty",
}
TEMPORAL = {"within_last", "within_next", "older_than"}


def compare(comparison: Comparison) -> Compare:
    """Returns `(value, now) -> answer` of a comparison."""
    if comparison.operator in TEMPORAL:
        return _temporal(comparison.operator, comparison.operand)
    holds = test(comparison)

    def answer(value: Any, now: int) -> Answer:
        return TRUE if holds(value) else FALSE

    return answer


def test(comparison: Comparison) -> Test:
    """Returns `value -> bool` of a comparison that does not depend on the present."""
    positive = NEGATIVE.get(comparison.operator)
    if positive is None:
        return _positive(comparison.operator, comparison.operand)
    inner = _positive(positive, comparison.operand)
    if comparison.missing:
        return lambda value: not inner(value)
    return lambda value: value is not None and not inner(value)


def is_same(value: Any, other: Any) -> bool:
    """Returns whether two JSON values are equal: 1 is 1.0, but never true, and never "1".

    >>> is_same(1, 1.0), is_same(1, True), is_same("1", 1)
    (True, False, False)
    """
    if isinstance(value, bool) or isinstance(other, bool):
        return value is other
    if isinstance(value, list) and isinstance(other, list | tuple):
        return len(value) == len(other) and all(map(is_same, value, other))
    if isinstance(value, dict) and isinstance(other, dict):
        return value.keys() == other.keys() and all(
            is_same(value[key], other[key]) for key in value
        )
    return bool(value == other)


def _positive(operator: str, operand: Any) -> Test:
    match operator:
        case "equals":
            return _equals(operand)
        case "in":
            tests = [_equals(each) for each in operand]
            return lambda value: any(each(value) for each in tests)
        case "contains":
            return _contains(operand)
        case "is_set":
            return lambda value: value is not None
        case "is_not_set":
            return lambda value: value is None
        case "is_empty":
            return lambda value: isinstance(value, str | list) and not value
        case "starts_with" | "ends_with" | "matches" | "like":
            return _text(operator, operand)
        case "before" | "after":
            return _dated(operator, operand)
        case _:
            return _numeric(operator, operand)


def _equals(operand: Any) -> Test:
    if isinstance(operand, str):
        return lambda value: bool(value == operand)
    return lambda value: is_same(value, operand)


def _contains(operand: Any) -> Test:
    def holds(value: Any) -> bool:
        if isinstance(value, str):
            return isinstance(operand, str) and operand in value
        return isinstance(value, list) and any(is_same(each, operand) for each in value)

    return holds


def _text(operator: str, operand: str) -> Test:
    if operator == "starts_with":
        return lambda value: isinstance(value, str) and value.startswith(operand)
    if operator == "ends_with":
        return lambda value: isinstance(value, str) and value.endswith(operand)
    if operator == "like":
        whole = _like(operand)
        return lambda value: isinstance(value, str) and whole.fullmatch(value) is not None
    pattern = re2.compile(operand, _RE2)
    return lambda value: isinstance(value, str) and pattern.search(value) is not None


def _like(operand: str) -> Any:
    """Returns the regular expression of a pattern of LIKE: RE2's, so it runs in linear time."""
    pieces = [
        _WILD.get(piece) or re2.escape(piece.removeprefix("\\") if len(piece) > 1 else piece)
        for piece in _PIECES.findall(operand)
    ]
    return re2.compile("(?s)" + "".join(pieces), _RE2)


_RE2 = re2.Options()
_RE2.log_errors = False  # it would tell the standard error of texts that take it long
_PIECES = re.compile(r"\\.|.")
_WILD = {"%": ".*", "_": "."}


def _numeric(operator: str, operand: Any) -> Test:
    match operator:
        case "greater_than":
            return lambda value: type(value) in _NUMBERS and value > operand
        case "less_than":
            return lambda value: type(value) in _NUMBERS and value < operand
        case "at_least":
            return lambda value: type(value) in _NUMBERS and value >= operand
        case "at_most":
            return lambda value: type(value) in _NUMBERS and value <= operand
        case "between":
            low, high = operand
            return lambda value: type(value) in _NUMBERS and low <= value <= high
        case _:
            raise AssertionError(operator)


_NUMBERS = frozenset({int, float})


def instant(value: Any) -> int | None:
    """Returns the instant that a trait names: an ISO 8601 text with a zone; else None.

    >>> instant("1970-01-01T00:00:01Z"), instant("1970-01-01")
    (1000, None)
    """
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return None if at.tzinfo is None else round(at.timestamp() * 1000)


def _dated(operator: str, operand: int) -> Test:
    def holds(value: Any) -> bool:
        at_ms = instant(value)
        if at_ms is None:
            return False
        return at_ms < operand if operator == "before" else at_ms > operand

    return holds


def _temporal(operator: str, width_ms: int) -> Compare:
    if operator == "older_than":

        def older(value: Any, now: int) -> Answer:
            at_ms = instant(value)
            if at_ms is None:
                return FALSE
            return TRUE if now >= at_ms + width_ms else -(at_ms + width_ms)

        return older
    before_ms, after_ms = (0, width_ms) if operator == "within_last" else (width_ms, 0)

    def inside(value: Any, now: int) -> Answer:
        at_ms = instant(value)
        if at_ms is None:
            return FALSE
        if now < at_ms - before_ms:
            return -(at_ms - before_ms)
        return at_ms + after_ms if now < at_ms + after_ms else FALSE

    return inside
