"""Triggers: which of them an instant wakes, whether they may fire, and what they do.

They run in rounds. The first answers the event and what it changed; what their actions change wakes
the next one. All of a round see the profile as those before them left it.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, assert_never

import msgspec

from processors.decisions import lists
from processors.decisions.conditions import Evaluate
from processors.decisions.features import Where
from processors.decisions.moments import Moment
from processors.decisions.nodes import Moved
from processors.definitions import triggers as documents
from processors.state import adjustments, profiles
from processors.state.profiles import Profile, ScoreState
from schemas import commands
from schemas.commands import Command
from schemas.events import Event
from schemas.records import DecisionRecord

MAX_ROUNDS = 16
"""How often actions may wake triggers within one instant."""
MAX_EMITS = 8
"""How many events may tell the next in a row."""
MAX_TOLD = 100
"""How many events one stimulus may lead to in all; further ones are not told."""
LOOP = "loop"


MovesEnough = Callable[[Profile, int, Any, Any], bool]
"""Of the profile, now, and the score before and after its latest move."""


class Trigger(msgspec.Struct, kw_only=True):
    """One trigger, compiled."""

    id: str
    version: str
    priority: int
    rank: int
    """Its place among all triggers: the highest priority first, then by id."""
    where: Where | None = None
    moved: Moved | None = None
    moves_enough: MovesEnough | None = None
    """Whether a score moved by as much as asked for."""
    audience: Evaluate | None = None
    """Whom a schedule is for; others are left out without a word."""
    when: Evaluate | None
    limit: documents.Limit | None
    is_eager: bool = False
    """Whether it also answers what a change of definitions brings."""
    lends: bool = False
    """Whether it gives points for a time when something changes or happens."""
    actions: tuple[documents.Action, ...]


Facts = set[tuple[str, str]]
"""Which facts of the profile an action has changed."""


def fire(trigger: Trigger, profile: Profile, moment: Moment, *, round_: int) -> Facts:
    """Runs one woken trigger: decides, records why, and acts; returns the facts it changed."""
    reason = _refusal(trigger, profile, moment)
    record(trigger, profile, moment, reason)
    if reason is not None:
        return set()
    if trigger.limit is not None:
        fired = profile.fired.setdefault(trigger.id, [])
        fired.append(moment.now)
        del fired[: -trigger.limit.times]
    facts: Facts = set()
    for place, action in enumerate(trigger.actions):
        found = _act(_Acting(trigger, profile, moment, round_, place), action)
        if found is not None:
            facts.add(found)
    return facts


def record(trigger: Trigger, profile: Profile, moment: Moment, refusal: str | None) -> None:
    """Writes down that a trigger fired, or why it did not."""
    moment.decision.decisions.append(
        DecisionRecord(
            profile_id=profile.id,
            definition_id=trigger.id,
            version=trigger.version,
            outcome="yes" if refusal is None else "no",
            reason=refusal or "fired",
            at=moment.now,
            cause=moment.cause,
            late=moment.late,
        )
    )


def _refusal(trigger: Trigger, profile: Profile, moment: Moment) -> str | None:
    if moment.echoes and trigger.lends:
        return LOOP
    if trigger.when is not None and trigger.when(profile, moment.now, moment.properties) < 0:
        return "condition"
    limit = trigger.limit
    if limit is None:
        return None
    fired = profile.fired.get(trigger.id, [])
    if limit.within is not None:
        fired = [at for at in fired if moment.now < at + limit.within]
    return "limit" if len(fired) >= limit.times else None


class _Acting(msgspec.Struct, frozen=True):
    """Who acts, when, and which of its actions it is."""

    trigger: Trigger
    profile: Profile
    moment: Moment
    round: int
    place: int

    def command(self, channel: str, **rest: Any) -> Command:
        moment, trigger = self.moment, self.trigger
        occurrence = moment.occurrence or moment.cause
        if self.round:
            occurrence = f"{occurrence}#{self.round}"
        step = str(self.place)
        return Command(
            id=commands.derive_id(trigger.id, trigger.version, self.profile.id, step, occurrence),
            channel=channel,
            profile_id=self.profile.id,
            definition_id=trigger.id,
            version=trigger.version,
            step=step,
            occurrence=occurrence,
            at=moment.now,
            priority=trigger.priority,
            **rest,
        )


def _act(acting: _Acting, action: documents.Action) -> tuple[str, str] | None:
    """Does one action; returns the fact that it changed, if any."""
    profile, moment = acting.profile, acting.moment
    match action:
        case documents.Send(channel=channel, template=template, topic=topic):
            traits = {key: held[0] for key, held in profile.traits.items()}
            moment.decision.commands.append(
                acting.command(channel, template=template, topic=topic, traits=traits)
            )
            return None
        case documents.Webhook(url=url, body=body):
            moment.decision.commands.append(acting.command("webhook", url=url, body=body))
            return None
        case documents.Emit():
            told = len(moment.decision.emitted) - moment.told
            if moment.depth < MAX_EMITS and told < MAX_TOLD:
                moment.decision.emitted.append(_event(acting, action))
            return None
        case documents.SetTrait(trait=key, value=value):
            is_new = set_whole(profile, moment, key, value, at_ms=moment.now)
            return ("trait", key) if is_new else None
        case documents.AddPoints():
            return _give(profile, moment, action)
        case documents.SetPoints():
            return _set(profile, moment, action)
        case documents.SetStatus(status=status):
            old, profile.status = profile.status, status
            if old == status:
                return None
            moment.note(("status", ""), old, status)
            return ("status", "")
        case _:
            return _mark(profile, moment, action)


def gives_for_a_time(actions: tuple[documents.Action, ...]) -> bool:
    """Returns whether one of them gives points that end."""
    return any(
        isinstance(each, documents.AddPoints) and each.lasting is not None for each in actions
    )


def _give(profile: Profile, moment: Moment, action: documents.AddPoints) -> tuple[str, str]:
    score_id, points = action.score, action.points
    state = _given(profile, moment, score_id, action.reason)
    if action.lasting is not None:
        if profile.adjustments is None:
            profile.adjustments = {}
        kept = profile.adjustments.setdefault(score_id, [])
        points -= adjustments.add(kept, moment.now + action.lasting, action.points)
    state.added += points
    if moment.targets is not None and score_id in moment.targets:
        moment.targets[score_id] += points
    return ("added" if action.lasting is None else "adjusted", score_id)


def _set(profile: Profile, moment: Moment, action: documents.SetPoints) -> tuple[str, str]:
    """Notes the value: what the rules give is known once all triggers of the round have run."""
    _given(profile, moment, action.score, action.reason)
    if moment.targets is None:
        moment.targets = {}
    moment.targets[action.score] = action.value
    return ("added", action.score)


def _given(profile: Profile, moment: Moment, score_id: str, reason: str | None) -> ScoreState:
    """Notes why a score gets points; returns what is kept of it."""
    if moment.reasons is None:
        moment.reasons = {}
    moment.reasons[score_id] = None if score_id in moment.reasons else reason
    state = profile.scores.get(score_id)
    if state is None:
        state = profile.scores[score_id] = moment.scales[score_id].begin()
    return state


def _mark(
    profile: Profile,
    moment: Moment,
    action: documents.AddTag | documents.RemoveTag | documents.AddToList | documents.RemoveFromList,
) -> tuple[str, str] | None:
    match action:
        case documents.AddTag(tag=name):
            kind, held, added = "tag", profile.tags, True
        case documents.RemoveTag(tag=name):
            kind, held, added = "tag", profile.tags, False
        case documents.AddToList(list_id=name):
            return lists.put(profile, moment, name, added=True)
        case documents.RemoveFromList(list_id=name):
            return lists.put(profile, moment, name, added=False)
        case _:
            assert_never(action)
    if (name in held) is added:
        return None
    if added:
        held.append(name)
    else:
        held.remove(name)
    moment.note((kind, name), not added, added)
    return kind, name


def set_whole(profile: Profile, moment: Moment, key: str, value: Any, *, at_ms: int) -> bool:
    """Lays a value over a top-level trait and notes the change; returns whether there was one."""
    old = profiles.trait(profile.traits, (key,))
    if not profiles.put_trait(profile.traits, key, value, at_ms):
        return False
    moment.note(("trait", key), old, value)
    return True


def _event(acting: _Acting, action: documents.Emit) -> Event:
    command_id = acting.command("emit").id
    return Event(
        message_id=f"emit-{command_id}",
        type="track",
        event=action.event,
        user_id=acting.profile.id,
        timestamp=datetime.fromtimestamp(acting.moment.now / 1000, UTC),
        properties=msgspec.Raw(msgspec.json.encode(action.properties)),
    )
