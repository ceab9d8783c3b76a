"""All active definitions together: what they refer to exists, and nothing goes round in circles."""

import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from processors.definitions import customs, documents, references, suggestions
from processors.definitions.documents import Definition
from processors.definitions.errors import InvalidDefinitions, Path, Problem
from processors.definitions.predicates import NONE, Predicates
from processors.definitions.references import Asked, Custom, Gift, Reference, Rung
from processors.definitions.scores import Score
from processors.definitions.segments import Segment, StaticList
from processors.definitions.triggers import Trigger

Key = tuple[str, str]
"""Kind and id."""

ORDERED_KINDS = ("score", "segment")
"""The kinds that are evaluated, and may refer to each other."""
MAX_ASKED = 30
"""How many different things are asked of people: each person tells their account of all."""
MAX_NAMED = 10
"""How many of the known ids a message lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionSet:
    """Definitions that fit together; a new version of one makes a new set."""

    id: str
    """12 hex digits over all versions, those of the predicates that they use as well."""
    segments: Mapping[str, Segment]
    scores: Mapping[str, Score]
    triggers: Mapping[str, Trigger]
    lists: Mapping[str, StaticList]
    versions: Mapping[Key, str]
    """12 hex digits of each definition's document."""
    documents: Mapping[Key, Mapping[str, Any]]
    """As written."""
    order: tuple[Key, ...]
    """Scores and segments, each after all that it refers to; ties by kind and id."""
    predicates: Predicates
    """All that are registered."""


def build(
    definitions: Iterable[Definition],
    *,
    broken: Collection[str] = (),
    predicates: Predicates = NONE,
) -> DefinitionSet:
    """Returns the set of the definitions, all made by `documents.parse`.

    Args:
        definitions: In any order.
        broken: Ids that exist but could not be parsed: mentions of them are no mistake.
        predicates: Those that are registered, for conditions that name them.

    Raises:
        InvalidDefinitions: ids used twice, mentions of what does not exist, or cycles.
    """
    known: dict[Key, Definition] = {}
    problems = []
    for each in definitions:
        key = (each.kind, each.id)
        if key in known:
            problems.append(_defined_twice(each, known[key]))
        known.setdefault(key, each)
    mentions = {key: list(customs.mentions(each, predicates)) for key, each in known.items()}
    problems += _unknown(known, mentions, broken)
    problems += _misused(known, mentions, predicates)
    problems += _too_many(known, mentions)
    order, rest = _order(_needs(mentions))
    problems += _cycles(known, rest)
    if problems:
        raise InvalidDefinitions(sorted(problems, key=lambda at: (at.file or "", at.line or 0)))
    return _of(known, order, predicates)


def from_documents(written: Iterable[Any], *, predicates: Predicates = NONE) -> DefinitionSet:
    """Returns the set of the definitions that documents of no file state.

    Raises:
        InvalidDefinitions: one can not be parsed, or they do not fit together.
    """
    parsed, problems, broken = [], list[Problem](), set()
    for document in written:
        try:
            parsed.append(documents.parse(document))
        except InvalidDefinitions as error:
            problems += error.problems
            broken |= documents.claimed_id(document)
    return complete(parsed, problems, broken, predicates=predicates)


def complete(
    parsed: Iterable[Definition],
    problems: Iterable[Problem],
    broken: Collection[str],
    *,
    predicates: Predicates = NONE,
) -> DefinitionSet:
    """Returns the set, if parsing found no problems; else raises them and those of the set."""
    found = list(problems)
    try:
        built = build(parsed, broken=broken, predicates=predicates)
    except InvalidDefinitions as error:
        found += error.problems
        built = None
    if built is None or found:
        raise InvalidDefinitions(sorted(found, key=lambda at: (at.file or "", at.line or 0)))
    return built


def absent(definitions: DefinitionSet, mention: Reference | Rung) -> str | None:
    """Returns what is wrong with a mention from outside of the set; None where it is there."""
    if isinstance(mention, Rung):
        return _no_such_rung(definitions.scores.get(mention.score), mention)
    if (mention.kind, mention.id) in definitions.versions:
        return None
    ids: dict[str, list[str]] = {kind: [] for kind in documents.KINDS}
    for kind, name in definitions.versions:
        ids[kind].append(name)
    return _no_such(mention.kind, mention.id, ids)


def _of(
    known: Mapping[Key, Definition], order: tuple[Key, ...], predicates: Predicates
) -> DefinitionSet:
    by_kind: dict[str, dict[str, Any]] = {kind: {} for kind in documents.KINDS}
    for kind, name in sorted(known):
        by_kind[kind][name] = known[kind, name]
    versions = {key: known[key].origin.version for key in sorted(known)}
    lines = [[*key, version] for key, version in versions.items()]
    used = {name for each in known.values() for name in customs.used(each)}
    lines += [["predicate", name, predicates[name].version] for name in sorted(used)]
    return DefinitionSet(
        id=documents.version(lines),
        segments=by_kind["segment"],
        scores=by_kind["score"],
        triggers=by_kind["trigger"],
        lists=by_kind["list"],
        versions=versions,
        documents={key: known[key].origin.document for key in versions},
        order=order,
        predicates=predicates,
    )


def _defined_twice(second: Definition, first: Definition) -> Problem:
    origin = first.origin
    line = documents.line_of(("id",), origin.lines)
    where = f"; first in {origin.file}:{line}" if origin.file else ""
    message = f"{second.kind} {second.id} is defined twice{where}"
    return documents.problem(second, ("id",), message)


def _unknown(
    known: Mapping[Key, Definition],
    mentions: Mapping[Key, list[references.Mention]],
    broken: Collection[str],
) -> Iterator[Problem]:
    ids: dict[str, list[str]] = {kind: [] for kind in documents.KINDS}
    for kind, name in sorted(known):
        ids[kind].append(name)
    for key, found in mentions.items():
        for mention in found:
            if isinstance(mention, Rung):
                message = _no_such_rung(known.get(("score", mention.score)), mention)
            elif isinstance(mention, Gift):
                message = _no_such_gift(known.get(("score", mention.score)))
            elif isinstance(mention, Custom | Asked):
                continue
            elif (mention.kind, mention.id) in known or mention.id in broken:
                message = None
            else:
                message = _no_such(mention.kind, mention.id, ids)
                if mention.path[-1] == "custom":
                    message = f"the predicate reads {mention.kind} {mention.id}, but {message}"
            if message:
                yield documents.problem(known[key], mention.path, message)


def _misused(
    known: Mapping[Key, Definition],
    mentions: Mapping[Key, list[references.Mention]],
    predicates: Predicates,
) -> Iterator[Problem]:
    for key, found in mentions.items():
        for mention in found:
            if isinstance(mention, Custom):
                for path, message in customs.misuses(mention, predicates, known):
                    yield documents.problem(known[key], path, message)


def _too_many(
    known: Mapping[Key, Definition], mentions: Mapping[Key, list[references.Mention]]
) -> Iterator[Problem]:
    asked: set[str] = set()
    for key, found in mentions.items():
        for mention in found:
            if isinstance(mention, Asked) and mention.key not in asked:
                asked.add(mention.key)
                if len(asked) == MAX_ASKED + 1:
                    message = (
                        f"at most {MAX_ASKED} different things can be asked of people in all,"
                        " this is one more; ask for a segment that others ask for too"
                    )
                    yield documents.problem(known[key], mention.path, message)


def _no_such(kind: str, name: str, ids: Mapping[str, list[str]]) -> str:
    said = f"there is no {kind} {name}"
    for other in ids:
        if other != kind and name in ids[other]:
            return f"{said}, but a {other} of this id"
    return said + _instead(name, ids[kind], f"{kind}s")


def _no_such_rung(score: Definition | None, rung: Rung) -> str | None:
    if not isinstance(score, Score):
        return None
    rungs = list(score.levels) if rung.noun == "level" else score.grade_names
    if rung.name in rungs:
        return None
    said = f"score {score.id} has no {rung.noun} {rung.name}"
    return said + _instead(rung.name, rungs, f"{rung.noun}s")


def _no_such_gift(score: Definition | None) -> str | None:
    if not isinstance(score, Score) or score.combined is None:
        return None
    parts = " or ".join(score.combined.of)
    return f"score {score.id} is combined and has no points of its own; add to {parts}"


def _instead(name: str, known: list[str], noun: str) -> str:
    hint = suggestions.hint(name, known)
    if hint:
        return hint
    if not known:
        return f"; there are no {noun}"
    more = ", …" if len(known) > MAX_NAMED else ""
    return f"; the {noun} are {', '.join(known[:MAX_NAMED])}{more}"


Needs = dict[Key, dict[Key, Path]]
"""For each score and segment what it refers to, with the first place where it does."""


def _needs(mentions: Mapping[Key, list[references.Mention]]) -> Needs:
    needs: Needs = {key: {} for key in mentions if key[0] in ORDERED_KINDS}
    for key, needed in needs.items():
        for mention in mentions[key]:
            if isinstance(mention, Reference) and (mention.kind, mention.id) in needs:
                needed.setdefault((mention.kind, mention.id), mention.path)
    return needs


def _order(needs: Needs) -> tuple[tuple[Key, ...], Needs]:
    """Returns the keys in the order of evaluation, and those that can not be ordered.

    Of all keys that could come next, the smallest does (Kahn's algorithm over a heap).
    """
    waiting = {key: len(needed) for key, needed in needs.items()}
    needed_by: dict[Key, list[Key]] = {key: [] for key in needs}
    for key, needed in needs.items():
        for other in needed:
            needed_by[other].append(key)
    ready = sorted(key for key, count in waiting.items() if count == 0)
    order = []
    while ready:
        key = heapq.heappop(ready)
        order.append(key)
        for other in needed_by[key]:
            waiting[other] -= 1
            if waiting[other] == 0:
                heapq.heappush(ready, other)
    return tuple(order), _without(needs, set(order))


def _without(needs: Needs, gone: Collection[Key]) -> Needs:
    return {
        key: {other: path for other, path in needed.items() if other not in gone}
        for key, needed in needs.items()
        if key not in gone
    }


def _cycles(known: Mapping[Key, Definition], rest: Needs) -> Iterator[Problem]:
    """Yields a problem for each circle; where two share a definition, for one of them."""
    while rest:
        circles = list(_circles(rest))
        for circle in circles:
            yield _circle(known, rest, circle)
        gone = {key for circle in circles for key in circle}
        _, rest = _order(_without(rest, gone))


def _circles(rest: Needs) -> Iterator[list[Key]]:
    """Yields at least one circle, for every key of `rest` refers to another one of it."""
    walked: set[Key] = set()
    for start in sorted(rest):
        trail: list[Key] = []
        key = start
        while key not in walked:
            walked.add(key)
            trail.append(key)
            key = min(rest[key])
        if key in trail:
            yield trail[trail.index(key) :]


def _circle(known: Mapping[Key, Definition], rest: Needs, circle: list[Key]) -> Problem:
    first = circle.index(min(circle))
    turned = [*circle[first:], *circle[: first + 1]]
    is_plain = len({name for _, name in circle}) == len(circle)
    shown = " -> ".join(name if is_plain else f"{kind} {name}" for kind, name in turned)
    message = f"goes round in a circle: {shown}"
    return documents.problem(known[turned[0]], rest[turned[0]][turned[1]], message)
