"""What a test file says: cases, each a person, what happens to it at which time, what is expected.

Read by the same rules as definitions: strict, and complete in what it says is wrong.
"""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field, PlainValidator
from pydantic_core import PydanticCustomError

from processors.definitions import suggestions, values, webhooks
from processors.definitions.actions import Channel
from processors.definitions.errors import Path
from processors.definitions.orders import Key
from processors.definitions.parts import Faults, Part

START_MS = 1_767_603_600_000
"""2026-01-05T09:00:00Z, a Monday: when a case begins that does not say when."""
MAX_TIMES = 1_000

EVENT_TYPES = {"page.viewed": "page", "screen.viewed": "screen", "user.aliased": "alias"}
"""Fixed names of events that are no `track`, by which a step may call them."""
EVENT_KEYS = {"user.profile_updated": "identify", "account.updated": "group"}
"""Fixed names of events for which a step has a key of its own."""
HAPPENINGS = ("event", "identify", "group")

Membership = Literal["in", "out"]
Outcome = Literal["yes", "no"]


def _one_of(allowed: tuple[str, ...]) -> PlainValidator:
    def check(raw: Any) -> str:
        if not isinstance(raw, str) or raw not in allowed:
            raise values.fault(f"must be {', '.join(allowed[:-1])} or {allowed[-1]}", raw)
        return raw

    return PlainValidator(check)


def _filled(raw: Any) -> Any:
    if not values.mapping(raw):
        raise PydanticCustomError("definition", "must have at least one key")
    return raw


def _facts(raw: Any) -> dict[str, Any]:
    """Returns traits or properties; a dot in a name would be one that no path reaches."""
    faults = Faults()
    for key in values.mapping(raw):
        whole, *inner = key.split(".")
        if inner:
            faults.add(
                (key,), f"takes whole names, without dots: {whole}: {{{'.'.join(inner)}: …}}"
            )
    if faults:
        faults.throw()
    return dict(raw)


def _times(raw: Any) -> int:
    if not 1 <= values.whole(raw) <= MAX_TIMES:
        raise values.fault(f"must be a count from 1 to {MAX_TIMES}", raw)
    return int(raw)


def _score(raw: Any) -> Any:
    """Returns what is expected of a score as a mapping, where it is a number alone."""
    if isinstance(raw, dict):
        return raw
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise values.fault("must be a number, or a mapping of value, level and grade", raw)
    return {"value": raw}


Facts = Annotated[dict[str, Any], PlainValidator(_facts)]
Names = Annotated[tuple[values.Name, ...], values.Listed]
Ids = Annotated[tuple[values.Id, ...], values.Listed]
Memberships = Annotated[
    dict[str, Annotated[Membership, _one_of(get_args(Membership))]], BeforeValidator(_filled)
]


class Given(Part):
    """What a person is before the case begins."""

    traits: Facts = Field(default_factory=dict)
    account: Facts = Field(default_factory=dict)
    """Traits of the person's account."""
    tags: Names = ()
    lists: Ids = ()
    status: values.Name | None = None

    hints: ClassVar = {"identify": "traits", "group": "account"}


class ScoreExpectation(Part):
    """What a score is expected to be; what is not said is not looked at."""

    value: values.Number | None = None
    level: values.Name | None = None
    grade: values.Name | None = None

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that something is expected."""
        if not raw and not faults:
            faults.add((), "needs one of value, level, grade")
        return raw


class Doing(Part):
    """Something that a trigger or a journey has done, or has not."""

    trigger: values.Id | None = None
    journey: values.Id | None = None

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that exactly one of the two is named."""
        said = [key for key in ("trigger", "journey") if key in raw]
        if len(said) != 1 and not faults:
            found = " and ".join(said) or "neither"
            faults.add((), f"takes one of trigger and journey, found {found}")
        return raw

    @property
    def doer(self) -> Key:
        """Kind and id of whose it is."""
        return ("trigger", self.trigger) if self.trigger else ("journey", self.journey or "")


class CommandExpectation(Doing):
    """A command that is expected; what is not said of it may be anything."""

    step: values.Id | None = None
    """Of the journey."""
    channel: Annotated[Channel, _one_of(get_args(Channel))] | None = None
    template: values.Name | None = None
    topic: values.Name | None = None
    url: webhooks.Url | None = None
    body: values.Mapping | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """What is said of it, beside whose it is."""
        names = type(self).model_fields.keys() - {"trigger", "journey"}
        said = {key: getattr(self, key) for key in type(self).model_fields if key in names}
        return {key: value for key, value in said.items() if value is not None}

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks whose it is."""
        if "step" in raw and "journey" not in raw:
            faults.add(("step",), "may only stand beside journey")
        return super().read(raw, faults)


class DecisionExpectation(Doing):
    """A decision that is expected: that a trigger fired, or somebody entered, or why not."""

    outcome: Annotated[Outcome, _one_of(get_args(Outcome))] | None = None
    reason: values.Name | None = None

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that something is expected of it."""
        if "outcome" not in raw and "reason" not in raw and not faults:
            faults.add((), "needs one of outcome, reason")
        return super().read(raw, faults)


OUT = "out"
"""Where somebody stands in a journey who has no run of it."""


class Expectation(Part):
    """What is so at the instant of a step, after all that it set off."""

    segments: Memberships | None = None
    lists: Memberships | None = None
    tags: Memberships | None = None
    status: values.Name | None = None
    """None in a document: the person has none."""
    traits: Annotated[dict[str, Any], PlainValidator(_filled)] | None = None
    """By path; None: unset."""
    scores: (
        Annotated[
            dict[str, Annotated[ScoreExpectation, BeforeValidator(_score)]],
            BeforeValidator(_filled),
        ]
        | None
    ) = None
    journeys: Annotated[dict[str, values.Id], BeforeValidator(_filled)] | None = None
    """The step at which the latest run of each waits; `out`: none goes on."""
    commands: Annotated[tuple[CommandExpectation, ...], values.Listed] | None = None
    """Exactly those since the last expectation that named commands; empty: none."""
    decisions: Annotated[tuple[DecisionExpectation, ...], values.Filled] | None = None
    """Among those since the last expectation that named decisions."""

    nullable = ("status",)

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that something is expected, and the paths of traits."""
        if not raw and not faults:
            faults.add((), f"needs one of {', '.join(cls.known_keys())}")
        traits = raw.get("traits")
        for path in traits if isinstance(traits, dict) else ():
            if not all(path.split(".")):
                faults.add(("traits", path), "must be a path such as company.country")
        return raw

    @property
    def names_status(self) -> bool:
        """Whether a status is expected, or none."""
        return "status" in self.model_fields_set


class Step(Part):
    """Time passes, then something happens, then something is expected; each of them may lack."""

    after: values.Duration | None = None
    """Ms since the step before."""
    at: values.Instant | None = None
    """Ms since the epoch."""
    event: values.Name | None = None
    properties: Facts = Field(default_factory=dict)
    identify: Facts | None = None
    group: Facts | None = None
    group_id: values.Name | None = None
    """The account that the person belongs to from now on."""
    person: values.Name | None = None
    """Who does it; None: the person of the case."""
    late_by: values.Duration | None = None
    """Ms: the event comes now, but happened so long ago."""
    times: Annotated[int, PlainValidator(_times)] = 1
    """How often it happens, at one instant."""
    expect: Expectation | None = None

    hints: ClassVar = {
        "track": "event",
        "traits": "identify",
        "account": "group",
        "wait": "after",
        "where": "properties",
        "happened": "late_by",
        "groupId": "group_id",
        "who": "person",
    }

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks which keys may stand beside each other."""
        for group in (HAPPENINGS, ("after", "at")):
            said = [key for key in group if key in raw]
            if len(said) > 1:
                found = " and ".join(said)
                faults.add((), f"takes only one of {', '.join(group)}, found {found}")
        if not raw and not faults:
            faults.add((), f"needs one of after, at, {', '.join(HAPPENINGS)}, expect")
        if "properties" in raw and "event" not in raw:
            faults.add(("properties",), "may only stand beside event")
        if "group_id" in raw and "group" not in raw:
            faults.add(("group_id",), "may only stand beside group")
        for key in ("late_by", "times", "person"):
            if key in raw and not any(each in raw for each in HAPPENINGS):
                faults.add((key,), f"may only stand beside {', '.join(HAPPENINGS)}")
        name = raw.get("event")
        if isinstance(name, str) and name in EVENT_KEYS:
            faults.add(("event",), f"{name} is written {EVENT_KEYS[name]}: {{…}}")
        return raw


class Case(Part):
    """One story of one person, in which others may appear."""

    name: values.Name
    person: values.Name = "somebody"
    """The profile's id: `bucket` conditions go by it."""
    given: Given | None = None
    """None: nobody knows the person before its first event."""
    at: values.Instant = START_MS
    steps: Annotated[tuple[Step, ...], values.Filled]

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that the case can fail."""
        steps = raw.get("steps")
        if isinstance(steps, list) and steps and not faults:
            said = {key for step in steps if isinstance(step, dict) for key in step}
            if said and not any(suggestions.nearest(key, ("expect",)) for key in said):
                faults.add(("steps",), "nothing is expected: add expect to a step")
        return raw

    def instants(self) -> Iterator[int]:
        """Yields when each step is, in ms."""
        now = self.at
        for step in self.steps:
            now = step.at if step.at is not None else now + (step.after or 0)
            yield now


class Cases(Part):
    """A test file."""

    cases: Annotated[tuple[Case, ...], values.Filled]

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that no name is there twice."""
        found = raw.get("cases")
        seen: dict[str, int] = {}
        for place, case in enumerate(found if isinstance(found, list) else ()):
            name = case.get("name") if isinstance(case, dict) else None
            if isinstance(name, str) and seen.setdefault(name, place) != place:
                path: Path = ("cases", place, "name")
                faults.add(path, f"a case of this name is there, cases[{seen[name]}]")
        return raw
