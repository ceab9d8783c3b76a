"""What publishing a set will do, before it is done: pure.

Stands between the archive of what is published and the writing (`publishing`).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from processors.definitions import customs, documents, sets
from processors.definitions.errors import InvalidDefinitions, Problem
from processors.definitions.journeys import Journey
from processors.definitions.orders import Key
from processors.definitions.references import Reference
from processors.definitions.sets import DefinitionSet
from processors.operations import edits
from processors.operations.archives import Archive
from processors.operations.edits import Edit
from processors.runtime import catalogues
from schemas import definitions as keys
from schemas.definitions import DefinitionRecord

MAX_KEPT = 100
"""How many versions of a definition stay readable, the active one among them."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What publishing does to one definition."""

    kind: str
    id: str
    change: Literal["new", "changed", "unchanged", "ended", "not in the folder"]
    """`ended` with pruning, else `not in the folder`: it stays as it is."""
    version: str
    number: int

    @property
    def key(self) -> Key:
        """Kind and id."""
        return self.kind, self.id

    @property
    def is_due(self) -> bool:
        """Whether there is something to write."""
        return self.change in ("new", "changed", "ended")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What publishing does to all of them."""

    changes: tuple[Change, ...]
    """In the order in which they are written: what ends goes last."""
    old: Mapping[Key, Mapping[str, Any]]
    """Documents that are published now."""
    new: Mapping[Key, Mapping[str, Any]]
    """Documents as they are to be."""
    touched: Mapping[Key, tuple[Key, ...]]
    """For what changes: all that reads it, also by way of others."""
    beside: tuple[tuple[str, DefinitionRecord | None], ...] = ()
    """Keys and records to be written before the changes: what is active and lies under no number
    yet; a tombstone (None) for each version that is too old to be kept."""
    edits: tuple[Edit, ...] = ()
    """What it may mean to runs of journeys."""

    def count(self, *changes: str) -> int:
        """Returns to how many definitions one of these changes happens."""
        return sum(each.change in changes for each in self.changes)


def plan(archive: Archive, chosen: DefinitionSet, *, prune: bool = False) -> Plan:
    """Returns what publishing a set does to what is published.

    Args:
        archive: what is published.
        chosen: the set.
        prune: whether what the set has not is ended; else it stays.

    Raises:
        InvalidDefinitions: what would be there then does not fit together, or a journey does not
            say where runs go whose step is gone.
    """
    others = [key for key in sorted(archive.records) if key not in chosen.versions]
    stays = [] if prune else [archive.records[key].document for key in others]
    changes = [_change(archive, key, chosen.versions[key]) for key in chosen.versions]
    changes += [_other(archive, key, prune) for key in reversed(others)]
    before = dict(_journeys(archive, changes))
    after = _after(
        [*stays, *chosen.documents.values(), *_older(archive, changes, chosen)], before, chosen
    )
    readers = _readers(after)
    return Plan(
        changes=tuple(changes),
        old={key: each.document for key, each in archive.records.items()},
        new=chosen.documents,
        touched={each.key: _reached(each.key, readers) for each in changes if each.is_due},
        beside=tuple(row for each in changes if each.is_due for row in _beside(archive, each)),
        edits=tuple(
            found
            for id_, old in before.items()
            if (found := edits.edit(old, chosen.journeys.get(id_), after)) is not None
        ),
    )


def _journeys(archive: Archive, changes: list[Change]) -> Iterator[tuple[str, Journey]]:
    """Yields the journeys that change or end, as they are published."""
    for each in changes:
        if each.kind == "journey" and each.change in ("changed", "ended"):
            old = documents.parse(archive.records[each.key].document)
            assert isinstance(old, Journey)
            yield each.id, old


def _older(
    archive: Archive, changes: list[Change], chosen: DefinitionSet
) -> Iterator[Mapping[str, Any]]:
    """Yields the versions of journeys by which runs may go on, as workers will read them."""
    for each in changes:
        if each.kind == "journey" and each.change != "ended":
            new = chosen.documents.get(each.key) or archive.records[each.key].document
            yield from catalogues.older(archive.versions(each.key), each.number, new)


def _after(
    written: list[Mapping[str, Any]], before: Mapping[str, Journey], chosen: DefinitionSet
) -> DefinitionSet:
    """Returns all definitions as they are to be."""
    problems: list[Problem] = []
    for id_, old in before.items():
        new = chosen.journeys.get(id_)
        if new is not None and (found := edits.gap(old, new)):
            problems.append(found)
    try:
        after = sets.from_documents(written, predicates=chosen.predicates)
    except InvalidDefinitions as error:
        raise InvalidDefinitions([*problems, *error.problems]) from None
    if problems:
        raise InvalidDefinitions(problems)
    return after


def _change(archive: Archive, key: Key, version: str) -> Change:
    kind, id_ = key
    old, number = archive.records.get(key), archive.next_number(key)
    if old is None:
        return Change(kind=kind, id=id_, change="new", version=version, number=number)
    if old.version == version:
        return Change(kind=kind, id=id_, change="unchanged", version=version, number=old.number)
    return Change(kind=kind, id=id_, change="changed", version=version, number=number)


def _other(archive: Archive, key: Key, prune: bool) -> Change:
    old = archive.records[key]
    return Change(
        kind=old.kind,
        id=old.id,
        change="ended" if prune else "not in the folder",
        version=old.version,
        number=old.number,
    )


def _beside(archive: Archive, change: Change) -> Iterator[tuple[str, DefinitionRecord | None]]:
    kept, old = archive.kept(change.key), archive.records.get(change.key)
    if old is not None and old.number not in kept:
        yield keys.numbered_key(*change.key, old.number), old
    for number in sorted(kept):
        if number <= change.number - MAX_KEPT:
            yield keys.numbered_key(*change.key, number), None


def _readers(definitions: DefinitionSet) -> dict[Key, set[Key]]:
    """Returns who asks about each definition; who acts on one, say adds points, does not."""
    found: dict[Key, set[Key]] = {}
    for each in definitions:
        for mention in customs.mentions(each, definitions.predicates):
            if isinstance(mention, Reference) and mention.path[0] != "do":
                found.setdefault((mention.kind, mention.id), set()).add((each.kind, each.id))
    return found


def _reached(key: Key, readers: Mapping[Key, set[Key]]) -> tuple[Key, ...]:
    return tuple(sorted(set(_walk(key, readers)) - {key}))


def _walk(key: Key, readers: Mapping[Key, set[Key]]) -> Iterator[Key]:
    waiting, seen = [key], {key}
    while waiting:
        for reader in readers.get(waiting.pop(), set()) - seen:
            seen.add(reader)
            waiting.append(reader)
            yield reader
