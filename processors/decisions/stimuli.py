"""Stimuli, compiled: which change wakes a trigger, and what it must be like."""

from typing import Any

from processors.decisions.comparisons import is_same
from processors.decisions.features import Where
from processors.decisions.moments import Change
from processors.decisions.nodes import Moved
from processors.decisions.scales import Ladder, Scale
from processors.decisions.triggers import MovesEnough
from processors.definitions import stimuli as documents
from processors.state import profiles, swings
from processors.state.profiles import Profile
from schemas.events import REQUESTED


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
            return ("score", score_id), _becoming(scales[score_id].levels, level)
        case documents.GradeStimulus(score=score_id, becomes=grade):
            return ("grade", score_id), lambda old, new: new == grade != old
        case documents.TagStimulus(tag=tag, change=change):
            return ("tag", tag), _marked(change)
        case documents.ListStimulus(list_id=list_id, change=change):
            return ("list", list_id), _marked(change)
        case documents.TraitStimulus():
            return _trait_change(stimulus)
        case documents.StatusStimulus():
            return ("status", ""), _status_change(stimulus)
        case _:
            raise TypeError("an event is no change")


def requests(trigger_id: str) -> Where:
    """Returns what tells whether an event asks for a manual trigger."""
    return lambda properties, at_ms: properties.get(REQUESTED) == trigger_id


def enough(stimulus: documents.ScoreStimulus) -> MovesEnough | None:
    """Returns what tells whether a score that crossed has moved by enough; None: any move is."""
    score_id, least, width_ms = stimulus.score, stimulus.minimum_change, stimulus.within
    if least is None:
        return None

    def moves(profile: Profile, now: int, old: Any, new: Any) -> bool:
        past = old
        if width_ms is not None:
            past = swings.stood((profile.swings or {}).get(score_id, []), now - width_ms, old)
        moved = round(new - past, SCORE_DIGITS)
        return bool(moved >= least if new > old else -moved >= least)

    return moves


SCORE_DIGITS = 2
"""To so many decimals scores are compared."""


def _crossing(stimulus: documents.ScoreStimulus) -> Moved:
    threshold = stimulus.crosses
    up, down = stimulus.direction != "down", stimulus.direction != "up"
    return lambda old, new: (up and old < threshold <= new) or (down and new < threshold <= old)


def _becoming(ladder: Ladder, rung: str) -> Moved:
    name = ladder.name
    return lambda old, new: name(new) == rung != name(old)


def _marked(change: documents.Mark) -> Moved:
    added = change == "added"
    return lambda old, new: new is added is not old


def _status_change(stimulus: documents.StatusStimulus) -> Moved:
    becomes, was, with_new = stimulus.status, stimulus.old, stimulus.include_new
    if with_new is None:
        with_new = was is None

    def moved(old: Any, new: Any) -> bool:
        fits = with_new if old is None else was is None or old == was
        return bool(new == becomes != old and fits)

    return moved


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
