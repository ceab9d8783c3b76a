"""Triggers: which of them an instant wakes, whether they may fire, and what they do.

They run in rounds. The first answers the event and what it changed; what their actions change wakes
the next one. All of a round see the profile as those before them left it.
"""

from datetime import UTC, datetime
from typing import Any, assert_never

import msgspec

from processors.decisions.comparisons import is_same
from processors.decisions.conditions import Evaluate
from processors.decisions.features import Where
from processors.decisions.moments import Change, Moment
from processors.decisions.nodes import Moved
from processors.decisions.scales import Scale
from processors.definitions import triggers as documents
from processors.state import profiles
from processors.state.profiles import Profile
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


class Trigger(msgspec.Struct, kw_only=True):
    """One trigger, compiled."""

    id: str
    version: str
    priority: int
    rank: int
    """Its place among all triggers: the highest priority first, then by id."""
    where: Where | None = None
    moved: Moved | None = None
    when: Evaluate | None
    limit: documents.Limit | None
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
        case documents.AddPoints(score=score_id, points=points):
            state = profile.scores.get(score_id)
            if state is None:
                state = profile.scores[score_id] = moment.scales[score_id].begin()
            state.added += points
            return ("added", score_id)
        case documents.SetStatus(status=status):
            old, profile.status = profile.status, status
            if old == status:
                return None
            moment.note(("status", ""), old, status)
            return ("status", "")
        case _:
            return _mark(profile, action)


def _mark(
    profile: Profile,
    action: documents.AddTag | documents.RemoveTag | documents.AddToList | documents.RemoveFromList,
) -> tuple[str, str] | None:
    match action:
        case documents.AddTag(tag=tag):
            return ("tag", tag) if _put(profile.tags, tag) else None
        case documents.RemoveTag(tag=tag):
            return ("tag", tag) if _drop(profile.tags, tag) else None
        case documents.AddToList(list_id=list_id):
            return ("list", list_id) if _put(profile.lists, list_id) else None
        case documents.RemoveFromList(list_id=list_id):
            return ("list", list_id) if _drop(profile.lists, list_id) else None
        case _:
            assert_never(action)


def _put(held: list[str], name: str) -> bool:
    if name in held:
        return False
    held.append(name)
    return True


def _drop(held: list[str], name: str) -> bool:
    if name not in held:
        return False
    held.remove(name)
    return True


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


def moved(stimulus: documents.Stimulus, scales: dict[str, Scale]) -> tuple[Change, Moved]:
    """Returns which change wakes a trigger, and what it must be like.

    Raises:
        TypeError: the stimulus is an event, which is no change.
    """
    match stimulus:
        case documents.SegmentStimulus(segment=segment_id, change=change):
            entered = change == "entered"
            return ("segment", segment_id), lambda old, new: new is entered
        case documents.ScoreStimulus(score=score_id):
            return ("score", score_id), _crossing(stimulus)
        case documents.LevelStimulus(score=score_id, becomes=level):
            return ("score", score_id), _becoming(scales[score_id], level)
        case documents.TraitStimulus():
            return _trait_change(stimulus)
        case documents.StatusStimulus(status=becomes, old=was):
            return (
                "status",
                "",
            ), lambda old, new: new == becomes != old and (was is None or old == was)
        case _:
            raise TypeError("an event is no change")


def _crossing(stimulus: documents.ScoreStimulus) -> Moved:
    threshold = stimulus.crosses
    up, down = stimulus.direction != "down", stimulus.direction != "up"
    return lambda old, new: (up and old < threshold <= new) or (down and new < threshold <= old)


def _becoming(scale: Scale, level: str) -> Moved:
    name = scale.levels.name
    return lambda old, new: name(new) == level != name(old)


def _trait_change(stimulus: documents.TraitStimulus) -> tuple[Change, Moved]:
    key, *rest = stimulus.trait.split(".")
    path = ("", *rest)
    target = stimulus.becomes

    def holds(old: Any, new: Any) -> bool:
        before = profiles.trait({"": (old, 0)}, path)
        after = profiles.trait({"": (new, 0)}, path)
        if is_same(before, after):
            return False
        return bool(stimulus.changes) or is_same(after, target)

    return ("trait", key), holds
