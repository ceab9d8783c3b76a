"""Templates (what a message says) and partials (what several templates say alike).

Their texts are checked here as far as their shape goes; what Liquid and MJML make of them is the
business of `processors.content`. Nothing in them decides: a new one is no new set.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field, PlainValidator

from processors.definitions import values
from processors.definitions.errors import Path
from processors.definitions.parts import Faults, Part, Written

Channel = Literal["email", "sms", "push", "whatsapp", "inbox", "slack", "task"]
"""Channels whose messages are worded; a webhook carries what its action says."""
Type = Literal["text", "number", "boolean", "list", "mapping"]

MAX_SUBJECT_CHARS = 500
MAX_VARIANTS = 20
TEXT_KEYS = ("html", "mjml", "text")
"""Texts that may lie in a file of their own."""
COMMON = ("kind", "id", "name", "description", "channel", "category", "language", "catalogue")
COMMON_TOO = ("variables", "variants", "locales")
KEYS: Mapping[str, tuple[str, ...]] = {
    "email": ("subject", "preheader", "html", "mjml", "text", "from", "reply_to", "utm"),
    "sms": ("text", "from"),
    "push": ("push",),
    "whatsapp": ("whatsapp",),
    "inbox": ("inbox",),
    "slack": ("text",),
    "task": ("task",),
}
"""What a template of each channel says."""

_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "text": str,
    "number": (int, float),
    "boolean": bool,
    "list": list,
    "mapping": dict,
}


def source(value: Any) -> str:
    """Returns a text that may hold Liquid, of any number of lines."""
    if isinstance(value, dict) and "file" in value:
        raise values.fault("must be text: {file: …} is for files in a folder", value)
    if not isinstance(value, str) or not value.strip():
        raise values.fault("must be text", value)
    return value


def line(value: Any) -> str:
    """Returns a text that may hold Liquid, of one line."""
    said = source(value).strip()
    if not said.isprintable() or len(said) > MAX_SUBJECT_CHARS:
        expected = f"must be one line of 1 to {MAX_SUBJECT_CHARS} characters"
        raise values.fault(expected, value)
    return said


def locale(value: Any) -> str:
    """Returns a language, with its region where one is meant.

    Source: BCP 47, the part of it that translations go by.
    """
    if not isinstance(value, str) or not _LOCALE.fullmatch(value):
        raise values.fault("must be a language such as de, de-AT or zh-Hant-TW", value)
    return value


def keyed(check: Callable[[Any], str]) -> Callable[[Any], Any]:
    """Returns what checks that a value is a mapping with such keys."""

    def read(value: Any) -> Any:
        for key in values.mapping(value):
            check(key)
        return value

    return read


def has_type(value: Any, wanted: str) -> bool:
    """Returns whether a value is of a declared type; true and false are no numbers.

    >>> has_type("x", "text"), has_type(True, "number")
    (True, False)
    """
    return isinstance(value, _TYPES[wanted]) and isinstance(value, bool) == (wanted == "boolean")


Source = Annotated[str, PlainValidator(source)]
Line = Annotated[str, PlainValidator(line)]
Locale = Annotated[str, PlainValidator(locale)]


class Notice(Part):
    """A message of a title and a text: push, inbox, task."""

    title: Line
    body: Source
    url: Line | None = None
    image: Line | None = None
    data: values.Mapping | None = None


class Approved(Part):
    """A message of WhatsApp: a template that Meta has approved, and what fills it in."""

    template: values.Name
    language: values.Name | None = None
    parameters: Annotated[tuple[Line, ...], values.Listed] = ()


class Utm(Part):
    """What is added to the links of a mail, so that reports know where people came from."""

    source: values.Name
    medium: values.Name = "email"
    campaign: values.Name | None = None
    content: values.Name | None = None
    term: values.Name | None = None


class Wording(Part):
    """The texts of one language."""

    subject: Line | None = None
    preheader: Line | None = None
    html: Source | None = None
    mjml: Source | None = None
    text: Source | None = None
    push: Notice | None = None
    whatsapp: Approved | None = None
    inbox: Notice | None = None
    task: Notice | None = None
    sender: Line | None = Field(default=None, alias="from")
    reply_to: Line | None = None

    hints: ClassVar = {"body": "html", "title": "subject", "preview": "preheader"}

    def over(self, general: "Wording") -> "Wording":
        """Returns the texts with those of the general wording where there are none here."""
        fields = {name: getattr(self, name) or getattr(general, name) for name in NAMES}
        if self.html is not None or self.mjml is not None:
            fields |= {name: getattr(self, name) for name in TEXT_KEYS}
        return Wording.model_construct(**fields)


NAMES = tuple(Wording.model_fields)
WORDS = tuple(Wording.known_keys())


class Variant(Wording):
    """One of several wordings: how many people get it, and what it says otherwise."""

    name: values.Id
    """As outcomes and events have it."""
    weight: values.Tally
    """Its share is that of all weights."""
    locales: Annotated[dict[str, Wording], BeforeValidator(keyed(locale))] = Field(
        default_factory=dict
    )


class Variable(Part):
    """What a template wants to be told."""

    type: Annotated[Type, values.one_of(get_args(Type))] = "text"
    default: Any = None
    required: values.Boolean = False
    example: Any = None
    description: values.Prose | None = None

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that examples are of the type, and that what is required has no default."""
        wanted = raw.get("type", "text")
        for key in ("default", "example"):
            if key in raw and wanted in get_args(Type) and not has_type(raw[key], wanted):
                faults.add((key,), f"must be a {wanted}, found {values.describe(raw[key])}")
        if raw.get("required") is True and "default" in raw:
            faults.add(("default",), "is never used: the variable is required")
        return raw


class Template(Wording, Written):
    """What a message says, in one or several languages."""

    kind: Literal["template"]
    name: values.Name
    channel: Annotated[Channel, values.one_of(get_args(Channel))]
    category: values.Name | None = None
    language: Locale | None = None
    catalogue: values.Id | None = None
    """Whose items it recommends; None: it recommends none."""
    utm: Utm | None = None
    variables: Annotated[dict[str, Variable], BeforeValidator(keyed(values.trait_path))] = Field(
        default_factory=dict
    )
    locales: Annotated[dict[str, Wording], BeforeValidator(keyed(locale))] = Field(
        default_factory=dict
    )
    variants: Annotated[tuple[Variant, ...], values.Filled] = ()

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that it says what its channel takes, and nothing else."""
        channel = raw.get("channel")
        if not isinstance(channel, str) or channel not in KEYS:
            return raw
        allowed = KEYS[channel]
        for key in raw:
            if key not in (*COMMON, *COMMON_TOO, *allowed):
                said = f"does not belong to {channel}; it has {', '.join(allowed)}"
                faults.add((key,), said)
        _check_missing(channel, raw, faults)
        _check_bodies((), raw, faults)
        locales = raw.get("locales")
        for name, wording in locales.items() if isinstance(locales, dict) else ():
            if isinstance(wording, dict):
                _check_locale(("locales", name), wording, allowed, faults)
        _check_variants(raw, allowed, faults)
        return raw

    def worded(self, name: str | None, variant: Variant | None = None) -> Wording:
        """Returns the texts in one of its languages; None: as they are for all others.

        Args:
            name: of the language.
            variant: one of its own, whose texts stand over the others; None: none.
        """
        found = Wording.model_construct(**{each: getattr(self, each) for each in NAMES})
        if name is not None:
            found = self.locales[name].over(found)
        if variant is not None:
            found = variant.over(found)
            if name in variant.locales:
                found = variant.locales[name].over(found)
        return found

    def texts(self) -> Iterator[tuple[Path, str]]:
        """Yields all texts that may hold Liquid, with their places in the document."""
        yield from _texts((), self)
        for name, wording in self.locales.items():
            yield from _texts(("locales", name), wording)
        for place, variant in enumerate(self.variants):
            yield from _texts(("variants", place), variant)
            for name, wording in variant.locales.items():
                yield from _texts(("variants", place, "locales", name), wording)


class Partial(Written):
    """A piece of text that templates of any channel take in."""

    kind: Literal["partial"]
    html: Source | None = None
    mjml: Source | None = None
    text: Source | None = None

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that there is a text, and one of HTML and MJML at most."""
        if not any(key in raw for key in TEXT_KEYS):
            faults.add((), "a partial needs html, mjml or text")
        _check_bodies((), raw, faults)
        return raw

    def texts(self) -> Iterator[tuple[Path, str]]:
        """Yields all texts that may hold Liquid, with their places in the document."""
        yield from _strings((), {key: getattr(self, key) for key in TEXT_KEYS})


def _check_missing(channel: str, raw: Mapping[str, Any], faults: Faults) -> None:
    if channel == "email":
        if "subject" not in raw:
            faults.add((), "a mail needs the key subject")
        if not any(key in raw for key in TEXT_KEYS):
            faults.add((), "a mail needs html, mjml or text")
    elif KEYS[channel][0] not in raw:
        faults.add((), f"a template of {channel} needs the key {KEYS[channel][0]}")


def _check_bodies(path: Path, raw: Mapping[str, Any], faults: Faults) -> None:
    if "html" in raw and "mjml" in raw:
        faults.add((*path, "mjml"), "is HTML in another form: leave out html or mjml")


def _check_locale(
    path: Path, raw: Mapping[str, Any], allowed: tuple[str, ...], faults: Faults
) -> None:
    for key in raw:
        if key in WORDS and key not in allowed:
            faults.add((*path, key), f"does not belong here; allowed: {', '.join(allowed)}")
    _check_bodies(path, raw, faults)


def _check_variants(raw: Mapping[str, Any], allowed: tuple[str, ...], faults: Faults) -> None:
    """Checks names and weights, and that each language gets what a variant changes."""
    variants = raw.get("variants")
    if not isinstance(variants, list) or not all(isinstance(each, dict) for each in variants):
        return
    if len(variants) > MAX_VARIANTS:
        faults.add(("variants",), f"must have at most {MAX_VARIANTS}, found {len(variants)}")
    weights = [each.get("weight") for each in variants]
    if weights and all(type(each) is int and each == 0 for each in weights):
        faults.add(("variants",), "must have a weight above 0: nobody would get any of them")
    names = [each.get("name") for each in variants]
    for place, variant in enumerate(variants):
        if names[place] is not None and names[place] in names[:place]:
            faults.add(("variants", place, "name"), "is used twice")
        _check_variant(("variants", place), variant, raw, allowed, faults)


def _check_variant(
    path: Path,
    variant: Mapping[str, Any],
    raw: Mapping[str, Any],
    allowed: tuple[str, ...],
    faults: Faults,
) -> None:
    locales, own = (
        each if isinstance(each, dict) else {}
        for each in (raw.get("locales"), variant.get("locales"))
    )
    _check_locale(path, variant, allowed, faults)
    for name, wording in own.items():
        if name not in locales:
            said = f"is no language of the template; they are {', '.join(locales) or 'none'}"
            faults.add((*path, "locales", name), said)
        elif isinstance(wording, dict):
            _check_locale((*path, "locales", name), wording, allowed, faults)
    for name, wording in locales.items():
        changed = _groups(variant) & _groups(wording) - _groups(own.get(name))
        for key in sorted(changed):
            said = f"is needed: the variant and locales.{name} both have their own"
            faults.add((*path, "locales", name, key), said)


def _groups(wording: Any) -> set[str]:
    """Returns what a wording says; HTML and text go together."""
    said = wording if isinstance(wording, dict) else {}
    return {"html" if key in TEXT_KEYS else key for key in said if key in WORDS}


def _texts(path: Path, wording: Wording) -> Iterator[tuple[Path, str]]:
    for name in NAMES:
        key = "from" if name == "sender" else name
        found = getattr(wording, name)
        if isinstance(found, Part):
            found = found.model_dump(exclude={"template", "language"})
        yield from _strings((*path, key), found)


def _strings(path: Path, value: Any) -> Iterator[tuple[Path, str]]:
    """Yields the texts in a JSON-like value, with their places."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _strings((*path, key), each)
    elif isinstance(value, (list, tuple)):
        for place, each in enumerate(value):
            yield from _strings((*path, place), each)
