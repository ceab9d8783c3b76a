"""Operators: what a value is held against in a trait, a property, a sum or a score."""

from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

from processors.definitions import values
from processors.definitions.parts import Faults, Part

SCALAR: TypeAdapter[Any] = TypeAdapter(values.Single)
SCALARS: TypeAdapter[Any] = TypeAdapter(Annotated[tuple[values.Single, ...], values.Filled])
NUMBER: TypeAdapter[Any] = TypeAdapter(values.Number)
NUMBERS: TypeAdapter[Any] = TypeAdapter(Annotated[tuple[values.Number, ...], values.Filled])
RANGE: TypeAdapter[Any] = TypeAdapter(values.Range)
TEXT: TypeAdapter[Any] = TypeAdapter(values.Prose)
TRUE: TypeAdapter[Any] = TypeAdapter(values.Truth)
INSTANT: TypeAdapter[Any] = TypeAdapter(values.Instant)
DURATION: TypeAdapter[Any] = TypeAdapter(values.Duration)

OPERATORS: dict[str, TypeAdapter[Any]] = {
    "equals": SCALAR,
    "not_equals": SCALAR,
    "contains": SCALAR,
    "not_contains": SCALAR,
    "starts_with": TEXT,
    "ends_with": TEXT,
    "matches": TypeAdapter(values.Pattern),
    "like": TypeAdapter(values.Likeness),
    "in": SCALARS,
    "not_in": SCALARS,
    "is_set": TRUE,
    "is_not_set": TRUE,
    "is_empty": TRUE,
    "is_not_empty": TRUE,
    "greater_than": NUMBER,
    "less_than": NUMBER,
    "at_least": NUMBER,
    "at_most": NUMBER,
    "between": RANGE,
    "before": INSTANT,
    "after": INSTANT,
    "within_last": DURATION,
    "within_next": DURATION,
    "older_than": DURATION,
}
"""Each operator with what it takes."""

NUMBER_OPERATORS: dict[str, TypeAdapter[Any]] = {
    "equals": NUMBER,
    "not_equals": NUMBER,
    "greater_than": NUMBER,
    "less_than": NUMBER,
    "at_least": NUMBER,
    "at_most": NUMBER,
    "between": RANGE,
    "in": NUMBERS,
    "not_in": NUMBERS,
}
"""Those for what is always a number."""

NEGATIVE = ("not_equals", "not_contains", "not_in", "is_not_empty")
"""The operators beside which `missing` may stand."""

HINTS = {
    "is": "equals",
    "eq": "equals",
    "ne": "not_equals",
    "is_not": "not_equals",
    "gt": "greater_than",
    "more_than": "greater_than",
    "gte": "at_least",
    "min": "at_least",
    "lt": "less_than",
    "lte": "at_most",
    "max": "at_most",
    "regex": "matches",
    "exists": "is_set",
    "empty": "is_empty",
    "not_empty": "is_not_empty",
    "one_of": "in",
}


class Comparison(Part):
    """One operator with its operand, as parsed: durations and instants are ms, lists are tuples."""

    operator: str
    operand: Any
    missing: values.Boolean = True
    """Whether an unset value passes; matters for the negative operators only."""

    hints = HINTS

    @classmethod
    def known_keys(cls) -> list[str]:
        """Returns the subject, the operators and `missing`."""
        subject = [key for key in super().known_keys() if key not in Comparison.model_fields]
        return [*subject, *OPERATORS, "missing"]

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Returns subject, operator, operand and missing."""
        fields = {key: value for key, value in raw.items() if key in cls.model_fields}
        fields |= operation(raw, OPERATORS, faults)
        if "missing" in raw and not any(operator in raw for operator in NEGATIVE):
            faults.add(("missing",), f"may only stand beside {', '.join(NEGATIVE)}")
        return fields


def operation(
    raw: dict[str, Any], operators: dict[str, TypeAdapter[Any]], faults: Faults
) -> dict[str, Any]:
    """Returns operator and operand; notes why where there is not exactly one that can be read."""
    said = [key for key in raw if key in operators]
    if len(said) > 1:
        faults.add((), f"takes only one operator, found {' and '.join(said)}: join two by all")
    if not said and not faults:
        faults.add((), f"needs an operator: one of {', '.join(operators)}")
    operation = {"operator": said[0] if said else "", "operand": None}
    if len(said) == 1:
        try:
            operation["operand"] = operators[said[0]].validate_python(raw[said[0]])
        except ValidationError as error:
            faults.take((said[0],), error)
    return operation
