"""Conditions: what is asked about a person, in segments, triggers and score rules."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    TypeAdapter,
    ValidationError,
)

from processors.definitions import parts, values
from processors.definitions.errors import Path
from processors.definitions.parts import TAG, Faults, Part

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
    "in": SCALARS,
    "not_in": SCALARS,
    "is_set": TRUE,
    "is_not_set": TRUE,
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

SCORE_OPERATORS: dict[str, TypeAdapter[Any]] = {
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

NEGATIVE = ("not_equals", "not_contains", "not_in")
"""The operators beside which `missing` may stand."""

COUNTS = ("at_least", "at_most", "exactly")

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
    "like": "matches",
    "exists": "is_set",
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
        fields |= _operation(raw, OPERATORS, faults)
        if "missing" in raw and not any(operator in raw for operator in NEGATIVE):
            faults.add(("missing",), f"may only stand beside {', '.join(NEGATIVE)}")
        return fields


class TraitCondition(Comparison):
    """A trait of the person."""

    trait: values.TraitPath


class PropertyCondition(Comparison):
    """A property of the event at hand."""

    property: values.TraitPath


class AccountCondition(Comparison):
    """A trait of the person's account."""

    account: values.TraitPath


def _where(raw: Any) -> Any:
    return parts.choose(raw, "a where condition", ("property",))


Where = Annotated[
    tuple[Annotated[PropertyCondition, BeforeValidator(_where)], ...],
    values.Listed,
]


class EventCondition(Part):
    """How often something was done; without a count: at least once."""

    event: values.Name
    where: Where = ()
    at_least: values.Count | None = None
    at_most: values.Tally | None = None
    exactly: values.Tally | None = None
    within: values.Duration | None = None
    """Ms: an occurrence at t counts while now < t + within."""
    since: values.Instant | None = None
    """Ms since the epoch."""

    later = ("sum", "average", "min", "max", "distinct")
    hints: ClassVar = {"within_last": "within", "count": "exactly", "after": "since"}

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that there is one count and one span of time at most."""
        for group in (COUNTS, ("within", "since")):
            said = [key for key in raw if key in group]
            if len(said) > 1:
                faults.add((), f"takes only one of {', '.join(group)}, found {' and '.join(said)}")
        return raw


def misplaced(raw: Any, path: Path) -> Iterator[Path]:
    """Yields the places of property conditions in a condition as written, apart from wheres."""
    if not isinstance(raw, dict):
        return
    if "property" in raw:
        yield (*path, "property")
    for key in ("all", "any"):
        if isinstance(raw.get(key), list):
            for place, each in enumerate(raw[key]):
                yield from misplaced(each, (*path, key, place))
    yield from misplaced(raw.get("not"), (*path, "not"))


def _membership(raw: Any) -> bool:
    if raw == "in" or raw == "out":
        return bool(raw == "in")
    raise values.fault("must be in or out", raw)


class SegmentCondition(Part):
    """Whether the person is in a segment."""

    segment: values.Id
    is_member: Annotated[bool, PlainValidator(_membership)] = Field(default=True, alias="is")


class ListCondition(Part):
    """Whether the person is on a static list."""

    list_id: values.Id = Field(alias="list")


class TagCondition(Part):
    """Whether the person has a tag."""

    tag: values.Name


class StatusCondition(Part):
    """Whether the person has a status."""

    status: values.Name


class ScoreCondition(Part):
    """The value of a score, or its grade, or its level."""

    score: values.Id
    comparison: Comparison | None = None
    grade: values.Name | None = None
    level: values.Name | None = None

    hints = HINTS

    @classmethod
    def known_keys(cls) -> list[str]:
        """Returns the subject, the operators that numbers have, grade and level."""
        return ["score", *SCORE_OPERATORS, "grade", "level"]

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Returns the score and the one thing that is asked of it."""
        fields = {key: value for key, value in raw.items() if key in cls.model_fields}
        named = [key for key in ("grade", "level") if key in raw]
        operators = [key for key in raw if key in SCORE_OPERATORS]
        if named and len(named) + len(operators) > 1:
            said = " and ".join([*operators, *named])
            faults.add((), f"takes only one of an operator, grade and level, found {said}")
        elif not named:
            operation = _operation(raw, SCORE_OPERATORS, faults)
            fields["comparison"] = Comparison.model_construct(None, **operation)
        return fields


class Share(Part):
    """A slice of all people, by a stable hash of profile id and salt, in percent."""

    salt: values.Name
    low: values.Percent = Field(alias="from")
    """Inside."""
    high: values.Percent = Field(alias="to")
    """Outside."""

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that the slice is not empty."""
        low, high = raw.get("from"), raw.get("to")
        if isinstance(low, (int, float)) and isinstance(high, (int, float)) and low >= high:
            faults.add((), f"from must lie below to, found from {low} to {high}")
        return raw


class BucketCondition(Part):
    """Whether the person falls into a slice."""

    bucket: Share

    @property
    def salt(self) -> str:
        """Keeps slices of different uses apart."""
        return self.bucket.salt

    @property
    def low(self) -> float:
        """Lower end in percent, inside."""
        return self.bucket.low

    @property
    def high(self) -> float:
        """Upper end in percent, outside."""
        return self.bucket.high


class AllCondition(Part):
    """Every one of several."""

    all: "Annotated[tuple[Condition, ...], values.Filled]"


class AnyCondition(Part):
    """At least one of several."""

    any: "Annotated[tuple[Condition, ...], values.Filled]"


class NotCondition(Part):
    """The opposite."""

    negated: "Condition" = Field(alias="not")


HEADS: dict[str, type[Part]] = {
    "all": AllCondition,
    "any": AnyCondition,
    "not": NotCondition,
    "trait": TraitCondition,
    "event": EventCondition,
    "segment": SegmentCondition,
    "list": ListCondition,
    "tag": TagCondition,
    "status": StatusCondition,
    "score": ScoreCondition,
    "property": PropertyCondition,
    "account": AccountCondition,
    "bucket": BucketCondition,
}
LATER = ("sequence", "consent")


def _choose(raw: Any) -> Any:
    return parts.choose(raw, "a condition", tuple(HEADS), LATER)


def _head(raw: Any) -> str:
    return parts.head(raw, HEADS)


Condition = Annotated[
    Annotated[AllCondition, Tag(TAG + "all")]
    | Annotated[AnyCondition, Tag(TAG + "any")]
    | Annotated[NotCondition, Tag(TAG + "not")]
    | Annotated[TraitCondition, Tag(TAG + "trait")]
    | Annotated[EventCondition, Tag(TAG + "event")]
    | Annotated[SegmentCondition, Tag(TAG + "segment")]
    | Annotated[ListCondition, Tag(TAG + "list")]
    | Annotated[TagCondition, Tag(TAG + "tag")]
    | Annotated[StatusCondition, Tag(TAG + "status")]
    | Annotated[ScoreCondition, Tag(TAG + "score")]
    | Annotated[PropertyCondition, Tag(TAG + "property")]
    | Annotated[AccountCondition, Tag(TAG + "account")]
    | Annotated[BucketCondition, Tag(TAG + "bucket")],
    Discriminator(_head),
    BeforeValidator(_choose),
]

for _model in (AllCondition, AnyCondition, NotCondition):
    _model.model_rebuild()


def _operation(
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
