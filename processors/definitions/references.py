"""What a definition refers to, and where in its document it does."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, assert_never

from processors.definitions import conditions, scores, stimuli, triggers
from processors.definitions.conditions import Condition
from processors.definitions.documents import Definition
from processors.definitions.errors import Path
from processors.definitions.segments import Segment, StaticList


@dataclass(frozen=True, slots=True)
class Reference:
    """One mention of another definition."""

    path: Path
    kind: Literal["segment", "list", "score", "trigger"]
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
class Asked:
    """One condition, or one score, that is asked of an account's people."""

    path: Path
    key: str
    """Stands for it."""


Mention = Reference | Rung | Gift | Custom | Asked


def of(definition: Definition) -> Iterator[Mention]:
    """Yields all mentions in the order of the document."""
    match definition:
        case Segment():
            yield from _condition(definition.when, ("when",))
        case scores.Score(combined=scores.Combined(of=parts)):
            for place, part in enumerate(parts):
                yield Reference(("combined", "of", place), "score", part)
        case scores.Score():
            for place, group in enumerate(definition.groups):
                for at, rule in enumerate(group.rules):
                    yield from _rule(rule, ("groups", place, "rules", at))
        case triggers.Trigger():
            yield from _stimulus(definition.on)
            yield from _condition(definition.when, ("when",))
            for place, action in enumerate(definition.do):
                yield from _action(action, ("do", place))
        case StaticList():
            pass
        case _:
            assert_never(definition)


def _condition(condition: Condition | None, path: Path) -> Iterator[Mention]:
    match condition:
        case conditions.AllCondition(all=inner):
            yield from _several(inner, (*path, "all"))
        case conditions.AnyCondition(any=inner):
            yield from _several(inner, (*path, "any"))
        case conditions.NotCondition(negated=each):
            yield from _condition(each, (*path, "not"))
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
            yield from _score(condition, path)


def _rule(rule: scores.Rule, path: Path) -> Iterator[Mention]:
    yield from _condition(rule.when, (*path, "when"))
    if rule.people is not None:
        yield Asked((*path, "people"), rule.people.key)
        yield Reference((*path, "people", rule.people.function), "score", rule.people.score)


def _several(inner: tuple[Condition, ...], path: Path) -> Iterator[Mention]:
    for place, each in enumerate(inner):
        yield from _condition(each, (*path, place))


def _score(condition: conditions.ScoreCondition, path: Path) -> Iterator[Mention]:
    yield Reference((*path, "score"), "score", condition.score)
    if condition.level is not None:
        yield Rung((*path, "level"), condition.score, "level", condition.level)
    if condition.grade is not None:
        yield Rung((*path, "grade"), condition.score, "grade", condition.grade)


def _stimulus(stimulus: stimuli.Stimulus) -> Iterator[Mention]:
    match stimulus:
        case stimuli.SegmentStimulus():
            yield Reference(("on", "segment"), "segment", stimulus.segment)
        case stimuli.ScoreStimulus():
            yield Reference(("on", "score"), "score", stimulus.score)
        case stimuli.LevelStimulus():
            yield Reference(("on", "level"), "score", stimulus.score)
            yield Rung(("on", "becomes"), stimulus.score, "level", stimulus.becomes)
        case stimuli.GradeStimulus():
            yield Reference(("on", "grade"), "score", stimulus.score)
            yield Rung(("on", "becomes"), stimulus.score, "grade", stimulus.becomes)
        case stimuli.ListStimulus():
            yield Reference(("on", "list"), "list", stimulus.list_id)
        case stimuli.ScheduleStimulus():
            yield from _condition(stimulus.audience, ("on", "audience"))


def _action(action: triggers.Action, path: Path) -> Iterator[Mention]:
    match action:
        case triggers.AddToList():
            yield Reference((*path, "add_to_list"), "list", action.list_id)
        case triggers.RemoveFromList():
            yield Reference((*path, "remove_from_list"), "list", action.list_id)
        case triggers.AddPoints():
            yield Reference((*path, "add_points", "score"), "score", action.score)
            yield Gift((*path, "add_points", "score"), action.score)
