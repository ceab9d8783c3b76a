"""A definition set, compiled: by the name of an event, all that it touches and nothing else."""

from collections.abc import Callable
from typing import Any

import msgspec

from processors.decisions.conditions import Fact
from processors.decisions.consents import Said
from processors.decisions.entries import limit_key
from processors.decisions.features import Feature, Where
from processors.decisions.journeys import Runner
from processors.decisions.measures import Measure
from processors.decisions.moments import Change, Moment
from processors.decisions.nodes import Bits, Node
from processors.decisions.scales import Scale
from processors.decisions.terms import OPEN, Gate
from processors.decisions.triggers import Woken
from processors.definitions.predicates import NONE, Predicates
from processors.state.profiles import Profile


class Plan(msgspec.Struct):
    """What one event name touches."""

    plain: list[Feature] = []
    """What it counts for, whatever its properties."""
    asking: list[tuple[Feature, Where]] = []
    """What it counts for if its properties are so."""
    measuring: list[Measure] = []
    """Which of its properties are kept."""
    triggers: list[Woken] = []
    lists: frozenset[str] | None = None
    """Whom it may put people on, or take them off; None: it is no such event."""
    said: Said | None = None
    """What it says of consents and suppressions."""
    learns: bool = False
    """Whether it may say something of lists, consents or suppressions."""
    reads_properties: bool = False
    """Whether a trigger, a measure or a list asks for them, whatever they are."""


class Compiled(msgspec.Struct, kw_only=True):
    """All definitions that are active together, ready to decide."""

    id: str
    plans: dict[str, Plan]
    nodes: list[Node]
    """In evaluation order."""
    evaluators: list[Callable[[Profile, Moment], Bits]]
    """How to bring each of them up to date."""
    everything: Bits
    """All nodes."""
    newcomers: Bits
    """The nodes that may hold for somebody of whom nothing is known."""
    places: dict[str, int]
    """Place of a node in the evaluation order, by its key."""
    users: dict[Fact, Bits]
    """Who reads a trait, a tag, a list …"""
    reads_properties: bool
    """Whether a trigger that anything may wake reads the properties of the event at hand."""
    scales: dict[str, Scale]
    segments: frozenset[str]
    kept: dict[str, int | None]
    """The keys of what is counted, measured and noted, with the width of those with times, ms."""
    triggers: frozenset[str]
    woken: dict[Change, list[Woken]]
    """Who waits for a segment, a score or a trait to change."""
    timers: dict[int, int] = {}
    """Place of a node in the evaluation order, by the number of its timer."""
    runners: dict[str, Runner] = {}
    """By journey, what moves its runs."""
    alarms: dict[int, Woken]
    """Who waits for an instant, by the number of its timer."""
    remembered: frozenset[str]
    """The scores whose latest moves are kept."""
    idlers: Bits
    """The nodes that any event of a person sets back."""
    people: frozenset[str] = frozenset()
    """What is asked of the people of accounts, by its keys."""
    learns: bool = True
    """Whether traits are kept."""
    gate: Gate = OPEN
    """What messages may go."""
    documents: tuple[Any, ...] = ()
    """What it was made from: mappings, as written,"""
    predicates: Predicates = NONE
    """and the predicates that they may name."""

    @property
    def limited(self) -> frozenset[str]:
        """Whose instants are kept, where there is a limit to them."""
        return self.triggers | {limit_key(each) for each in self.runners}

    def readers(self, kind: str, name: str) -> Bits:
        """Returns who reads a trait, a tag …: this one, or all of the kind."""
        users = self.users.get
        return users((kind, name), 0) | users((kind, ""), 0)

    @property
    def size(self) -> int:
        """How many definitions there are."""
        return len(self.segments) + len(self.scales) + len(self.triggers) + len(self.runners)
