"""Steps of a journey: what is done, waited for, or decided at each."""

from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    PlainValidator,
    SkipValidation,
    Tag,
    TypeAdapter,
    ValidationError,
)

from processors.definitions import parts, values
from processors.definitions.actions import ACTIONS, LATER_ACTIONS, Action, Webhook
from processors.definitions.conditions import Condition
from processors.definitions.hours import Days
from processors.definitions.occurrences import Where
from processors.definitions.parts import TAG, Faults, Part

WHOLE = 100
"""What the shares of a split add up to."""
MAX_VARIANTS = 20
MAX_CASES = 50

Missing = Literal["skip", "exit", "hold"]
Origin = Literal["step", "entry"]


def _same(raw: Any) -> dict[str, str]:
    """Returns which property of an event must be what the run has under which name."""
    if isinstance(raw, dict) and raw:
        return {values.trait_path(key): values.trait_path(held) for key, held in raw.items()}
    return {values.trait_path(raw): values.trait_path(raw)}


Same = Annotated[dict[str, str], PlainValidator(_same)]


class Arrival(Part):
    """An event as it comes."""

    event: values.Name
    where: Where = ()
    same: Same = Field(default_factory=dict)
    """By the event's property, the name under which the run has what it must be."""


class Goal(Arrival):
    """The event that a journey is for."""

    within: values.Duration | None = None
    """Ms after entry, also after the end; None: as long as the run goes on."""


def _awaited(raw: Any) -> str:
    is_arrival = isinstance(raw, dict) and "event" in raw and raw.keys() <= ARRIVAL
    return TAG + ("arrival" if is_arrival or isinstance(raw, Arrival) else "condition")


ARRIVAL = frozenset({"event", "where", "same"})
Awaited = Annotated[
    Annotated[Arrival, Tag(TAG + "arrival")] | Annotated[Condition, Tag(TAG + "condition")],
    Discriminator(_awaited),
]
"""An event as it comes, or a condition."""


class TraitClock(Part):
    """The time of day that a trait of the person names: an hour from 0 to 23, or as "09:30"."""

    trait: values.TraitPath
    otherwise: values.Clock = Field(alias="else")
    """Where the trait names none."""


def _clock(raw: Any) -> str:
    return TAG + ("trait" if isinstance(raw, dict | TraitClock) else "clock")


At = Annotated[
    Annotated[TraitClock, Tag(TAG + "trait")] | Annotated[values.Clock, Tag(TAG + "clock")],
    Discriminator(_clock),
]


class Wait(Part):
    """A step at which time passes: so long, to a time of day, to a date, or until something is."""

    lasting: values.Duration | None = Field(default=None, alias="for")
    """Ms."""
    at: At | None = None
    days: Days | None = None
    timezone: values.Zone = "UTC"
    until: Awaited | None = None
    timeout: values.Duration | None = None
    """Ms."""
    origin: Annotated[Origin, values.one_of(get_args(Origin))] = Field(default="step", alias="from")
    """What the time-out counts from."""
    otherwise: values.Id | None = Field(default=None, alias="else")
    """Where to go after the time-out; None: as after success."""
    date: values.TraitPath | None = None
    offset: values.Offset = 0
    """Ms."""
    missing: Annotated[Missing, values.one_of(get_args(Missing))] = "skip"
    """What to do where there is no date."""
    past: values.Id | None = None
    """Where to go if the date has passed already; None: on."""

    hints: ClassVar = {"duration": "for", "delay": "for", "on_timeout": "else", "within": "timeout"}

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that it waits for one thing, and is told nothing of another."""
        sorts = [key for key in ("until", "date") if key in raw]
        if len(sorts) > 1:
            faults.add((), "waits for one thing only, found until and date: make them two steps")
            return raw
        sort = sorts[0] if sorts else "for"
        if sort == "for" and not raw.keys() & {"for", "at", "days"} and not faults:
            faults.add((), "needs one of for, at, days, until, date")
        if sort == "date" and isinstance(raw.get("at"), dict):
            faults.add(("at",), "is a time of day beside date, not that of a trait")
        for key in raw.keys() - OF_SORT[sort]:
            faults.add((key,), f"may only stand beside {BESIDE[key]}")
        if "timeout" not in raw:
            for key in ("else", "from"):
                if key in raw and sort == "until":
                    faults.add((key,), "may only stand beside timeout")
        return raw


OF_SORT = {
    "for": {"for", "at", "days", "timezone"},
    "until": {"until", "timeout", "from", "else"},
    "date": {"date", "offset", "at", "timezone", "missing", "past"},
}
"""The keys of a wait that belong together."""
BESIDE = {
    "for": "at, days and timezone",
    "at": "for, days or date",
    "days": "for and at",
    "timezone": "at, days or date",
    "timeout": "until",
    "else": "until",
    "from": "until",
    "offset": "date",
    "missing": "date",
    "past": "date",
}


class Call(Webhook):
    """A step that posts to an address, and may wait for the answer."""

    timeout: values.Duration | None = None
    """Ms, how long to wait; None: not at all."""
    otherwise: values.Id | None = Field(default=None, alias="else")
    """Where to go after the time-out; None: on."""

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that the way is that of a wait."""
        if "else" in raw and "timeout" not in raw:
            faults.add(("else",), "may only stand beside timeout")
        return super().read(raw, faults)


class Case(Part):
    """One way of a branch."""

    when: Condition
    go: values.Id


class Branch(Part):
    """A step that goes the first way whose condition holds."""

    cases: Annotated[tuple[Case, ...], values.Filled]
    otherwise: values.Id | None = Field(default=None, alias="else")
    """None: on to the next step."""

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that there are not too many ways."""
        cases = raw.get("cases")
        if isinstance(cases, list) and len(cases) > MAX_CASES:
            faults.add(("cases",), f"must have at most {MAX_CASES} cases, found {len(cases)}")
        return raw


class Split(Part):
    """A step that divides people by a stable hash."""

    variants: Annotated[dict[str, values.Percent], BeforeValidator(values.mapping)]
    """Percent by name."""
    salt: values.Name | None = None
    go: Annotated[dict[str, values.Id], BeforeValidator(values.mapping)] = Field(
        default_factory=dict
    )
    """By variant; one that is not named goes on."""

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that the shares are those of a whole, and that ways are those of variants."""
        variants = raw.get("variants")
        if not isinstance(variants, dict):
            return raw
        for name in variants:
            try:
                values.text(name)
            except ValueError as error:
                faults.add(("variants", name), f"as a name it {error}")
        shares = list(variants.values())
        if len(shares) > MAX_VARIANTS:
            faults.add(("variants",), f"must have at most {MAX_VARIANTS}, found {len(shares)}")
        is_number = all(isinstance(each, int | float) for each in shares)
        if is_number and abs(sum(shares) - WHOLE) > 1e-9:
            said = f"must add up to {WHOLE}, found {sum(shares):g}"
            faults.add(("variants",), said)
        ways = raw.get("go")
        for name in ways if isinstance(ways, dict) else ():
            if name not in variants:
                faults.add(("go", name), f"is no variant; they are {', '.join(variants)}")
        return raw


class Start(Part):
    """A step that begins a run of another journey, and may wait for its end."""

    journey: values.Id
    wait: values.Boolean = False


class Exit(Part):
    """A step that ends the run."""

    reason: values.Name


class Go(Part):
    """A step that does nothing but go on."""


def _start(raw: Any) -> Any:
    return {"journey": raw} if isinstance(raw, str) else raw


def _exit(raw: Any) -> Any:
    return {"reason": values.text(raw)}


Does = Action | Call | Wait | Branch | Split | Start | Exit | Go

KINDS: dict[str, TypeAdapter[Any]] = {
    "wait": TypeAdapter(Wait),
    "branch": TypeAdapter(Branch),
    "split": TypeAdapter(Split),
    "webhook": TypeAdapter(Call),
    "start_journey": TypeAdapter(Annotated[Start, BeforeValidator(_start)]),
    "exit": TypeAdapter(Annotated[Exit, BeforeValidator(_exit)]),
}
"""The steps that are no actions of triggers, or more than those."""
HEADS = (*dict.fromkeys((*KINDS, *ACTIONS)),)
_ACTION: TypeAdapter[Any] = TypeAdapter(Action)


DOES = TAG + "does"


class Step(Part):
    """One step: its name, what it does, and where it leads."""

    id: values.Id
    does: Annotated[Does, SkipValidation] = Field(alias="\0does")
    go: values.Id | None = None
    """The step after it; None: the next one of the list."""
    when: Condition | None = None
    """Where it does not hold the step is left out."""

    hints: ClassVar = {"next": "go", "goto": "go", "delay": "wait", "condition": "branch"}

    @classmethod
    def known_keys(cls) -> list[str]:
        """Returns id, what a step can do, and where it can lead."""
        return ["id", *HEADS, "go", "when"]

    @classmethod
    def _known(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        kept = {key: value for key, value in raw.items() if key not in LATER_ACTIONS}
        for key in raw.keys() - kept.keys():
            faults.add((key,), parts.LATER)
        return super()._known(kept, faults)

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Returns what the step does, read as its one head says."""
        fields: dict[str, Any] = {key: raw[key] for key in ("id", "go", "when") if key in raw}
        heads = [key for key in raw if key in HEADS]
        fields[DOES] = Go()
        if len(heads) > 1:
            said = " and ".join(heads)
            faults.add((), f"a step is one thing only, found {said}: make them separate")
        elif not heads and "go" not in raw and not faults:
            faults.add((), f"a step needs one of {', '.join(HEADS)}, or go")
        elif heads:
            fields[DOES] = _read(heads[0], raw[heads[0]], faults)
        if heads == ["exit"] and "go" in raw:
            faults.add(("go",), "may not stand beside exit: nothing comes after it")
        if "when" in raw and not any(head in ACTIONS for head in heads):
            faults.add(("when",), "may only stand beside an action; for ways there is branch")
        return fields


def _read(head: str, raw: Any, faults: Faults) -> Any:
    is_action = head not in KINDS
    try:
        if is_action:
            return _ACTION.validate_python({head: raw})
        return KINDS[head].validate_python(raw)
    except ValidationError as error:
        faults.take(() if is_action else (head,), error)
    return Go()
