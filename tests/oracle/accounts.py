"""Who is in which segment at an instant, where segments ask for the people of accounts.

From scratch: everybody is all that was ever heard of them up to then; nothing is told to anybody.
Segments that ask for how long somebody has been a member, scores and triggers are left out.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.oracle.conditions import Condition, Occurrence
from tests.oracle.people import Traits
from tests.oracle.recompute import Event, name, profile_id, properties, time_ms, traits


class Somebody:
    """One person, as far as was heard of them by an instant."""

    def __init__(self, person_id: str, crowd: "Crowd") -> None:
        self.id = person_id
        self.crowd = crowd
        self.occurrences: dict[str, list[Occurrence]] = {}
        self.traits, self.accounts, self.belongs = Traits(), Traits(), Traits()
        self.tags: set[str] = set()
        self.lists: set[str] = set()
        self.status: str | None = None
        self.members: Any = Memberships(self)

    def hear(self, event: Event) -> None:
        found = Occurrence(name(event), time_ms(event), properties(event), event["messageId"])
        self.occurrences.setdefault(found.name, []).append(found)
        if event["type"] == "identify":
            self.traits.tell(traits(event), found.at_ms)
        elif event["type"] == "group":
            self.accounts.tell(traits(event), found.at_ms)
            if event.get("groupId"):
                self.belongs.tell({"account": event["groupId"]}, found.at_ms)

    def trait(self, path: str) -> Any:
        return self.traits.reach(path)

    def account(self, path: str) -> Any:
        return self.accounts.reach(path)

    def value(self, score: str, now: int) -> float:
        raise AssertionError("there are no scores here")

    def step(self, score: str, kind: str, now: int) -> str | None:
        raise AssertionError("there are no scores here")

    def colleagues(self) -> list["Somebody"]:
        """Returns the people of the person's account, with the person; nobody without one."""
        mine = self.belongs.reach("account")
        others = self.crowd.people.values()
        return [each for each in others if mine and each.belongs.reach("account") == mine]


class Memberships(Mapping[str, int]):
    """The segments that somebody is in, found out when they are asked for."""

    def __init__(self, person: Somebody) -> None:
        self.person = person

    def __contains__(self, segment: object) -> bool:
        crowd = self.person.crowd
        asked = (self.person.id, str(segment))
        if asked not in crowd.known:
            when = crowd.segments[str(segment)]
            crowd.known[asked] = when.holds(self.person, crowd.now, None)
        return crowd.known[asked]

    def __getitem__(self, segment: str) -> int:
        raise AssertionError("since when is not known here")

    def __iter__(self) -> Iterator[str]:
        return (each for each in self.person.crowd.segments if each in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Crowd:
    """Everybody, at an instant."""

    def __init__(self, segments: Mapping[str, Condition], log: Iterable[Event], now: int) -> None:
        self.segments = segments
        self.now = now
        self.people: dict[str, Somebody] = {}
        self.known: dict[tuple[str, str], bool] = {}
        for event in log:
            if event["type"] != "clock" and time_ms(event) <= now:
                person_id = profile_id(event)
                if person_id not in self.people:
                    self.people[person_id] = Somebody(person_id, self)
                self.people[person_id].hear(event)


def members(
    segments: Mapping[str, Condition], log: Iterable[Event], now: int
) -> set[tuple[str, str]]:
    """Returns who is in what at an instant, by person and segment.

    Args:
        segments: what `grammar.condition` has made of each.
        log: in any order; what lies after the instant is left out.
        now: the instant, ms.
    """
    crowd = Crowd(segments, log, now)
    return {(person.id, each) for person in crowd.people.values() for each in person.members}
