"""From a history and the definitions to the explanation. Pure.

Nothing is reckoned here that the engine has not: memberships, points and values are the profile's,
answers are those of the engine's closures, and what comes next is its timers run ahead.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from processors.decisions import recommendations, scales
from processors.decisions.compiled import Compiled
from processors.decisions.decays import rounded
from processors.decisions.fading import FadingRule, Scored
from processors.decisions.features import compile_where
from processors.decisions.models import ModelRule
from processors.definitions import suggestions
from processors.definitions.orders import Key
from processors.definitions.scores import EventMatch, Group, Rule, Score
from processors.definitions.sets import DefinitionSet
from processors.definitions.triggers import Trigger
from processors.explanations import conditions, contacts, futures, journeys, trees
from processors.explanations.conditions import Heeded, Scene, Watched
from processors.explanations.contacts import split
from processors.explanations.futures import Watch
from processors.explanations.histories import Heard, History
from processors.operations.errors import OperationFailed
from processors.state.profiles import NEVER, Profile, ScoreState

MAX_NAMED = 10


def choose(definitions: DefinitionSet, name: str | None) -> list[Key]:
    """Returns the definitions of a name, `ID` or `KIND/ID`; all of them where there is none.

    Raises:
        OperationFailed: there is no such definition.
    """
    keys = list(definitions.deciding)
    if name is None:
        return keys
    found = [key for key in keys if name in (key[1], "/".join(key))]
    if found:
        return found
    ids = sorted({id_ for _, id_ in keys})
    hint = suggestions.hint(name.rpartition("/")[2], ids)
    if not hint:
        more = ", …" if len(ids) > MAX_NAMED else ""
        hint = f"; there are {', '.join(ids[:MAX_NAMED])}{more}" if ids else "; there are none"
    raise OperationFailed(f"there is no definition {name}{hint}")


def explain(
    definitions: DefinitionSet, compiled: Compiled, history: History, chosen: Sequence[Key]
) -> trees.Explanation:
    """Returns why everything is as it is for a person, for some of the definitions.

    Args:
        definitions: the active set.
        compiled: the same, compiled.
        history: of the person, brought under this set and to its instant.
        chosen: which of them, see `choose`.
    """
    # A closure may note in the profile what it has found once and for all.
    history = msgspec.structs.replace(history, profile=futures.copy(history.profile))
    builder = _Builder(Scene(definitions=definitions, compiled=compiled, history=history))
    ids: dict[str, list[str]] = {kind: [] for kind, _ in chosen}
    for kind, id_ in chosen:
        ids[kind].append(id_)
    explanation = trees.Explanation(
        profile_id=history.profile.id,
        at=history.at_ms,
        definitions=definitions.id,
        looked_until=None,
        notes=[*history.notes, *contacts.notes(history.profile)],
        segments=[builder.segment(each) for each in ids.get("segment", ())],
        lists=[builder.static_list(each) for each in ids.get("list", ())],
        scores=[builder.score(each) for each in ids.get("score", ())],
        triggers=[builder.trigger(each) for each in ids.get("trigger", ())],
        journeys=[
            journeys.journey(builder.scene, builder.watched, each)
            for each in ids.get("journey", ())
        ],
    )
    explanation.looked_until = builder.look_ahead()
    return explanation


class _Builder:
    """Builds the trees, and then looks ahead once for all of them."""

    def __init__(self, scene: Scene) -> None:
        self.definitions = scene.definitions
        self.scene = scene
        self.history = scene.history
        self.profile = scene.profile
        self.watched: Watched = []

    def segment(self, id_: str) -> trees.Segment:
        segment = self.definitions.segments[id_]
        is_member = id_ in self.profile.segments
        changes = [each for each in self.history.segment_changes if each.segment_id == id_]
        last = changes[-1] if changes else None
        if last is not None and (last.change == "entered") is not is_member:
            last = None  # the log has more, or less, than the profile
        node = trees.Segment(
            **self._named("segment", id_),
            member=is_member,
            since=self.profile.segments[id_] if is_member else last.at if last else None,
            cause=last.cause if last else None,
            until=None,
            when=self._condition(segment.when, self._written("segment", id_)["when"]),
        )
        self._watch(node, lambda profile: id_ in profile.segments)
        return node

    def static_list(self, id_: str) -> trees.StaticList:
        is_member = id_ in self.profile.lists
        node = trees.StaticList(**self._named("list", id_), member=is_member, until=None)
        self._watch(node, lambda profile: id_ in profile.lists)
        return node

    def score(self, id_: str) -> trees.Score:
        score = self.definitions.scores[id_]
        scale = self.scene.compiled.scales[id_]
        state = self.profile.scores.get(id_) or scale.begin()
        now_ms = self.history.at_ms
        course = self._scored(id_).course(self.profile, now_ms)
        value = rounded(course.at(now_ms))
        level = scale.levels.name(value)
        groups = [
            self._group(id_, each, written, state)
            for each, written in zip(
                score.groups, self._written("score", id_).get("groups", ()), strict=True
            )
        ]
        total = state.added + sum(each.points for each in groups)
        of = {}
        if scale.pair is not None:
            parts = [rounded(part.at(now_ms)) for part in course.parts]
            of = dict(zip(scale.pair.of, parts, strict=True))
        changes = [each for each in self.history.score_changes if each.score_id == id_]
        last = changes[-1] if changes and changes[-1].new == state.value else None
        node = trees.Score(
            **self._named("score", id_),
            value=value,
            level=level,
            grade=scale.pair.grade(*of.values()) if scale.pair else scale.grades.name(value),
            since=last.at if last else None,
            cause=last.cause if last else None,
            until=None,
            added=rounded(state.added),
            adjustments=[
                trees.Adjustment(points=points, until=ends_ms)
                for ends_ms, points in (self.profile.adjustments or {}).get(id_, ())
            ],
            of=of,
            cut=0 if of else total - _bounded(total, score),
            limit=score.limit,
            floor=score.floor,
            groups=groups,
            recommendations=self._recommended(id_, level),
        )
        self._watch(node, lambda profile: scales.value(profile, id_, scale.empty))
        return node

    def _group(
        self, score_id: str, group: Group, written: Mapping[str, Any], state: ScoreState
    ) -> trees.Group:
        rules = [
            self._rule(score_id, each, below, state)
            for each, below in zip(group.rules, written["rules"], strict=True)
        ]
        total = sum(each.points for each in rules)
        points = _bounded(total, group)
        return trees.Group(
            id=group.id,
            name=group.name,
            points=points,
            cut=total - points,
            limit=group.limit,
            floor=group.floor,
            rules=rules,
        )

    def _rule(
        self, score_id: str, rule: Rule, written: Mapping[str, Any], state: ScoreState
    ) -> trees.Rule:
        node = trees.Rule(
            id=rule.id,
            name=rule.name,
            points=self._points(score_id, rule, state),
            each=rule.points,
            until=None,
            max_occurrences=rule.max_occurrences,
        )
        if rule.people is not None:
            node.on = conditions.text({"people": written["people"]})
        elif rule.when is not None:
            node.when = self._condition(rule.when, written["when"])
        elif rule.on is not None:
            node.on = conditions.text({key: written[key] for key in _ON if key in written})
            node.events = self._gathered(rule, rule.on)
            if rule.for_each is not None:
                node.amount = f"{rule.for_each.amount:g} of {rule.for_each.property}"
        else:
            node.model = self._model(f"score/{score_id}/{rule.id}", written["model"])
        number = self._number(score_id, rule)
        self._watch(node, lambda profile: _points(profile, score_id, number))
        return node

    def _recommended(self, score_id: str, level: str | None) -> list[str]:
        known = self._scored(score_id).recommendations
        return list(recommendations.texts(known, self.profile, self.history.at_ms, level))

    def _scored(self, score_id: str) -> Scored:
        compiled = self.scene.compiled
        node = compiled.nodes[compiled.places[f"score/{score_id}"]]
        assert isinstance(node, Scored)
        return node

    def _number(self, score_id: str, rule: Rule) -> int:
        return self.scene.compiled.scales[score_id].number(rule.id)

    def _points(self, score_id: str, rule: Rule, state: ScoreState) -> float:
        """Returns what a rule gives now: points that fade are held nowhere."""
        compiled = self.scene.compiled
        node = compiled.nodes[compiled.places[f"score/{score_id}/{rule.id}"]]
        if not isinstance(node, FadingRule):
            return state.points.get(self._number(score_id, rule), 0)
        term = node.term(self.profile, self.history.at_ms)
        return 0 if term is None else term.at(self.history.at_ms)

    def _model(self, key: str, name: str) -> trees.Model:
        node = self.scene.compiled.nodes[self.scene.compiled.places[key]]
        assert isinstance(node, ModelRule)
        return trees.Model(
            name=name,
            version=node.model.version if node.model is not None else None,
            share=node.share(self.profile),
            inputs=node.inputs(self.profile),
        )

    def _gathered(self, rule: Rule, on: EventMatch) -> list[trees.Occurrence]:
        """Returns the events of a rule; those beyond its maximum do not count.

        In a window, and where points become fewer, the latest do, else the first. Where each value
        counts once, only one event of each is told.
        """
        heeded = Heeded(event=on.event, where=compile_where(on.where), width_ms=rule.within)
        found = conditions.occurrences(self.history, heeded)
        if rule.per is not None:
            found = conditions.once_per(rule.per, found, self.history, latest=bool(rule.within))
        most = rule.max_occurrences
        if most is not None and len(found) > most:
            is_latest = rule.within is not None or rule.decay is not None
            for each in found[:-most] if is_latest else found[most:]:
                each.counts = False
        return found

    def trigger(self, id_: str) -> trees.Trigger:
        trigger = self.definitions.triggers[id_]
        written = self._written("trigger", id_)
        decided, messages = split(self.history.decisions, id_)
        at_hand = self._at_hand(trigger, decided[-1].cause if decided else None)
        when, scene = None, self.scene
        if trigger.when is not None:
            if at_hand is not None:
                properties = conditions.properties_of(at_hand)
                scene = msgspec.structs.replace(scene, properties=properties)
            when = conditions.explain(trigger.when, written["when"], scene, self.watched)
        refused = Counter(each.reason for each in decided if each.outcome == "no")
        return trees.Trigger(
            **self._named("trigger", id_),
            on=conditions.text(written["on"]),
            fired=sum(each.outcome == "yes" for each in decided),
            refused=dict(sorted(refused.items())),
            limit=self._limit(trigger),
            at_hand=at_hand.event.message_id if at_hand and when and _asks(when) else None,
            when=when,
            decisions=msgspec.convert(decided, list[trees.Decision], from_attributes=True),
            messages=messages,
        )

    def _at_hand(self, trigger: Trigger, cause: str | None) -> Heard | None:
        """Returns the event that a trigger was woken by last, or would be by its like."""
        latest = None
        for each in self.history.heard:
            if each.event.message_id == cause:
                return each
            if isinstance(trigger.on, EventMatch) and each.name == trigger.on.event:
                latest = each
        return latest

    def _limit(self, trigger: Trigger) -> trees.Limit | None:
        limit, now_ms = trigger.limit, self.history.at_ms
        if limit is None:
            return None
        fired = self.profile.fired.get(trigger.id, [])
        if limit.within is not None:
            fired = [at for at in fired if now_ms < at + limit.within]
        is_reached = limit.within is not None and len(fired) >= limit.times
        return trees.Limit(
            times=limit.times,
            within_ms=limit.within,
            fired=len(fired),
            until=fired[-limit.times] + (limit.within or 0) if is_reached else None,
        )

    def look_ahead(self) -> int | None:
        """Sets when everything turns; returns how far was looked, None for to the end."""
        turned, looked_ms = futures.turns(
            self.scene.compiled,
            self.profile,
            self.history.at_ms,
            [watch for watch, _ in self.watched],
        )
        for at_ms, (_, node) in zip(turned, self.watched, strict=True):
            node.until = at_ms
        return looked_ms

    def _condition(self, condition: Any, written: Mapping[str, Any]) -> trees.Condition:
        return conditions.explain(condition, written, self.scene, self.watched)

    def _watch(self, node: Any, see: Any) -> None:
        def watch(profile: Profile, now_ms: int) -> tuple[Any, int]:
            return see(profile), NEVER

        found: Watch = watch
        self.watched.append((found, node))

    def _written(self, kind: str, id_: str) -> Mapping[str, Any]:
        return self.definitions.documents[kind, id_]

    def _named(self, kind: str, id_: str) -> dict[str, Any]:
        return {
            "id": id_,
            "name": self._written(kind, id_).get("name"),
            "version": self.definitions.versions[kind, id_],
        }


_ON = ("on", "per", "within", "decay")


def _bounded(points: float, by: Score | Group) -> float:
    """Returns points between floor and limit: only what was cut off is not in the profile."""
    points = points if by.limit is None else min(points, by.limit)
    return points if by.floor is None else max(points, by.floor)


def _asks(node: trees.Condition) -> bool:
    """Returns whether a condition asks the event at hand."""
    return node.kind == "property" or any(map(_asks, node.parts))


def _points(profile: Profile, score_id: str, number: int) -> float:
    state = profile.scores.get(score_id)
    return 0 if state is None else state.points.get(number, 0)
