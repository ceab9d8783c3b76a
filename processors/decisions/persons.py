"""What a predicate sees of a person: what it has said that it reads, as copies, and no time.

So an event that changes nothing of that can not change its answer, and it is not asked.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any

from processors.decisions.scales import Scale, value
from processors.state.profiles import Profile

Names = frozenset[str] | None
"""Which may be read; None: all."""


class UndeclaredRead(Exception):
    """A predicate reads what it has not said that it reads."""


class Declared(Mapping[str, Any]):
    """Values by name, in alphabetical order; a name that is not declared is an error."""

    __slots__ = ("_held", "_names")

    def __init__(self, held: Mapping[str, Any], names: Names) -> None:
        self._held = held
        self._names = names

    def __getitem__(self, name: str) -> Any:
        _check(name, self._names)
        return self._held[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._held))

    def __len__(self) -> int:
        return len(self._held)


class Marks(Set[str]):
    """Names that are there, in alphabetical order; a name that is not declared is an error."""

    __slots__ = ("_held", "_names")

    def __init__(self, held: Iterable[str], names: Names) -> None:
        self._held = frozenset(held)
        self._names = names

    @classmethod
    def _from_iterable(cls, it: Iterable[Any]) -> Any:
        return frozenset(it)

    def __contains__(self, name: object) -> bool:
        _check(name, self._names)
        return name in self._held

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._held))

    def __len__(self) -> int:
        return len(self._held)


class Person:
    """One person at one moment; reading raises `UndeclaredRead` where that was not declared."""

    __slots__ = ("_profile", "_reads", "_scales")

    def __init__(
        self, profile: Profile, reads: Mapping[str, Names], scales: Mapping[str, Scale]
    ) -> None:
        self._profile = profile
        self._reads = reads
        self._scales = scales

    @property
    def id(self) -> str:
        """The profile's id."""
        self._names("id")
        return self._profile.id

    @property
    def status(self) -> str | None:
        """The lifecycle status; None where there is none."""
        self._names("status")
        return self._profile.status

    @property
    def traits(self) -> Mapping[str, Any]:
        """Traits that are set, by key."""
        return self._values("trait", self._profile.traits)

    @property
    def account(self) -> Mapping[str, Any]:
        """The same of the account."""
        return self._values("account", self._profile.account)

    @property
    def tags(self) -> Set[str]:
        """The tags."""
        return self._marks("tag", self._profile.tags)

    @property
    def lists(self) -> Set[str]:
        """Ids of the lists that the person is on."""
        return self._marks("list", self._profile.lists)

    @property
    def segments(self) -> Set[str]:
        """Ids of the segments that the person is in."""
        return self._marks("segment", self._profile.segments)

    @property
    def scores(self) -> Mapping[str, float]:
        """Values of scores, by id."""
        names, scales = self._names("score") or (), self._scales
        held = {name: value(self._profile, name, scales[name].empty) for name in names}
        return Declared(held, frozenset(held))

    def _names(self, kind: str) -> Names:
        if kind not in self._reads:
            raise UndeclaredRead(kind)
        return self._reads[kind]

    def _values(self, kind: str, held: Mapping[str, tuple[Any, int]]) -> Mapping[str, Any]:
        names = self._names(kind)
        keys = held.keys() if names is None else held.keys() & names
        found = {key: _copied(held[key][0]) for key in keys if held[key][0] is not None}
        return Declared(found, names)

    def _marks(self, kind: str, held: Iterable[str]) -> Set[str]:
        names = self._names(kind)
        return Marks(held if names is None else names.intersection(held), names)


def seen(person: Person, reads: Iterable[str]) -> dict[str, Any]:
    """Returns what is read of a person, by how that is said, as `traits.plan`."""
    return {each: _fact(person, *each.partition(".")[::2]) for each in reads}


def _fact(person: Person, kind: str, name: str) -> Any:
    match getattr(person, kind):
        case Mapping() as held:
            return held.get(name) if name else dict(held)
        case Set() as marks:
            return name in marks if name else list(marks)
        case held:
            return held


def names_by_kind(facts: Iterable[tuple[str, str]]) -> dict[str, Names]:
    """Returns what may be read of each kind; an empty name stands for all of the kind.

    >>> names_by_kind([("trait", "plan"), ("tag", "")])
    {'trait': frozenset({'plan'}), 'tag': None}
    """
    found: dict[str, Names] = {}
    for kind, name in facts:
        before = found.get(kind, frozenset())
        found[kind] = None if before is None or not name else before | {name}
    return found


def _check(name: object, names: Names) -> None:
    if names is not None and name not in names:
        raise UndeclaredRead(name)


def _copied(held: Any) -> Any:
    match held:
        case list():
            return [_copied(each) for each in held]
        case dict():
            return {key: _copied(each) for key, each in held.items()}
        case _:
            return held
