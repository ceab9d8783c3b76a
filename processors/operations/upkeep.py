"""The published segments and lists with their counts, who uses them, and what is odd. Pure.

Between what is read (`memberships`, `archives`) and the words (`reporting`).
"""

from collections.abc import Iterator, Mapping

import msgspec

from processors.definitions import customs
from processors.definitions.orders import Key
from processors.definitions.references import Reference
from processors.definitions.sets import DefinitionSet
from processors.operations.archives import Archive
from processors.operations.memberships import Count
from schemas import definitions as keys
from schemas.topics import DAY_MS


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked at."""

    now_ms: int
    days: int
    """How far back."""
    limit: int | None = None
    """How many members are too many."""

    @property
    def since_ms(self) -> int:
        """The beginning of what is looked at."""
        return self.now_ms - self.days * DAY_MS


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One segment, as it is now."""

    id: str
    name: str
    description: str
    version: str
    number: int
    created_at: int | None
    """When its first version was published, ms; None where that is no longer kept."""
    updated_at: int
    """When its active version was."""
    members: int
    entered: int
    exited: int
    changed_at: int | None
    used_by: tuple[str, ...]
    """`kind/id` of what asks about it."""
    remarks: tuple[str, ...]
    is_above_limit: bool


class StaticList(msgspec.Struct, frozen=True, kw_only=True):
    """One static list, as it is now."""

    id: str
    name: str
    description: str
    members: int
    used_by: tuple[str, ...]
    """`kind/id` of what asks about it, or changes it."""


def lists(published: DefinitionSet, counts: Mapping[str, int]) -> list[StaticList]:
    """Returns the published lists, by id; `counts` are their members, by id."""
    users = _users(published, "list")
    return [
        StaticList(
            id=each.id,
            name=each.name,
            description=each.description or "",
            members=counts.get(each.id, 0),
            used_by=tuple(keys.key(*user) for user in users.get(each.id, ())),
        )
        for _, each in sorted(published.lists.items())
    ]


def segments(
    archive: Archive, published: DefinitionSet, counts: Mapping[str, Count], options: Options
) -> list[Segment]:
    """Returns the published segments, by id.

    Args:
        archive: what is published.
        published: the same, as a set.
        counts: by segment id.
        options: what is looked at.
    """
    users = _users(published, "segment")
    return [
        _segment(archive, id_, users.get(id_, ()), counts.get(id_, Count()), options=options)
        for id_ in sorted(published.segments)
    ]


def _segment(
    archive: Archive, id_: str, users: tuple[Key, ...], count: Count, *, options: Options
) -> Segment:
    key = ("segment", id_)
    record, first = archive.records[key], next(iter(archive.versions(key).values()))
    name = str(record.document["name"])
    is_above = options.limit is not None and count.members > options.limit
    changed_at = max(count.changed_at or 0, record.published_at)
    remarks = {
        "empty": not count.members,
        "stale": changed_at < options.since_ms,
        "unused": not users,
        "above its limit": is_above,
        "named by its id": name == id_,
    }
    return Segment(
        id=id_,
        name=name,
        description=str(record.document.get("description", "")),
        version=record.version,
        number=record.number,
        created_at=first.published_at if first.number == 1 else None,
        updated_at=record.published_at,
        members=count.members,
        entered=count.entered,
        exited=count.exited,
        changed_at=count.changed_at,
        used_by=tuple(keys.key(*each) for each in users),
        remarks=tuple(remark for remark, holds in remarks.items() if holds),
        is_above_limit=is_above,
    )


def _users(published: DefinitionSet, kind: str) -> dict[str, tuple[Key, ...]]:
    """Returns who names each definition of a kind, by its id."""
    found: dict[str, set[Key]] = {}
    for user, id_ in _mentions(published, kind):
        found.setdefault(id_, set()).add(user)
    return {id_: tuple(sorted(users)) for id_, users in found.items()}


def _mentions(published: DefinitionSet, kind: str) -> Iterator[tuple[Key, str]]:
    for each in published:
        for mention in customs.mentions(each, published.predicates):
            if isinstance(mention, Reference) and mention.kind == kind:
                yield (each.kind, each.id), mention.id


def unpublished(published: DefinitionSet, counts: Mapping[str, Count]) -> dict[str, int]:
    """Returns the members that the topic has of segments that are not published, by id."""
    return {
        id_: count.members
        for id_, count in sorted(counts.items())
        if count.members and id_ not in published.segments
    }
