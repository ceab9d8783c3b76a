"""Conditions: what is asked about a person, in segments, triggers and score rules."""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, get_args

from pydantic import BeforeValidator, Discriminator, Field, PlainValidator, Tag

from processors.definitions import parts, values
from processors.definitions.actions import Channel
from processors.definitions.comparisons import HINTS, NUMBER_OPERATORS, Comparison, operation
from processors.definitions.errors import Path
from processors.definitions.hours import TimeCondition
from processors.definitions.occurrences import (
    EventCondition,
    PropertyCondition,
    SequenceCondition,
)
from processors.definitions.parts import TAG, Faults, Part
from schemas.consents import State


class TraitCondition(Comparison):
    """A trait of the person."""

    trait: values.TraitPath


class AccountCondition(Comparison):
    """A trait of the person's account."""

    account: values.TraitPath


def misplaced(raw: Any, path: Path) -> Iterator[Path]:
    """Yields the places of property conditions in a condition as written, apart from wheres."""
    for each, at in _joined(raw, path):
        if "property" in each:
            yield (*at, "property")


def _joined(raw: Any, path: Path) -> Iterator[tuple[dict[str, Any], Path]]:
    """Yields a condition as written, and those that it joins, each with its place."""
    if not isinstance(raw, dict):
        return
    yield raw, path
    for key in ("all", "any"):
        if isinstance(raw.get(key), list):
            for place, each in enumerate(raw[key]):
                yield from _joined(each, (*path, key, place))
    yield from _joined(raw.get("not"), (*path, "not"))


def _membership(raw: Any) -> bool:
    if raw == "in" or raw == "out":
        return bool(raw == "in")
    raise values.fault("must be in or out", raw)


class SegmentCondition(Part):
    """Whether the person is in a segment."""

    segment: values.Id
    is_member: Annotated[bool, PlainValidator(_membership)] = Field(default=True, alias="is")
    lasting: values.Duration | None = Field(default=None, alias="for")
    """For how long without a break, ms; None: at all."""

    hints: ClassVar = {"within": "for", "since": "for"}

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that a time is asked of members only."""
        if "for" in raw and raw.get("is") == "out":
            faults.add(
                ("for",), "may only stand with is: in: since when people are out is not kept"
            )
        return raw


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
        return ["score", *NUMBER_OPERATORS, "grade", "level"]

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Returns the score and the one thing that is asked of it."""
        fields = {key: value for key, value in raw.items() if key in cls.model_fields}
        named = [key for key in ("grade", "level") if key in raw]
        operators = [key for key in raw if key in NUMBER_OPERATORS]
        if named and len(named) + len(operators) > 1:
            said = " and ".join([*operators, *named])
            faults.add((), f"takes only one of an operator, grade and level, found {said}")
        elif not named:
            found = operation(raw, NUMBER_OPERATORS, faults)
            fields["comparison"] = Comparison.model_construct(None, **found)
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


class Agreement(Part):
    """What somebody has said to messages of a topic on a channel."""

    channel: Annotated[Channel, values.one_of(get_args(Channel))]
    topic: values.Name | None = None
    """None: to all of the channel."""
    state: Annotated[State, values.one_of(get_args(State))] = "granted"


class ConsentCondition(Part):
    """Whether somebody has agreed to messages."""

    consent: Agreement


class SuppressedCondition(Part):
    """Whether nothing may be sent on a channel, whatever was agreed to."""

    suppressed: Annotated[Channel, values.one_of(get_args(Channel))]


class CustomCondition(Part):
    """What a predicate answers: Python that a data engineer has registered."""

    custom: values.Id
    parameters: Annotated[
        dict[str, Annotated[Any, PlainValidator(values.told)]], BeforeValidator(values.mapping)
    ] = Field(default={}, alias="with")

    hints: ClassVar = {"parameters": "with"}


class AllCondition(Part):
    """Every one of several."""

    all: "Annotated[tuple[Condition, ...], values.Filled]"


class AnyCondition(Part):
    """At least one of several."""

    any: "Annotated[tuple[Condition, ...], values.Filled]"


class NotCondition(Part):
    """The opposite."""

    negated: "Condition" = Field(alias="not")


QUANTIFIERS = ("any", "all", "none")


class People(Part):
    """For how many of an account's people a condition holds."""

    any: "Condition | None" = None
    all: "Condition | None" = None
    none: "Condition | None" = None
    key: str = ""
    """Stands for the condition wherever it is asked."""

    @classmethod
    def known_keys(cls) -> list[str]:
        """Returns what may be asked."""
        return [*QUANTIFIERS]

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that one thing is asked, and nothing that only the person at hand has."""
        if len(raw) != 1:
            if raw or not faults:
                found = " and ".join(raw) or "nothing"
                faults.add((), f"takes exactly one of {', '.join(QUANTIFIERS)}, found {found}")
            return raw
        ((quantifier, condition),) = raw.items()
        for path in misplaced(condition, (quantifier,)):
            faults.add(path, "people of the account have no event at hand; use event with where")
        for each, path in _joined(condition, (quantifier,)):
            if isinstance(each.get("account"), dict):
                said = "people of the account are not asked about theirs; ask for a segment of them"
                faults.add((*path, "account"), said)
        return {**raw, "key": short(condition)}


def short(raw: Any) -> str:
    """Returns what stands for a part of a document: 7 characters, 42 bits of its hash."""
    text = json.dumps(raw, sort_keys=True, separators=(",", ":"))
    return base64.b64encode(hashlib.sha256(text.encode()).digest())[:7].decode()


class PeopleCondition(Part):
    """Whether a condition holds for any, all or none of the people of the person's account."""

    account: People

    @property
    def key(self) -> str:
        """Stands for the inner condition."""
        return self.account.key

    @property
    def quantifier(self) -> str:
        """Any, all or none."""
        return next(each for each in QUANTIFIERS if getattr(self.account, each) is not None)

    @property
    def condition(self) -> "Condition":
        """What is asked of each of them."""
        found: Condition = getattr(self.account, self.quantifier)
        return found


HEADS: dict[str, type[Part]] = {
    "all": AllCondition,
    "any": AnyCondition,
    "not": NotCondition,
    "trait": TraitCondition,
    "event": EventCondition,
    "sequence": SequenceCondition,
    "segment": SegmentCondition,
    "list": ListCondition,
    "tag": TagCondition,
    "status": StatusCondition,
    "score": ScoreCondition,
    "property": PropertyCondition,
    "account": AccountCondition,
    "bucket": BucketCondition,
    "local_time": TimeCondition,
    "custom": CustomCondition,
    "consent": ConsentCondition,
    "suppressed": SuppressedCondition,
}


def _choose(raw: Any) -> Any:
    return parts.choose(raw, "a condition", tuple(HEADS))


def _head(raw: Any) -> str:
    if isinstance(raw, PeopleCondition):
        return TAG + "people"
    if isinstance(raw, dict) and isinstance(raw.get("account"), dict):
        return TAG + "people"
    return parts.head(raw, HEADS)


Condition = Annotated[
    Annotated[AllCondition, Tag(TAG + "all")]
    | Annotated[AnyCondition, Tag(TAG + "any")]
    | Annotated[NotCondition, Tag(TAG + "not")]
    | Annotated[TraitCondition, Tag(TAG + "trait")]
    | Annotated[EventCondition, Tag(TAG + "event")]
    | Annotated[SequenceCondition, Tag(TAG + "sequence")]
    | Annotated[SegmentCondition, Tag(TAG + "segment")]
    | Annotated[ListCondition, Tag(TAG + "list")]
    | Annotated[TagCondition, Tag(TAG + "tag")]
    | Annotated[StatusCondition, Tag(TAG + "status")]
    | Annotated[ScoreCondition, Tag(TAG + "score")]
    | Annotated[PropertyCondition, Tag(TAG + "property")]
    | Annotated[AccountCondition, Tag(TAG + "account")]
    | Annotated[PeopleCondition, Tag(TAG + "people")]
    | Annotated[BucketCondition, Tag(TAG + "bucket")]
    | Annotated[TimeCondition, Tag(TAG + "local_time")]
    | Annotated[CustomCondition, Tag(TAG + "custom")]
    | Annotated[ConsentCondition, Tag(TAG + "consent")]
    | Annotated[SuppressedCondition, Tag(TAG + "suppressed")],
    Discriminator(_head),
    BeforeValidator(_choose),
]

for _model in (AllCondition, AnyCondition, NotCondition, People, PeopleCondition):
    _model.model_rebuild()


def about_people(condition: Condition | None) -> Iterator[PeopleCondition]:
    """Yields what a condition asks of the people of accounts, in its order."""
    match condition:
        case PeopleCondition():
            yield condition
        case AllCondition(all=inner) | AnyCondition(any=inner):
            for each in inner:
                yield from about_people(each)
        case NotCondition(negated=each):
            yield from about_people(each)
