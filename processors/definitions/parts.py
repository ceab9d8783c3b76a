"""What every piece of a definition has in common: it says in plain words all that is wrong.

Pydantic checks the fields; here each model adds what only it knows (unknown keys with the nearest
known one, keys left empty, keys that exclude each other), so that one mistake gives one message.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NoReturn, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from processors.definitions import suggestions, values
from processors.definitions.errors import Path, show

TAG = "\0"
"""Begins the names by which pydantic tells models apart: no document may hold this character."""
LATER = "not in this version"
MAX_NAMED = 5
"""Keys of a mapping that a message repeats."""


class Faults(list[tuple[Path, str]]):
    """The mistakes found so far, each with its place."""

    def add(self, path: Path, message: str) -> None:
        """Notes one mistake."""
        self.append((path, message))

    def take(self, path: Path, error: ValidationError) -> None:
        """Notes the mistakes that pydantic found below a place."""
        for each in error.errors(include_url=False, include_input=False):
            inner = path + each["loc"]
            if each["type"] == "missing":
                self.append((inner[:-1], f"needs the key {inner[-1]}"))
            else:
                self.append((inner, each["msg"]))

    def throw(self) -> NoReturn:
        """Raises all of them, in the form that pydantic hands on upwards."""
        raise ValidationError.from_exception_data(
            "definition",
            [
                InitErrorDetails(
                    type=PydanticCustomError("definition", "{text}", {"text": message}),
                    loc=path,
                    input=None,
                )
                for path, message in self
            ],
        )


class Part(BaseModel):
    """A piece of a definition: frozen, strict, and complete in its complaints."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    later: ClassVar[Sequence[str]] = ()
    """Keys that the grammar has and this version does not."""
    nullable: ClassVar[Sequence[str]] = ()
    """Keys that may be null: for all others an empty value is a slip."""
    hints: ClassVar[Mapping[str, str]] = {}
    """What people coming from elsewhere write, and what it is called here."""

    @classmethod
    def known_keys(cls) -> list[str]:
        """Returns the keys that a document may have here, in the order of the reference."""
        return [field.alias or name for name, field in cls.model_fields.items()]

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Returns the fields as this model has them; notes what no single field can know."""
        return raw

    @model_validator(mode="wrap")
    @classmethod
    def _gather(cls, raw: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(raw, cls):
            return handler(raw)
        if not isinstance(raw, dict):
            raise values.fault(f"must be a mapping of {', '.join(cls.known_keys())}", raw)
        faults = Faults()
        fields = cls.read(cls._known(raw, faults), faults)
        noted = {path[0] for path, _ in faults if path} | cls._meant(raw)
        try:
            made = handler(fields)
            if not faults:
                return made
        except ValidationError as error:
            found = Faults()
            found.take((), error)
            faults.extend(each for each in found if not cls._is_repeat(each, noted))
        faults.throw()

    @classmethod
    def _known(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        known = cls.known_keys()
        fields = {}
        for key, value in raw.items():
            if key in cls.later:
                faults.add((key,), LATER)
            elif key not in known:
                faults.add((key,), cls._unknown(key))
            elif value is None and key not in cls.nullable:
                faults.add((key,), "is empty; give it a value or leave the key out")
            else:
                fields[key] = value
        return fields

    @classmethod
    def _nearest(cls, key: str) -> str | None:
        return cls.hints.get(key) or suggestions.nearest(key, cls.known_keys())

    @classmethod
    def _unknown(cls, key: str) -> str:
        meant = cls._nearest(key)
        if meant:
            return f"unknown key; did you mean {meant}?"
        return f"unknown key; allowed here: {', '.join(cls.known_keys())}"

    @classmethod
    def _meant(cls, raw: dict[str, Any]) -> set[str]:
        known = cls.known_keys()
        return {meant for key in raw if key not in known and (meant := cls._nearest(key))}

    @staticmethod
    def _is_repeat(found: tuple[Path, str], noted: set[str | int]) -> bool:
        """Returns whether a missing key was misspelt or left empty, which has been said."""
        path, message = found
        return not path and message.removeprefix("needs the key ") in noted


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a definition comes from: the document as written, and its place in a file."""

    document: Mapping[str, Any]
    version: str
    file: str | None
    lines: Mapping[Path, int]
    texts: Mapping[Path, str] = field(default_factory=dict)
    """The file of each text that lay in one of its own."""


class Written(Part):
    """A whole definition; what all kinds share."""

    kind: Literal[
        "segment",
        "list",
        "score",
        "trigger",
        "journey",
        "topic",
        "policy",
        "template",
        "partial",
        "catalogue",
    ]
    id: values.Id
    name: values.Name | None = None
    description: values.Prose | None = None

    _origin: Origin | None = PrivateAttr(default=None)

    @property
    def origin(self) -> Origin:
        """The document that this was parsed from."""
        assert self._origin is not None, "made by documents.parse"
        return self._origin


def choose(raw: Any, noun: str, heads: Sequence[str], later: Sequence[str] = ()) -> Any:
    """Returns the mapping unchanged if exactly one of its keys says what it is.

    Raises:
        ValidationError: none does, or several do, or one that is not in this version.
        PydanticCustomError: it is no mapping.
    """
    if isinstance(raw, Part):
        return raw
    if not isinstance(raw, dict):
        raise values.fault(f"must be {noun}: a mapping with one of {', '.join(heads)}", raw)
    said = [key for key in raw if key in heads]
    faults = Faults()
    for key in raw:
        if key in later:
            faults.add((key,), LATER)
    if not faults and not said:
        _name_the_nearest(raw, noun, heads, faults)
    if not faults and len(said) > 1:
        faults.add((), f"{noun} is one thing only, found {' and '.join(said)}: make them separate")
    if faults:
        faults.throw()
    return raw


def head(raw: Any, heads: Mapping[str, type[Part]]) -> str:
    """Returns the tag of the model for a mapping that `choose` let through."""
    if isinstance(raw, Part):
        return next(TAG + key for key, model in heads.items() if type(raw) is model)
    return next(TAG + key for key in heads if key in raw)


def _name_the_nearest(raw: dict[str, Any], noun: str, heads: Sequence[str], faults: Faults) -> None:
    for key in raw:
        meant = suggestions.nearest(key, heads)
        if meant:
            return faults.add((key,), f"unknown key; did you mean {meant}?")
    shown = ", ".join(show((key,)) for key in list(raw)[:MAX_NAMED])
    found = f"found {shown}" if raw else "found an empty mapping"
    return faults.add((), f"{noun} needs one of {', '.join(heads)}; {found}")
