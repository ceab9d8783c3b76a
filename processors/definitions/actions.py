"""Actions: what triggers and journeys do for a person."""

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Discriminator, Field, PlainValidator, Tag

from processors.definitions import durations, parts, values, webhooks
from processors.definitions.errors import Path
from processors.definitions.parts import TAG, Faults, Part
from schemas import headers

Channel = Literal[
    "email", "sms", "push", "whatsapp", "inbox", "slack", "webhook", "crm", "task", "audience"
]
WORDED = tuple(each for each in get_args(Channel) if each != "audience")
"""Channels that messages go on."""
Service = Literal["meta", "google"]
Priority = Literal["low", "medium", "high"]
Method = Literal["POST", "PUT", "PATCH", "DELETE", "GET"]


def ahead(value: Any) -> int:
    """Returns the ms of a duration from now on, with or without a plus."""
    said = value if isinstance(value, str) else ""
    try:
        return durations.parse(said.removeprefix("+"))
    except ValueError:
        expected = "must be a duration such as 3d or +3d, more than 0, at most ten years"
        raise values.fault(expected, value) from None


Ahead = Annotated[int, PlainValidator(ahead)]


class Send(Part):
    """A message on a channel."""

    channel: Annotated[Channel, values.one_of(WORDED)]
    template: values.Name
    topic: values.Name | None = None


class AddTag(Part):
    """Tags the person."""

    tag: values.Name = Field(alias="add_tag")


class RemoveTag(Part):
    """Takes a tag from the person."""

    tag: values.Name = Field(alias="remove_tag")


class Source(Part):
    """Where a value comes from when the action is carried out."""

    property: values.TraitPath | None = None
    """Of the event at hand; in a journey of what the run knows."""
    trait: values.TraitPath | None = None
    time: Annotated[Literal["now"], values.one_of(("now",))] | None = None
    """The instant, in UTC."""

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that it comes from one place."""
        if len(raw) != 1 and not faults:
            found = " and ".join(raw) or "nothing"
            faults.add((), f"takes exactly one of {', '.join(cls.known_keys())}, found {found}")
        return raw


def _told(raw: Any) -> str:
    return TAG + ("source" if isinstance(raw, dict | Source) else "told")


Told = Annotated[
    Annotated[Source, Tag(TAG + "source")]
    | Annotated[Any, PlainValidator(values.told), Tag(TAG + "told")],
    Discriminator(_told),
]
"""What a model is told: as written, or from where it comes."""


class SetTrait(Part):
    """Sets a whole trait: to a value, to what comes from elsewhere, or to what a model gives."""

    trait: values.TraitKey
    value: Any = None
    """Null unsets it."""
    source: Source | None = Field(default=None, alias="from")
    model: values.Id | None = None
    """Python that a data engineer has registered."""
    parameters: Annotated[dict[str, Told], BeforeValidator(values.mapping)] = Field(
        default={}, alias="with"
    )

    nullable = ("value",)
    hints: ClassVar = {"parameters": "with", "to": "value"}

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that it is of one sort."""
        said = [key for key in ("value", "from", "model") if key in raw]
        if len(said) > 1:
            faults.add((), f"takes only one of value, from and model, found {' and '.join(said)}")
        elif not said and not faults:
            faults.add((), "needs value, or from (where it comes from), or model (what gives it)")
        if "with" in raw and "model" not in raw:
            faults.add(("with",), "may only stand beside model")
        return raw


class SetStatus(Part):
    """Sets the person's status."""

    status: values.Name = Field(alias="set_status")


class AddToList(Part):
    """Puts the person on a list."""

    list_id: values.Id = Field(alias="add_to_list")


class RemoveFromList(Part):
    """Takes the person off a list."""

    list_id: values.Id = Field(alias="remove_from_list")


def _headers(raw: Any) -> Any:
    """Returns the headers of a webhook, if they are such as a sender may write."""
    found, faults = values.mapping(raw), Faults()
    for name, value in found.items():
        said = headers.wrong_name(name)
        if said is None:
            said = webhooks.wrong_header(value) if isinstance(value, str) else "must be a text"
        if said is not None:
            faults.add((name,), said)
    if len({name.lower() for name in found}) < len(found):
        faults.add((), "has a header twice: their names do not differ by large and small letters")
    if len(found) > headers.MAX_HEADERS:
        faults.add((), f"must have at most {headers.MAX_HEADERS}, found {len(found)}")
    if faults:
        faults.throw()
    return found


def _audience(value: Any) -> str:
    """Returns the service's id of an audience, which is a number."""
    said = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(said, str) or re.fullmatch("[0-9]{1,30}", said) is None:
        raise values.fault("must be the number of an audience, as its service shows it", value)
    return said


class RemoveFromAudience(Part):
    """Takes the person off an audience of advertisers."""

    service: Annotated[Service, values.one_of(get_args(Service))]
    audience: Annotated[str, PlainValidator(_audience)]

    hints: ClassVar = {"id": "audience", "provider": "service"}


class AddToAudience(RemoveFromAudience):
    """Puts the person on an audience of advertisers."""

    topic: values.Name | None = None


class Webhook(Part):
    """Asks an address."""

    url: webhooks.Url
    method: Annotated[Method, values.one_of(get_args(Method))] = "POST"
    headers: Annotated[dict[str, str], BeforeValidator(_headers)] = Field(default={})
    body: values.Mapping | None = None

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that a GET says all by its address."""
        if raw.get("method") == "GET" and "body" in raw:
            faults.add(("body",), "may not stand beside method: GET")
        return raw

    @cached_property
    def has_values(self) -> bool:
        """Whether its sender fills values in."""
        return any(True for _ in self.texts())

    def texts(self) -> Iterator[tuple[Path, str]]:
        """Yields the texts that are Liquid, each with its place."""
        return webhooks.texts(self.url, self.headers, self.body)


class CreateTask(Part):
    """Something that somebody of the team is to do for the person."""

    title: values.Name
    description: values.Prose | None = None
    assignee: values.Name | None = None
    due: Ahead | None = None
    """Ms, from now on; None: at no time."""
    priority: Annotated[Priority, values.one_of(get_args(Priority))] = "medium"

    hints: ClassVar = {"name": "title", "text": "description", "due_in": "due", "owner": "assignee"}


class AddPoints(Part):
    """Adds to a score once, for good or for a time."""

    score: values.Id
    points: values.Whole
    lasting: values.Duration | None = Field(default=None, alias="for")
    """Ms; None: for good."""
    reason: values.Name | None = None

    hints: ClassVar = {"within": "for"}


class SetPoints(Part):
    """Has a score come to a value, once: what triggers have added to it moves so far."""

    score: values.Id
    value: values.Whole
    reason: values.Name | None = None

    hints: ClassVar = {"points": "value", "to": "value"}


class Emit(Part):
    """A further event of the same person."""

    event: values.Name
    properties: values.Mapping = Field(default_factory=dict)


class StartJourney(Part):
    """Begins a run of a journey."""

    journey: values.Id = Field(alias="start_journey")


class StopJourney(Part):
    """Ends the person's runs of a journey."""

    journey: values.Id = Field(alias="stop_journey")


ACTIONS: dict[str, type[Part]] = {
    "send": Send,
    "add_tag": AddTag,
    "remove_tag": RemoveTag,
    "set_trait": SetTrait,
    "set_status": SetStatus,
    "add_to_list": AddToList,
    "remove_from_list": RemoveFromList,
    "add_to_audience": AddToAudience,
    "remove_from_audience": RemoveFromAudience,
    "webhook": Webhook,
    "create_task": CreateTask,
    "add_points": AddPoints,
    "set_points": SetPoints,
    "emit": Emit,
    "start_journey": StartJourney,
    "stop_journey": StopJourney,
}
LATER_ACTIONS = ("crm",)
FLAT = (
    "add_tag",
    "remove_tag",
    "set_status",
    "add_to_list",
    "remove_from_list",
    "start_journey",
    "stop_journey",
)
"""Actions whose value is one id or name: the model reads the action's mapping itself."""


def _choose_action(raw: Any) -> Any:
    chosen = parts.choose(raw, "an action", tuple(ACTIONS), LATER_ACTIONS)
    if isinstance(chosen, dict) and len(chosen) > 1:
        faults = Faults()
        for key in chosen:
            if key not in ACTIONS:
                faults.add((key,), "unknown key; an action is a mapping with one key")
        faults.throw()
    return chosen


def _action(raw: Any) -> str:
    """Returns the tag: that of a nested action is its key, so that paths read as written."""
    name = parts.head(raw, ACTIONS).removeprefix(TAG)
    return TAG + name if name in FLAT else name


def _inner(raw: Any) -> Any:
    return next(iter(raw.values())) if isinstance(raw, dict) else raw


Inner = BeforeValidator(_inner)

Action = Annotated[
    Annotated[Send, Inner, Tag("send")]
    | Annotated[AddTag, Tag(TAG + "add_tag")]
    | Annotated[RemoveTag, Tag(TAG + "remove_tag")]
    | Annotated[SetTrait, Inner, Tag("set_trait")]
    | Annotated[SetStatus, Tag(TAG + "set_status")]
    | Annotated[AddToList, Tag(TAG + "add_to_list")]
    | Annotated[RemoveFromList, Tag(TAG + "remove_from_list")]
    | Annotated[AddToAudience, Inner, Tag("add_to_audience")]
    | Annotated[RemoveFromAudience, Inner, Tag("remove_from_audience")]
    | Annotated[Webhook, Inner, Tag("webhook")]
    | Annotated[CreateTask, Inner, Tag("create_task")]
    | Annotated[AddPoints, Inner, Tag("add_points")]
    | Annotated[SetPoints, Inner, Tag("set_points")]
    | Annotated[Emit, Inner, Tag("emit")]
    | Annotated[StartJourney, Tag(TAG + "start_journey")]
    | Annotated[StopJourney, Tag(TAG + "stop_journey")],
    Discriminator(_action),
    BeforeValidator(_choose_action),
]
