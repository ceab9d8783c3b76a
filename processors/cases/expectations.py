"""An expectation held against what a case has come to: all that differs, with what helps."""

from collections.abc import Iterator, Mapping
from typing import Any

from processors.cases import deeds
from processors.cases.documents import OUT, Expectation, ScoreExpectation
from processors.cases.findings import MAX_LISTED, Difference, Findings, shown, why
from processors.decisions import scales
from processors.decisions.comparisons import is_same
from processors.decisions.decays import rounded
from processors.decisions.runs import held
from processors.decisions.scales import Scale
from processors.definitions.errors import Path
from processors.state import profiles
from processors.state.profiles import Profile
from processors.state.runs import ENDED
from schemas.events import iso

UNKNOWN = "nobody knows the person yet: there was no event"


def differences(expect: Expectation, findings: Findings, path: Path) -> Iterator[Difference]:
    """Yields what is not as expected, in the order of the reference."""
    profile = findings.profile or Profile()
    yield from _segments(expect.segments or {}, findings, (*path, "segments"))
    for noun, wanted, kept in (
        ("lists", expect.lists, profile.lists),
        ("tags", expect.tags, profile.tags),
    ):
        for name, side in (wanted or {}).items():
            if (name in kept) != (side == "in"):
                has = f"{noun}: {', '.join(sorted(kept)) or 'none'}"
                yield _differs(findings, (*path, noun, name), side, _side(name in kept), has)
    if expect.names_status and profile.status != expect.status:
        said = shown(expect.status), shown(profile.status)
        yield _differs(findings, (*path, "status"), *said)
    for name, value in (expect.traits or {}).items():
        found = profiles.trait(profile.traits, tuple(name.split(".")))
        if not is_same(found, value):
            yield _differs(findings, (*path, "traits", name), shown(value), shown(found))
    yield from _scores(expect.scores or {}, findings, (*path, "scores"))
    yield from _journeys(expect.journeys or {}, findings, (*path, "journeys"))
    if expect.commands is not None:
        yield from deeds.commands(expect.commands, findings, (*path, "commands"))
    yield from deeds.decisions(expect.decisions or (), findings, (*path, "decisions"))


def _differs(findings: Findings, path: Path, expected: str, found: str, *notes: str) -> Difference:
    known = (UNKNOWN,) if findings.profile is None else notes
    return Difference(path=path, at_ms=findings.at_ms, expected=expected, found=found, notes=known)


def _side(is_member: bool) -> str:
    return "in" if is_member else "out"


def _segments(wanted: Mapping[str, str], findings: Findings, path: Path) -> Iterator[Difference]:
    held = findings.profile.segments if findings.profile is not None else {}
    for name, side in wanted.items():
        if (name in held) != (side == "in"):
            moves = [each for each in findings.moves if each.segment_id == name]
            said = [f"{each.change} at {iso(each.at)}" for each in moves[-MAX_LISTED:]]
            note = ", ".join(said) or "never entered so far"
            yield _differs(findings, (*path, name), side, _side(name in held), note)


def _journeys(wanted: Mapping[str, str], findings: Findings, path: Path) -> Iterator[Difference]:
    for name, step in wanted.items():
        runs = held(findings.profile or Profile(), name)
        stands = [each.step for each in runs if each.state != ENDED][-1:] or [OUT]
        if stands != [step]:
            notes = why(findings, ("journey", name), findings.decisions)
            yield _differs(findings, (*path, name), step, stands[0], *notes)


def _scores(
    wanted: Mapping[str, ScoreExpectation], findings: Findings, path: Path
) -> Iterator[Difference]:
    for name, score in wanted.items():
        yield from _score(name, score, findings, (*path, name))


def _score(
    name: str, wanted: ScoreExpectation, findings: Findings, path: Path
) -> Iterator[Difference]:
    scale = findings.compiled.scales[name]
    profile = findings.profile or Profile()
    value = scales.value(profile, name, scale.empty)
    found: dict[str, Any] = {
        "value": value,
        "level": scale.levels.name(value),
        "grade": scale.grades.name(value),
    }
    said = {key: held for key in found if (held := getattr(wanted, key)) is not None}
    if all(is_same(found[key], held) for key, held in said.items()):
        return
    yield _differs(findings, path, _listed(said), _listed(found), _points(profile, name, scale))


def _listed(fields: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in fields.items() if value is not None)


def _points(profile: Profile, name: str, scale: Scale) -> str:
    state = profile.scores.get(name)
    if state is None:
        return "no rule has given points"
    held = sorted((scale.names[number], points) for number, points in state.points.items())
    given = [f"{rule} {points:+}" for rule, points in held]
    if state.added:
        given.append(f"added by triggers {rounded(state.added):+}")
    return f"points: {', '.join(given)}"
