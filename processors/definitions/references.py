"""What a definition refers to, and where in its document it does."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, assert_never

from processors.definitions import actions, conditions, scores, steps, stimuli, triggers
from processors.definitions.catalogues import Catalogue
from processors.definitions.conditions import Condition
from processors.definitions.documents import Definition
from processors.definitions.errors import Path
from processors.definitions.journeys import Journey
from processors.definitions.policies import Policy
from processors.definitions.segments import Segment, StaticList
from processors.definitions.templates import Partial, Template
from processors.definitions.topics import Topic


@dataclass(frozen=True, slots=True)
class Reference:
    """One mention of another definition."""

    path: Path
    kind: Literal["segment", "list", "score", "trigger", "journey", "topic", "catalogue"]
    id: str


@dataclass(frozen=True, slots=True)
class Rung:
    """One mention of a level or a grade of a score."""

    path: Path
    score: str
    noun: Literal["level", "grade"]
    name: str


@dataclass(frozen=True, slots=True)
class Gift:
    """One mention of a score that points are added to."""

    path: Path
    score: str


@dataclass(frozen=True, slots=True)
class Custom:
    """One mention of a predicate, with the names of what it is told."""

    path: Path
    name: str
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Modelled:
    """One mention of a model, with the names of what it is told."""

    path: Path
    name: str
    parameters: tuple[str, ...] | None = None
    """None in the rule of a score, where it is told nothing."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One condition, or one score, that is asked of an account's people."""

    path: Path
    key: str
    """Stands for it."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One mention of a template, by an action that sends, or by a cap that combines."""

    path: Path
    channel: str
    template: str


@dataclass(frozen=True, slots=True)
class Subject:
    """One mention of what messages are about: a definition where the set has any of the kind."""

    path: Path
    channel: str
    topic: str


Mention = Reference | Rung | Gift | Custom | Modelled | Asked | Sent | Subject


def of(definition: Definition) -> Iterator[Mention]:
    """Yields all mentions in the order of the document."""
    match definition:
        case Segment():
            yield from _condition(definition.when, ("when",))
        case scores.Score():
            yield from _score(definition)
        case triggers.Trigger():
            yield from _trigger(definition)
        case Journey():
            yield from _journey(definition)
        case Policy():
            for place, topic in enumerate(definition.topics or ()):
                yield Reference(("topics", place), "topic", topic)
            yield from _summaries(definition)
        case Template(catalogue=str(name)):
            yield Reference(("catalogue",), "catalogue", name)
        case StaticList() | Topic() | Template() | Partial() | Catalogue():
            pass
        case _:
            assert_never(definition)


def _summaries(policy: Policy) -> Iterator[Mention]:
    for place, cap in enumerate(policy.caps):
        if cap.summary is not None:
            for channel in {*(policy.channels or ())}:
                yield Sent(("caps", place, "summary"), channel, cap.summary)


def _score(score: scores.Score) -> Iterator[Mention]:
    for place, part in enumerate(score.combined.of if score.combined is not None else ()):
        yield Reference(("combined", "of", place), "score", part)
    yield from _rules(score)
    for place, each in enumerate(score.recommendations):
        if each.level is not None:
            yield Rung(("recommendations", place, "level"), score.id, "level", each.level)
        yield from _condition(each.when, ("recommendations", place, "when"))


def _rules(score: scores.Score) -> Iterator[Mention]:
    for place, group in enumerate(score.groups):
        for at, rule in enumerate(group.rules):
            path = ("groups", place, "rules", at)
            yield from _condition(rule.when, (*path, "when"))
            if rule.model is not None:
                yield Modelled((*path, "model"), rule.model)
            if rule.people is not None:
                yield Asked((*path, "people"), rule.people.key)
                asked = (*path, "people", rule.people.function)
                yield Reference(asked, "score", rule.people.score)


def _condition(condition: Condition | None, path: Path) -> Iterator[Mention]:
    match condition:
        case conditions.AllCondition(all=inner):
            yield from _several(inner, (*path, "all"))
        case conditions.AnyCondition(any=inner):
            yield from _several(inner, (*path, "any"))
        case conditions.NotCondition(negated=each):
            yield from _condition(each, (*path, "not"))
        case _:
            yield from _leaf(condition, path)


def _leaf(condition: Condition | None, path: Path) -> Iterator[Mention]:
    match condition:
        case conditions.PeopleCondition(condition=each, quantifier=quantifier):
            yield Asked((*path, "account"), condition.key)
            yield from _condition(each, (*path, "account", quantifier))
        case conditions.SegmentCondition():
            yield Reference((*path, "segment"), "segment", condition.segment)
        case conditions.ListCondition():
            yield Reference((*path, "list"), "list", condition.list_id)
        case conditions.CustomCondition(custom=name, parameters=parameters):
            yield Custom((*path, "custom"), name, tuple(parameters))
        case conditions.ScoreCondition():
            yield from _asked_score(condition, path)
        case conditions.ConsentCondition(consent=asked):
            yield from _subject(asked, (*path, "consent", "topic"))


def _subject(named: actions.Send | conditions.Agreement, path: Path) -> Iterator[Mention]:
    if named.topic is not None:
        yield Subject(path, named.channel, named.topic)


def _several(inner: tuple[Condition, ...], path: Path) -> Iterator[Mention]:
    for place, each in enumerate(inner):
        yield from _condition(each, (*path, place))


def _asked_score(condition: conditions.ScoreCondition, path: Path) -> Iterator[Mention]:
    yield Reference((*path, "score"), "score", condition.score)
    if condition.level is not None:
        yield Rung((*path, "level"), condition.score, "level", condition.level)
    if condition.grade is not None:
        yield Rung((*path, "grade"), condition.score, "grade", condition.grade)


def _trigger(trigger: triggers.Trigger) -> Iterator[Mention]:
    yield from _stimulus(trigger.on, ("on",))
    yield from _condition(trigger.when, ("when",))
    for place, action in enumerate(trigger.do):
        yield from _action(action, ("do", place))


def _journey(journey: Journey) -> Iterator[Mention]:
    yield from _stimulus(journey.entry.on, ("entry",))
    yield from _condition(journey.entry.when, ("entry", "when"))
    yield from _condition(journey.targeting, ("targeting",))
    for place, awaited in enumerate(journey.exit):
        yield from _awaited(awaited, ("exit", place))
    for place, step in enumerate(journey.steps):
        yield from _step(step.does, ("steps", place))
        yield from _condition(step.when, ("steps", place, "when"))


def _awaited(awaited: steps.Awaited, path: Path) -> Iterator[Mention]:
    if not isinstance(awaited, steps.Arrival):
        yield from _condition(awaited, path)


def _step(does: steps.Does, path: Path) -> Iterator[Mention]:
    match does:
        case steps.Wait(until=awaited):
            if awaited is not None:
                yield from _awaited(awaited, (*path, "wait", "until"))
        case steps.Branch(cases=cases):
            for place, case in enumerate(cases):
                yield from _condition(case.when, (*path, "branch", "cases", place, "when"))
        case steps.Start(journey=journey):
            yield Reference((*path, "start_journey"), "journey", journey)
        case steps.Split() | steps.Exit() | steps.Go():
            pass
        case _:
            yield from _action(does, path)


def _stimulus(stimulus: stimuli.Stimulus, path: Path) -> Iterator[Mention]:
    match stimulus:
        case stimuli.SegmentStimulus():
            yield Reference((*path, "segment"), "segment", stimulus.segment)
        case stimuli.ScoreStimulus():
            yield Reference((*path, "score"), "score", stimulus.score)
        case stimuli.LevelStimulus():
            yield Reference((*path, "level"), "score", stimulus.score)
            yield Rung((*path, "becomes"), stimulus.score, "level", stimulus.becomes)
        case stimuli.GradeStimulus():
            yield Reference((*path, "grade"), "score", stimulus.score)
            yield Rung((*path, "becomes"), stimulus.score, "grade", stimulus.becomes)
        case stimuli.ListStimulus():
            yield Reference((*path, "list"), "list", stimulus.list_id)
        case stimuli.ScheduleStimulus():
            yield from _condition(stimulus.audience, (*path, "audience"))


def _action(action: actions.Action, path: Path) -> Iterator[Mention]:
    match action:
        case actions.SetTrait(model=str(name)):
            yield Modelled((*path, "set_trait", "model"), name, tuple(action.parameters))
        case actions.Send():
            yield Sent((*path, "send", "template"), action.channel, action.template)
            yield from _subject(action, (*path, "send", "topic"))
        case actions.AddToAudience(topic=str(topic)):
            yield Subject((*path, "add_to_audience", "topic"), "audience", topic)
        case actions.AddToList():
            yield Reference((*path, "add_to_list"), "list", action.list_id)
        case actions.RemoveFromList():
            yield Reference((*path, "remove_from_list"), "list", action.list_id)
        case actions.StartJourney():
            yield Reference((*path, "start_journey"), "journey", action.journey)
        case actions.StopJourney():
            yield Reference((*path, "stop_journey"), "journey", action.journey)
        case actions.AddPoints():
            yield Reference((*path, "add_points", "score"), "score", action.score)
            yield Gift((*path, "add_points", "score"), action.score)
        case actions.SetPoints():
            yield Reference((*path, "set_points", "score"), "score", action.score)
            yield Gift((*path, "set_points", "score"), action.score)
