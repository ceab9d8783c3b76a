"""Actions, carried out: what they change of the profile, which commands and events they make."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol, assert_never

import msgspec

from processors.decisions import gate, lists, sources
from processors.decisions.features import NO_PROPERTIES, Properties
from processors.decisions.moments import Moment
from processors.decisions.sources import Laid, Modelled
from processors.decisions.terms import AUDIENCE, Gate, Terms
from processors.definitions import actions as documents
from processors.definitions.predicates import NO_VALUE, Predicates
from processors.state import adjustments, profiles
from processors.state.contacts import Held
from processors.state.profiles import Profile, ScoreState
from schemas import commands
from schemas.commands import Command
from schemas.events import Event

MAX_EMITS = 8
"""How many events may tell the next in a row."""
MAX_TOLD = 100
"""How many events one stimulus may lead to in all; further ones are not told."""

Fact = tuple[str, str]


class Starter(Protocol):
    """A journey, for those who begin and end runs of it."""

    def start(self, acting: "Acting", parent: int = 0) -> Fact | None:
        """Begins a run, if the person may enter; returns the fact that changed."""
        ...

    def stop(self, profile: Profile, moment: Moment, reason: str = "stopped") -> Fact | None:
        """Ends the person's runs; returns the fact that changed."""
        ...


class Start(msgspec.Struct, frozen=True):
    """Begins a run of a journey."""

    journey: str
    starters: Mapping[str, Starter]


class Stop(msgspec.Struct, frozen=True):
    """Ends the runs of a journey."""

    journey: str
    starters: Mapping[str, Starter]


class Deliver(msgspec.Struct, frozen=True):
    """Sends a message, on the terms that hold for its like."""

    send: documents.Send
    terms: Terms
    gate: Gate


class Enlist(msgspec.Struct, frozen=True):
    """Puts the person on an audience, or takes them off it."""

    change: documents.RemoveFromAudience
    gate: Gate


Action = (
    Deliver
    | Enlist
    | documents.Webhook
    | documents.CreateTask
    | documents.Emit
    | documents.SetTrait
    | documents.AddPoints
    | documents.SetPoints
    | documents.SetStatus
    | documents.AddTag
    | documents.RemoveTag
    | documents.AddToList
    | documents.RemoveFromList
    | Laid
    | Modelled
    | Start
    | Stop
)


class Means(msgspec.Struct, frozen=True):
    """What actions are carried out by."""

    starters: Mapping[str, Starter]
    predicates: Predicates
    gate: Gate


def ready(written: Iterable[documents.Action], means: Means) -> tuple[Action, ...]:
    """Returns actions that can be carried out."""
    return tuple(_ready(each, means) for each in written)


def _ready(action: documents.Action, means: Means) -> Action:
    starters = means.starters
    match action:
        case documents.SetTrait():
            return sources.sourced(action, means.predicates)
        case documents.Send(channel=channel, topic=topic):
            return Deliver(action, means.gate.terms(channel, topic), means.gate)
        case documents.RemoveFromAudience():
            return Enlist(action, means.gate)
        case documents.StartJourney(journey=journey):
            return Start(journey, starters)
        case documents.StopJourney(journey=journey):
            return Stop(journey, starters)
        case _:
            return action


class Acting(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts, for whom, when, and which of its actions it is."""

    definition_id: str
    version: str
    priority: int
    profile: Profile
    moment: Moment
    step: str
    occurrence: str
    properties: Mapping[str, Any] | None = None
    """What the commands carry beside the person's traits."""
    known: Mapping[str, Any] | None = None
    """What a run knows that begins by it."""
    at_hand: Properties = NO_PROPERTIES
    """What actions read by `property`."""

    @property
    def id(self) -> str:
        """What it does has this id, whatever it is."""
        found = (self.definition_id, self.version, self.profile.id, self.step, self.occurrence)
        return commands.derive_id(*found)

    def command(self, channel: str, **rest: Any) -> Command:
        """Returns an order to the sender of a channel."""
        if self.properties:
            rest["properties"] = dict(self.properties)
        return Command(
            id=self.id,
            channel=channel,
            profile_id=self.profile.id,
            definition_id=self.definition_id,
            version=self.version,
            step=self.step,
            occurrence=self.occurrence,
            at=self.moment.now,
            priority=self.priority,
            **rest,
        )


def act(acting: Acting, action: Action) -> tuple[str, str] | None:
    """Does one action; returns the fact that it changed, if any."""
    profile, moment = acting.profile, acting.moment
    match action:
        case Deliver():
            return _deliver(acting, action)
        case Enlist() | documents.Webhook() | documents.CreateTask():
            _order(acting, action)
            return None
        case documents.Emit():
            tell(acting, action.event, action.properties)
            return None
        case documents.SetTrait() | Laid() | Modelled():
            return _lay(acting, action)
        case documents.AddPoints():
            return _give(profile, moment, action)
        case documents.SetPoints():
            return _set(profile, moment, action)
        case Start() | Stop():
            starter = action.starters[action.journey]
            is_start = isinstance(action, Start)
            return starter.start(acting) if is_start else starter.stop(profile, moment)
        case documents.SetStatus(status=status):
            old, profile.status = profile.status, status
            if old == status:
                return None
            moment.note(("status", ""), old, status)
            return ("status", "")
        case _:
            return _mark(profile, moment, action)


def _lay(acting: Acting, action: documents.SetTrait | Laid | Modelled) -> Fact | None:
    profile, moment = acting.profile, acting.moment
    if isinstance(action, documents.SetTrait):
        value = action.value
    else:
        value = action.find(profile, moment, acting.at_hand)
    if value is NO_VALUE:
        return None
    is_new = set_whole(profile, moment, action.trait, value, at_ms=moment.now)
    return ("trait", action.trait) if is_new else None


def _deliver(acting: Acting, action: Deliver) -> Fact | None:
    """Sends a message, or has the gate decide where there is anything to ask."""
    profile, send, terms = acting.profile, action.send, action.terms
    if terms.is_exempt or (profile.contact is None and terms.is_free):
        said = profiles.known(profile)
        acting.moment.decision.commands.append(
            acting.command(send.channel, template=send.template, topic=send.topic, **said)
        )
        return None
    held = _held(acting, send.channel, send.template, send.topic)
    return gate.take(action.gate, profile, acting.moment, held)


def _enlisting(acting: Acting, action: Enlist) -> Command | None:
    """Returns what puts somebody on an audience, where they may be on it, or takes them off it."""
    change, traits = action.change, acting.profile.traits
    body = {"operation": "remove", "service": change.service, "audience": change.audience}
    rest = {"traits": {name: traits[name][0] for name in ("email",) if name in traits}}
    if not isinstance(change, documents.AddToAudience):
        return acting.command(AUDIENCE, body=body, transactional=True, **rest)
    held = _held(acting, AUDIENCE, "", change.topic)
    if not gate.admit(action.gate, acting.profile, acting.moment, held):
        return None
    return acting.command(AUDIENCE, body=body | {"operation": "add"}, topic=change.topic, **rest)


def _held(acting: Acting, channel: str, template: str, topic: str | None) -> Held:
    return Held(
        id=acting.id,
        definition_id=acting.definition_id,
        version=acting.version,
        step=acting.step,
        occurrence=acting.occurrence,
        channel=channel,
        template=template,
        topic=topic,
        priority=acting.priority,
        made=acting.moment.now,
        properties=dict(acting.properties) if acting.properties else None,
    )


def gives_for_a_time(actions: tuple[documents.Action, ...]) -> bool:
    """Returns whether one of them gives points that end."""
    return any(
        isinstance(each, documents.AddPoints) and each.lasting is not None for each in actions
    )


def tells(action: Action) -> bool:
    """Returns whether its command says what the event at hand said."""
    return isinstance(action, Deliver) or (
        isinstance(action, documents.Webhook) and action.has_values
    )


def _order(acting: Acting, action: Enlist | documents.Webhook | documents.CreateTask) -> None:
    """Has something done that is no message."""
    match action:
        case Enlist():
            found = _enlisting(acting, action)
        case documents.Webhook():
            found = _asking(acting, action)
        case _:
            found = acting.command("task", body=_task(action, at_ms=acting.moment.now))
    if found is not None:
        acting.moment.decision.commands.append(found)


def _asking(acting: Acting, action: documents.Webhook) -> Command:
    """Returns what asks an address; only where values are filled in, with what is known."""
    known: dict[str, Any] = {}
    if action.has_values:
        known = {"has_values": True, **profiles.known(acting.profile)}
    return acting.command(
        "webhook",
        url=action.url,
        method=None if action.method == "POST" else action.method,
        headers=dict(action.headers),
        body=action.body,
        **known,
    )


def _task(action: documents.CreateTask, *, at_ms: int) -> dict[str, Any]:
    """Returns what the task's sender needs; the offset becomes an instant here, so once."""
    found: dict[str, Any] = {"title": action.title, "priority": action.priority}
    if action.description is not None:
        found["description"] = action.description
    if action.assignee is not None:
        found["assignee"] = action.assignee
    if action.due is not None:
        found["due_at"] = at_ms + action.due
    return found


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


def tell(acting: Acting, event: str, properties: Mapping[str, Any]) -> None:
    """Tells a further event of the person, unless too many have told each other."""
    moment = acting.moment
    told = len(moment.decision.emitted) - moment.told
    if moment.depth >= MAX_EMITS or told >= MAX_TOLD:
        return
    moment.decision.emitted.append(
        Event(
            message_id=f"emit-{acting.id}",
            type="track",
            event=event,
            user_id=acting.profile.id,
            timestamp=datetime.fromtimestamp(moment.now / 1000, UTC),
            properties=msgspec.Raw(msgspec.json.encode(properties)),
        )
    )
