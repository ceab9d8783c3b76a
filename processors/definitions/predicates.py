"""Python that data engineers register: predicates for conditions, models for score rules.

Marketers name a predicate by `custom`, a model by `model`. Each is a value here: what it is called,
what it reads, what it can be told. It is found and watched by `processors.predicates`, and asked by
what `decisions` makes of a condition or rule.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydantic_core import PydanticCustomError

from processors.definitions import values

Holds = Callable[..., bool]
"""Takes the person, and its parameters by name."""
Gives = Callable[..., Any]
"""Takes the person, and its parameters by name; returns from 0 to 1 where it is for points."""
NO_VALUE = object()
"""What a model that is asked for a value gives where it has none to give."""

WHOLE = {"id": "id", "status": "status"}
NAMED = {"segments": "segment", "scores": "score"}
EITHER = {"traits": "trait", "account": "account", "tags": "tag", "lists": "list"}
FACTS = {**EITHER, **NAMED, **WHOLE}
"""What the facts of each kind of read are called where definitions are compiled."""


class InvalidPredicate(ValueError):
    """A predicate or model can not be registered; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicate:
    """One predicate; made by `predicate`."""

    name: str
    version: str
    """Part of the id of each set that uses it: a new one has everybody looked at again."""
    reads: tuple[str, ...]
    """As written: `traits.plan`, `tags` …"""
    parameters: Mapping[str, bool]
    """Whether each must be given."""
    holds: Holds

    @property
    def facts(self) -> frozenset[tuple[str, str]]:
        """What it reads: kind and name; an empty name stands for all of the kind."""
        return _facts(self.reads)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model; made by `model`."""

    name: str
    version: str
    """Part of the id of each set that uses it, and of the records of what it gave."""
    reads: tuple[str, ...]
    """As written: `traits.plan`, `tags` …"""
    parameters: Mapping[str, bool]
    """Whether each must be given."""
    gives: Gives
    """Asked for a share of points."""
    value: Gives
    """Asked for the value of a trait."""

    @property
    def facts(self) -> frozenset[tuple[str, str]]:
        """What it reads: kind and name; an empty name stands for all of the kind."""
        return _facts(self.reads)


Predicates = Mapping[str, Predicate | Model]
"""All that is registered, by name."""
NONE: Predicates = MappingProxyType({})


def predicate(name: str, *, reads: Iterable[str], version: str) -> Callable[[Holds], Predicate]:
    """Returns what makes a predicate of a function `(person, *, parameter=…) -> bool`.

    Args:
        name: as definitions name it: an id.
        reads: all that it reads of a person: `traits.plan` or `traits` for all of them, likewise
            `account`, `tags` and `lists`; `segments.vip`, `scores.fit`; `status`, `id`.
        version: any text; change it when the function gives other answers than before.

    Raises:
        InvalidPredicate: one of these is not so, or the function takes something else.
    """

    def make(holds: Holds) -> Predicate:
        return Predicate(
            name=_checked(name, "name of a predicate", values.identifier),
            version=_checked(version, "version of a predicate", values.text),
            reads=tuple(_read(f"predicate {name}", each) for each in reads),
            parameters=MappingProxyType(_parameters(f"predicate {name}", holds)),
            holds=holds,
        )

    return make


def model(name: str, *, reads: Iterable[str], version: str) -> Callable[[Gives], Model]:
    """Returns what makes a model of a function `(person, *, parameter=…)`.

    For the points of a rule it takes the person alone, and returns a number from 0 to 1. For a
    trait it may take parameters, and returns text, a number, true or false, or a list of those;
    None has the trait unset.

    Args:
        name: as definitions name it: an id.
        reads: all that it reads of a person, as for a predicate.
        version: any text; change it when the function gives something else than before.

    Raises:
        InvalidPredicate: one of these is not so, or the function takes something else.
    """

    def make(gives: Gives) -> Model:
        return Model(
            name=_checked(name, "name of a model", values.identifier),
            version=_checked(version, "version of a model", values.text),
            reads=tuple(_read(f"model {name}", each) for each in reads),
            parameters=MappingProxyType(_parameters(f"model {name}", gives)),
            gives=gives,
            value=gives,
        )

    return make


def _facts(reads: Iterable[str]) -> frozenset[tuple[str, str]]:
    split = [each.partition(".") for each in reads]
    return frozenset((FACTS[kind], name) for kind, _, name in split)


def _checked(value: str, noun: str, check: Callable[[object], str]) -> str:
    try:
        return check(value)
    except PydanticCustomError as error:
        raise InvalidPredicate(f"the {noun} {error.message()}") from None


def _read(who: str, said: str) -> str:
    kind, dot, name = said.partition(".")
    is_named = bool(name) and "." not in name
    if (kind in WHOLE or kind in EITHER) and not dot:
        return said
    if (kind in NAMED or kind in EITHER) and is_named:
        return said
    allowed = [*WHOLE, *EITHER, *(f"{each}.NAME" for each in (*EITHER, *NAMED))]
    raise InvalidPredicate(f"{who} reads {said!r}; it can read {', '.join(allowed)}")


_BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _parameters(who: str, holds: Callable[..., Any]) -> dict[str, bool]:
    """Returns the parameters of a function besides the person, and whether each is required."""
    taken = list(inspect.signature(holds).parameters.values())
    first, rest = taken[:1], taken[1:]
    if not any(each.kind in _BY_PLACE for each in first):
        raise InvalidPredicate(f"{who} must take the person first")
    if any(each.kind is not each.KEYWORD_ONLY for each in rest):
        raise InvalidPredicate(f"{who} must take all but the person by name: (person, *, …)")
    return {each.name: each.default is each.empty for each in rest}
