"""Conditions over the people of an account: what a person tells the account, and what it answers.

Each inner condition is a node, evaluated for each person as a segment is. When it turns, a relay
says so to the account; those who ask read what the account has answered last.
"""

from collections.abc import Iterator, Mapping

import msgspec

from processors.decisions.compiled import Compiled
from processors.decisions.conditions import CLOCK, Compiler, Evaluate, Fact
from processors.decisions.decays import Number
from processors.decisions.features import NO_PROPERTIES
from processors.decisions.moments import ACCOUNT, Decision, Moment
from processors.decisions.nodes import Bits, Holder, set_timer
from processors.decisions.scales import value
from processors.definitions.conditions import Condition, about_people
from processors.definitions.scores import RollUp
from processors.state.profiles import Belonging, Profile
from schemas import relays
from schemas.relays import Answered, Told

_PREFIX = "people/"
"""Begins the keys of their nodes."""


def told(
    condition: Condition | None, compiler: Compiler, places: Mapping[str, int]
) -> Iterator[tuple["PeopleNode", set[Fact]]]:
    """Yields the nodes of what a condition asks of people, with what each reads.

    Args:
        condition: that of a segment, a rule, a trigger.
        compiler: of the set.
        places: of the nodes that there are, by their keys; what is yielded is to be among them.
    """
    for each in about_people(condition):
        key = _PREFIX + each.key
        if key not in places:
            evaluate, reads = compiler.compile(each.condition), compiler.take_reads()
            is_timed = CLOCK in reads
            yield PeopleNode(key=key, id=each.key, condition=evaluate, is_timed=is_timed), reads


def worth(
    rolled_up: RollUp | None, compiler: Compiler, places: Mapping[str, int]
) -> Iterator[tuple["WorthNode", set[Fact]]]:
    """Yields the node of a score that is asked of people, as `told` does."""
    if rolled_up is not None and (key := _PREFIX + rolled_up.key) not in places:
        empty = compiler.scales[rolled_up.score].empty
        node = WorthNode(key=key, id=rolled_up.key, score=rolled_up.score, empty=empty)
        yield node, {("score", rolled_up.score)}


def keys(places: Mapping[str, int]) -> frozenset[str]:
    """Returns what is asked of people, by its keys, from the places of all nodes."""
    return frozenset(each.removeprefix(_PREFIX) for each in places if each.startswith(_PREFIX))


class PeopleNode(msgspec.Struct, kw_only=True):
    """What is asked of each of an account's people, of the person at hand."""

    key: str
    id: str
    """Stands for the condition."""
    condition: Evaluate
    is_timed: bool
    """Whether time alone can turn it."""
    timer: int = 0
    users: Bits = 0

    def evaluate(self, profile: Profile, moment: Moment) -> Bits:
        """Tells the account where it turned; nobody reads it here but by way of the account."""
        belongs = profile.belongs
        if belongs is None:
            return 0
        answer = self.condition(profile, moment.now, NO_PROPERTIES)
        if self.is_timed:
            set_timer(profile, self.timer, abs(answer))
        _tell(profile, moment, belongs, (self.id, answer > 0))
        return 0


class WorthNode(msgspec.Struct, kw_only=True):
    """A score that is asked of each of an account's people, of the person at hand."""

    key: str
    id: str
    """Stands for score and function."""
    score: str
    empty: Number
    """The value of who has none."""
    timer: int = 0
    users: Bits = 0

    def evaluate(self, profile: Profile, moment: Moment) -> Bits:
        """Tells the account the value where it is another one."""
        if profile.belongs is not None:
            found = value(profile, self.score, self.empty)
            _tell(profile, moment, profile.belongs, (self.id, found))
        return 0


class RollUpRule(msgspec.Struct, kw_only=True):
    """A rule that holds points for each point that a score of the account's people comes to."""

    key: str
    holder: Holder
    asked: str
    points: int
    timer: int = 0
    users: Bits = 0

    def evaluate(self, profile: Profile, moment: Moment) -> Bits:
        """Holds what the account has answered last; without an answer nothing."""
        answers = profile.belongs and profile.belongs.answers
        found = answers.get(self.asked) if answers else None
        points = found * self.points if isinstance(found, int) else 0
        return self.users if self.holder.hold(profile, moment, points) else 0


def _tell(
    profile: Profile, moment: Moment, belongs: Belonging, fact: tuple[str, bool | Number]
) -> None:
    """Has the account know at the end of the moment all that it is to know."""
    key, holds = fact
    if belongs.told is None:
        belongs.told = {}
    elif belongs.told.get(key) == holds:
        return
    belongs.told[key] = holds
    moment.turned = True
    if moment.relay is None:
        moment.relay = _told(profile, moment, belongs)
        moment.decision.relays.append(moment.relay)
    answers = belongs.answers or {}
    moment.relay.holds = dict(belongs.told)
    moment.relay.asks = any(each not in answers for each in belongs.told)


def _told(profile: Profile, moment: Moment, belongs: Belonging) -> Told:
    return Told(
        account=belongs.account,
        person=profile.id,
        at=moment.now,
        cause=relays.cause(profile.id, moment.occurrence or moment.cause),
        quiet=moment.is_quiet,
        hops=moment.hops,
    )


def join(compiled: Compiled, profile: Profile, moment: Moment, account: str, *, at_ms: int) -> Bits:
    """Has a person belong to an account unless a later event said another; returns who asks."""
    held = profile.belongs
    if held is not None:
        if at_ms < held.at:
            return 0
        if held.account == account:
            held.at = at_ms
            return 0
        if held.told is not None:
            moment.decision.relays.append(_told(profile, moment, held))
    profile.belongs = Belonging(account, at_ms)
    dirty: Bits = 0
    for key in compiled.people:
        dirty |= 1 << compiled.places[_PREFIX + key] | compiled.readers("people", key)
    return dirty


def is_heard(profile: Profile, answered: Answered) -> bool:
    """Returns whether the person still belongs to the account that answers."""
    return profile.belongs is not None and profile.belongs.account == answered.account


def instant(compiled: Compiled, profile: Profile, answered: Answered, decision: Decision) -> Moment:
    """Returns the instant at which an answer reaches a person."""
    now = max(profile.clock, answered.at)
    found = Moment(decision, compiled.scales, now=now, cause=ACCOUNT)
    found.occurrence = f"{ACCOUNT}@{answered.cause}"
    found.late = answered.at < profile.clock
    found.told = len(decision.emitted)
    found.is_quiet, found.hops = answered.quiet, answered.hops + 1
    return found


def hear(compiled: Compiled, profile: Profile, answered: Answered) -> Bits:
    """Keeps what an account answers; returns who reads what has changed."""
    belongs = profile.belongs
    assert belongs is not None, "is_heard says so"
    old = belongs.answers or {}
    found = {key: pair for key, pair in answered.answers.items() if key in compiled.people}
    belongs.answers = found
    changed = [key for key in old.keys() | found.keys() if old.get(key) != found.get(key)]
    dirty: Bits = 0
    for key in changed:
        dirty |= compiled.readers("people", key)
    return dirty


def forget(compiled: Compiled, profile: Profile) -> None:
    """Drops what is asked of people no longer. The account is told with what turns next."""
    belongs = profile.belongs
    if belongs is None:
        return
    for held in (belongs.told or {}, belongs.answers or {}):
        for key in held.keys() - compiled.people:
            del held[key]
