"""Why somebody is in a journey, or is not: runs that go on, and what was decided at entry."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

from processors.decisions.runs import held, shown
from processors.definitions import steps
from processors.definitions.conditions import Condition
from processors.definitions.journeys import Journey
from processors.explanations import conditions, trees
from processors.explanations.conditions import Scene, Watched
from processors.explanations.contacts import split
from processors.state.profiles import NEVER, Profile
from processors.state.runs import ENDED, GOING, Run


def journey(scene: Scene, watched: Watched, id_: str) -> trees.Journey:
    """Returns where somebody stands in a journey, and when that turns by itself.

    Args:
        scene: the person at an instant.
        watched: takes what is to be looked ahead for.
        id_: the journey's.
    """
    definitions = scene.definitions
    found, written = definitions.journeys[id_], definitions.documents["journey", id_]
    decided, messages = split(scene.history.decisions, id_)
    refused = Counter(each.reason for each in decided if each.outcome == "no")
    return trees.Journey(
        id=id_,
        name=found.name,
        version=definitions.versions["journey", id_],
        entry=conditions.text(written["entry"]),
        status=found.status,
        entered=sum(each.outcome == "yes" for each in decided),
        refused=dict(sorted(refused.items())),
        runs=[
            _run(scene, watched, found, each)
            for each in held(scene.profile, id_)
            if each.state != ENDED
        ],
        decisions=msgspec.convert(decided, list[trees.Decision], from_attributes=True),
        messages=messages,
    )


def _run(scene: Scene, watched: Watched, newest: Journey, run: Run) -> trees.Run:
    version = _version(scene, newest, run)
    step = next((each for each in version.steps if each.id == run.step), None) if version else None
    written = _written(version, run.step) if version is not None else {}
    node = trees.Run(
        id=shown(run),
        version=run.version,
        step=run.step,
        does=conditions.text({key: value for key, value in written.items() if key != "id"}),
        began=run.entered,
        since=run.since,
        due=run.due if run.due < NEVER else None,
        held=run.is_held or run.state == GOING,
        until=None,
    )
    if step is not None and isinstance(step.does, steps.Wait):
        awaited = step.does.until
        if awaited is not None and not isinstance(awaited, steps.Arrival):
            node.when = _when(scene, watched, (awaited, written["wait"]["until"]), run)
    watched.append((lambda profile, now_ms: (_step(profile, newest.id, run.id), NEVER), node))
    return node


def _when(
    scene: Scene, watched: Watched, asked: tuple[Condition, Mapping[str, Any]], run: Run
) -> trees.Condition:
    """Returns what a run waits for, held against what it knows."""
    scene = msgspec.structs.replace(scene, properties=run.data or {})
    return conditions.explain(*asked, scene, watched)


def _step(profile: Profile, journey: str, run_id: int) -> str | None:
    """Returns where a run stands; None where it does not go on."""
    runs = [each for each in held(profile, journey) if each.id == run_id]
    return next((each.step for each in runs if each.state != ENDED), None)


def _version(scene: Scene, newest: Journey, run: Run) -> Journey | None:
    known = (*scene.definitions.older.get(newest.id, ()), newest)
    return next((each for each in known if each.steps_version == run.version), None)


def _written(version: Journey, step: str) -> Mapping[str, Any]:
    found: list[Mapping[str, Any]] = list(version.origin.document["steps"])
    return next((each for each in found if each["id"] == step), {})
