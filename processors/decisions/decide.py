"""The heart: an event, a due timer or a new definition set changes a profile and yields a decision.

Pure: no clock, no socket, no chance. The profile that is handed in is changed in place.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from processors.decisions import actions, alarms, consents, gate, journeys, lists, people, triggers
from processors.decisions.compiled import Compiled, Plan
from processors.decisions.features import NO_PROPERTIES, Feature, Properties
from processors.decisions.forgetting import forget
from processors.decisions.measures import Measure
from processors.decisions.moments import (
    CLOCK,
    DEFINITION,
    Decision,
    Moment,
)
from processors.decisions.nodes import Bits
from processors.decisions.triggers import Woken
from processors.state.duplicates import Seen
from processors.state.profiles import NEVER, Profile, put_trait
from schemas import events
from schemas.events import Event
from schemas.outcomes import NO_ACTIVITY
from schemas.relays import Answered

MAX_HOPS = 16
"""How many accounts may have their part in what wakes triggers."""

_NO_PLAN = Plan()
_WITH_TRAITS = frozenset({"identify", "group"})


class Arrival(msgspec.Struct, gc=False):
    """An event, and what is known of its time."""

    event: Event
    at_ms: int
    """Event time."""
    log_s: int
    """When the log got it, in seconds: for telling duplicates."""
    timers_ms: int = 0
    """Timers due at or before this instant fire first, besides those due before the event."""
    adopted_ms: int = 0
    """Since when the definitions are active, in the partition's event time."""


class Due(msgspec.Struct, gc=False):
    """Up to which instant timers fire, and the log time of now: for telling duplicates."""

    until_ms: int
    log_s: int
    adopted_ms: int = 0
    """Since when the definitions are active, in the partition's event time."""


def on_event(
    compiled: Compiled, profile: Profile, seen: Seen, arrival: Arrival, decision: Decision
) -> None:
    """Applies an event, after the timers that are due before it.

    Raises:
        BadEvent: the event can not be read; the profile is as it was.
    """
    facts = _read(compiled, profile, arrival.event, arrival.at_ms)
    if not seen.add(arrival.event.message_id, arrival.log_s):
        decision.duplicates += 1
        return
    if profile.definitions != compiled.id and profile.definitions:
        due = Due(arrival.at_ms, arrival.log_s, arrival.adopted_ms)
        on_definitions(compiled, profile, seen, due, decision)
    if profile.due <= arrival.at_ms or profile.due <= arrival.timers_ms:
        until_ms = max(arrival.at_ms, arrival.timers_ms)
        frame = _Frame(compiled, profile, seen, arrival.log_s, arrival.adopted_ms)
        _fire(frame, decision, until_ms)
    moment = _apply(compiled, profile, facts, decision, adopted_ms=arrival.adopted_ms)
    if moment is not None and len(decision.emitted) > moment.told:
        frame = _Frame(compiled, profile, seen, arrival.log_s, arrival.adopted_ms)
        _follow(frame, moment, moment.told)


def on_timers(
    compiled: Compiled, profile: Profile, seen: Seen, due: Due, decision: Decision
) -> None:
    """Fires all timers due at or before an instant, each at its own time, in due order."""
    if profile.definitions != compiled.id:
        on_definitions(compiled, profile, seen, due, decision)
    if profile.due <= due.until_ms:
        frame = _Frame(compiled, profile, seen, due.log_s, due.adopted_ms)
        _fire(frame, decision, due.until_ms)


def on_definitions(
    compiled: Compiled, profile: Profile, seen: Seen, due: Due, decision: Decision
) -> None:
    """Brings a profile under another definition set, as of when it became active.

    No timer of the set before was due by then, so each turns at its own instant, before or after.
    No trigger fires but those with `fire_on_publish`.
    """
    now = max(profile.clock, due.adopted_ms)
    moment = Moment(decision, compiled.scales, now=now, cause=DEFINITION)
    moment.occurrence = f"{DEFINITION}@{compiled.id}"
    moment.adopted, moment.told = due.adopted_ms, len(decision.emitted)
    moment.is_quiet = True
    forget(compiled, profile, moment)
    profile.definitions = compiled.id
    profile.timers = {}
    journeys.adopt(compiled.runners, profile, moment)
    if profile.contact is not None:
        known = compiled.triggers | compiled.runners.keys()
        gate.adopt(compiled.gate, profile, moment, known)
    _evaluate(compiled, profile, moment, compiled.everything)
    _conclude(_Frame(compiled, profile, seen, due.log_s, due.adopted_ms), moment)


def on_answered(
    compiled: Compiled,
    profile: Profile,
    seen: Seen,
    answered: Answered,
    *,
    due: Due,
    decision: Decision,
) -> None:
    """Takes what an account says of its people, after the timers that are due before it.

    What comes of a change of definitions wakes no trigger but those with `fire_on_publish`.
    """
    if not people.is_heard(profile, answered):
        return
    on_timers(compiled, profile, seen, due, decision)
    moment = people.instant(compiled, profile, answered, decision)
    moment.adopted = due.adopted_ms
    _evaluate(compiled, profile, moment, people.hear(compiled, profile, answered))
    _conclude(_Frame(compiled, profile, seen, due.log_s, due.adopted_ms), moment)


_Measured = Sequence[tuple[Measure, int]]
_Facts = tuple[Event, int, Plan, list[Feature], _Measured, Properties, Mapping[str, Any] | None]
"""What is read of an event before anything is changed: the event, its time, what its name touches,
what it counts for, the amounts that are kept of it, its properties as far as asked for, its traits
where it changes some."""


class _Frame(msgspec.Struct, gc=False):
    """What timers and told events need beside the moment that they come from."""

    compiled: Compiled
    profile: Profile
    seen: Seen
    log_s: int
    adopted_ms: int


def _conclude(frame: "_Frame", moment: Moment) -> None:
    """Leaves a trace where anything turned, and answers it; if that is to be quiet, not to all."""
    compiled, profile = frame.compiled, frame.profile
    if moment.turned:
        profile.clock = moment.now
    woken = _woken(compiled, profile, moment)
    if moment.is_quiet:
        woken = [each for each in woken if each.is_eager]
    if woken:
        _answer(compiled, profile, moment, woken)
    if len(moment.decision.emitted) > moment.told:
        _follow(frame, moment, moment.told)


def _read(compiled: Compiled, profile: Profile, event: Event, at_ms: int) -> _Facts:
    """Reads of an event what anybody wants to know, and nothing else: decoding it costs most."""
    is_track = event.type == "track"
    name = event.event if is_track and event.event else events.name(event)
    plan = compiled.plans.get(name, _NO_PLAN)
    counted = profile.counts.get
    heard: list[Feature] = []
    for feature in plan.plain:
        if counted(feature.key, 0) < feature.capacity:
            heard.append(feature)
    properties = NO_PROPERTIES
    if plan.reads_properties or compiled.reads_properties:
        properties = events.properties(event)
    for feature, where in plan.asking:
        if counted(feature.key, 0) < feature.capacity:
            if properties is NO_PROPERTIES:
                properties = events.properties(event)
            if where(properties, at_ms):
                heard.append(feature)
    measured = _measured(plan.measuring, properties, at_ms) if plan.measuring else ()
    traits = None if is_track or event.type not in _WITH_TRAITS else events.traits(event)
    if not compiled.learns:
        traits = None
    return event, at_ms, plan, heard, measured, properties, traits


def _measured(measures: list[Measure], properties: Properties, at_ms: int) -> _Measured:
    found = ((each, each.amount(properties, at_ms)) for each in measures)
    return [(each, amount) for each, amount in found if amount is not None]


def _apply(
    compiled: Compiled,
    profile: Profile,
    facts: _Facts,
    decision: Decision,
    *,
    adopted_ms: int,
    parent: Moment | None = None,
) -> Moment | None:
    """Lays an event's facts into the profile and follows them; None where they touch nothing."""
    event, at_ms, plan, heard, measured, properties, traits = facts
    now = profile.clock
    late = at_ms < now
    if late:
        decision.late += 1
    else:
        now = profile.clock = at_ms
    dirty: Bits = _keep(profile, measured, at_ms) if measured else 0
    for feature in heard:
        if feature.take(profile, at_ms):
            dirty |= feature.users
    if compiled.idlers or not profile.definitions:
        is_told = parent is not None or plan.lists is not None or event.event in NO_ACTIVITY
        dirty |= _stir(compiled, profile, at_ms, is_told=is_told)
    if not dirty and not plan.triggers and traits is None and not plan.learns:
        return None
    moment = Moment(decision, compiled.scales, now, event.message_id)
    if parent is None:
        moment.told = len(decision.emitted)
    else:
        moment.depth, moment.told = parent.depth + 1, parent.told
        moment.echoes, moment.hops = parent.echoes, parent.hops
    moment.late, moment.adopted = late, adopted_ms
    moment.properties, moment.heard = properties, at_ms
    if traits is not None or plan.learns:
        dirty |= _learn(compiled, profile, moment, facts)
    if dirty:
        _evaluate(compiled, profile, moment, dirty)
    if plan.triggers or moment.changes:
        _answer(compiled, profile, moment, _heard_by(plan, properties, at_ms))
    return moment


def _heard_by(plan: Plan, properties: Properties, at_ms: int) -> list[Woken]:
    """Returns the triggers that wait for an event of such properties."""
    return [each for each in plan.triggers if each.where is None or each.where(properties, at_ms)]


def _stir(compiled: Compiled, profile: Profile, at_ms: int, *, is_told: bool) -> Bits:
    """Returns what an event makes doubtful by its mere coming."""
    dirty: Bits = 0
    if compiled.idlers and not is_told and at_ms > profile.active:
        profile.active = at_ms
        dirty = compiled.idlers
    if not profile.definitions:
        profile.definitions = compiled.id
        dirty |= compiled.newcomers
    return dirty


def _keep(profile: Profile, measured: _Measured, at_ms: int) -> Bits:
    """Keeps amounts; returns who reads those that changed."""
    dirty: Bits = 0
    for measure, amount in measured:
        if measure.take(profile, at_ms, amount):
            dirty |= measure.users
    return dirty


def _learn(compiled: Compiled, profile: Profile, moment: Moment, facts: _Facts) -> Bits:
    """Lays an event's traits, or its list, into the profile; returns who reads what changed."""
    dirty: Bits = 0
    event, at_ms, plan, *_, traits = facts
    if plan.lists and (listed := lists.take_change(profile, moment, plan.lists)):
        dirty |= compiled.readers(*listed)
    if plan.said is not None:
        for changed in consents.hear(compiled.gate, profile, moment, plan.said):
            dirty |= compiled.readers(*changed)
    if event.type == "group" and event.group_id:
        dirty |= people.join(compiled, profile, moment, event.group_id, at_ms=at_ms)
    for key, value in (traits or {}).items():
        if event.type == "group":
            if put_trait(profile.account, key, value, at_ms):
                dirty |= compiled.readers("account", key)
        elif actions.set_whole(profile, moment, key, value, at_ms=at_ms):
            dirty |= compiled.readers("trait", key)
    return dirty


def _evaluate(compiled: Compiled, profile: Profile, moment: Moment, dirty: Bits) -> None:
    """Brings up to date what has become doubtful, in evaluation order, and sets the next timer."""
    evaluators = compiled.evaluators
    while dirty:
        lowest = dirty & -dirty
        dirty ^= lowest
        dirty |= evaluators[lowest.bit_length() - 1](profile, moment)
    timers = profile.timers
    due = min(timers.values()) if timers else NEVER
    if profile.due != due:
        profile.due = due


def _answer(compiled: Compiled, profile: Profile, moment: Moment, woken: list[Woken]) -> None:
    """Runs the triggers, round by round, until nothing wakes another one."""
    for round_ in range(triggers.MAX_ROUNDS if moment.hops <= MAX_HOPS else 0):
        woken += _woken(compiled, profile, moment)
        if not woken:
            return
        woken.sort(key=_rank)
        dirty: Bits = 0
        for each in woken:
            for fact in each.fire(profile, moment, round_):
                dirty |= compiled.readers(*fact)
        if dirty:
            _evaluate(compiled, profile, moment, dirty)
        woken = []
    for each in sorted([*woken, *_woken(compiled, profile, moment)], key=_rank):
        each.give_up(profile, moment)


def _woken(compiled: Compiled, profile: Profile, moment: Moment) -> list[Woken]:
    """Returns the triggers that wait for what has changed."""
    return [
        each
        for change, (old, new) in moment.take_changes().items()
        for each in compiled.woken.get(change, ())
        if each.moved is not None
        and each.moved(old, new)
        and (each.moves_enough is None or each.moves_enough(profile, moment.now, old, new))
    ]


def _rank(trigger: Woken) -> int:
    return trigger.rank


def _fire(frame: _Frame, decision: Decision, until_ms: int) -> None:
    """Fires the timers due at or before an instant, those of one instant together.

    An instant at which nothing turns leaves no trace, as if there had been no timer.
    """
    compiled, profile = frame.compiled, frame.profile
    while profile.due <= until_ms:
        now = max(profile.clock, profile.due)
        dirty: Bits = 0
        rung: list[Woken] = []
        for timer, due in list(profile.timers.items()):
            if due <= now:
                del profile.timers[timer]
                dirty |= 1 << compiled.timers[timer]
                if timer in compiled.alarms:
                    rung.append(compiled.alarms[timer])
                decision.fired += 1
        moment = Moment(decision, compiled.scales, now=now, cause=CLOCK)
        moment.occurrence, moment.adopted = f"{CLOCK}@{now}", frame.adopted_ms
        told = moment.told = len(decision.emitted)
        _evaluate(compiled, profile, moment, dirty)
        woken = alarms.called(rung, profile, now)
        if moment.echoes:
            brought = _woken(compiled, profile, moment)
            moment.echoes = bool(brought)
            woken += brought
        if moment.turned or woken:
            profile.clock = now
        if moment.changes or woken:
            _answer(compiled, profile, moment, woken)
        if len(decision.emitted) > told:
            _follow(frame, moment, told)


def _follow(frame: _Frame, moment: Moment, told: int) -> None:
    """Applies the events that triggers told at a moment, and those which these led to in turn."""
    decision = moment.decision
    for event in decision.emitted[told:]:
        if not frame.seen.add(event.message_id, frame.log_s):
            continue
        before = len(decision.emitted)
        facts = _told(_read(frame.compiled, frame.profile, event, moment.now))
        following = _apply(
            frame.compiled,
            frame.profile,
            facts,
            decision,
            adopted_ms=frame.adopted_ms,
            parent=moment,
        )
        if following is not None and len(decision.emitted) > before:
            _follow(frame, following, before)


def _told(facts: _Facts) -> _Facts:
    """Leaves out what only people's own events count for."""
    event, at_ms, plan, heard, measured, properties, traits = facts
    own = [each for each in heard if not each.is_own]
    return event, at_ms, plan, own, measured, properties, traits
