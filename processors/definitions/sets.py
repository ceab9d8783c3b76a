"""All active definitions together: what they refer to exists, and nothing goes round in circles."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from processors.definitions import (
    customs,
    documents,
    messages,
    orders,
    references,
    suggestions,
    templates,
    versions,
)
from processors.definitions.catalogues import Catalogue
from processors.definitions.documents import Definition
from processors.definitions.errors import InvalidDefinitions, Problem
from processors.definitions.journeys import Journey
from processors.definitions.orders import Key
from processors.definitions.policies import Policy
from processors.definitions.predicates import NONE, Model, Predicate, Predicates
from processors.definitions.references import (
    Asked,
    Custom,
    Gift,
    Modelled,
    Reference,
    Rung,
    Sent,
    Subject,
)
from processors.definitions.scores import Score
from processors.definitions.segments import Segment, StaticList
from processors.definitions.templates import Partial, Template
from processors.definitions.topics import Topic
from processors.definitions.triggers import Trigger

READERS: Mapping[str | int, str] = {"custom": "predicate", "model": "model"}
"""What is named by a key, and reads of other definitions."""

OLDER = "older"
"""Stands, among documents, for the version of a journey by which runs may go on."""
MAX_ASKED = 30
"""How many different things are asked of people: each person tells their account of all."""
MAX_NAMED = 10
"""How many of the known ids a message lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionSet:
    """Definitions that fit together; a new version of one makes a new set."""

    id: str
    """12 hex digits over all versions that decide, with the predicates and models that they use."""
    segments: Mapping[str, Segment]
    scores: Mapping[str, Score]
    triggers: Mapping[str, Trigger]
    journeys: Mapping[str, Journey]
    lists: Mapping[str, StaticList]
    topics: Mapping[str, Topic]
    policies: Mapping[str, Policy]
    templates: Mapping[str, Template]
    partials: Mapping[str, Partial]
    catalogues: Mapping[str, Catalogue]
    older: Mapping[str, tuple[Journey, ...]]
    """Versions of journeys by which runs may go on, the oldest first, by id."""
    unfit: frozenset[str]
    """Versions of the steps of such, which name what is gone."""
    kept: tuple[Mapping[str, Any], ...]
    """All of these as written."""
    versions: Mapping[Key, str]
    """12 hex digits of each definition's document."""
    documents: Mapping[Key, Mapping[str, Any]]
    """As written."""
    order: tuple[Key, ...]
    """Scores and segments, each after all that it refers to; ties by kind and id."""
    predicates: Predicates
    """All that are registered, and models."""

    def __iter__(self) -> Iterator[Definition]:
        """Yields all definitions, kind by kind."""
        deciding = (self.segments, self.lists, self.scores, self.triggers, self.journeys)
        worded = (self.templates, self.partials, self.catalogues)
        for part in (*deciding, self.topics, self.policies, *worded):
            yield from part.values()

    @property
    def deciding(self) -> tuple[Key, ...]:
        """Kind and id of all but what messages say."""
        return tuple(key for key in self.versions if key[0] not in documents.CONTENT_KINDS)


def build(
    definitions: Iterable[Definition],
    *,
    broken: Collection[str] = (),
    predicates: Predicates = NONE,
    older: Iterable[Journey] = (),
) -> DefinitionSet:
    """Returns the set of the definitions, all made by `documents.parse`.

    Args:
        definitions: In any order.
        broken: Ids that exist but could not be parsed: mentions of them are no mistake.
        predicates: Those that are registered, for conditions that name them.
        older: Versions of journeys before the active ones, the oldest first.

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
    problems += _unworded(known, mentions, broken)
    problems += _too_many(known, mentions)
    problems += messages.misuses(known, mentions, broken)
    order, rest = orders.order(orders.needs(mentions))
    problems += orders.cycles(known, rest)
    if problems:
        raise InvalidDefinitions(sorted(problems, key=lambda at: (at.file or "", at.line or 0)))
    return _of(known, order, predicates, _kept(known, older, predicates))


def from_documents(written: Iterable[Any], *, predicates: Predicates = NONE) -> DefinitionSet:
    """Returns the set of the definitions that documents of no file state.

    Raises:
        InvalidDefinitions: one can not be parsed, or they do not fit together.
    """
    parsed, problems, broken = [], list[Problem](), set()
    older: list[Journey] = []
    for document in written:
        if isinstance(document, dict) and document.keys() == {OLDER}:
            older += _older(document[OLDER])
            continue
        try:
            parsed.append(documents.parse(document))
        except InvalidDefinitions as error:
            problems += error.problems
            broken |= documents.claimed_id(document)
    return complete(parsed, problems, broken, predicates=predicates, older=older)


def _older(document: Any) -> list[Journey]:
    """Returns a journey as it was; nothing where it can not be read any more."""
    try:
        found = documents.parse(document)
    except InvalidDefinitions:
        return []
    return [found] if isinstance(found, Journey) else []


def complete(
    parsed: Iterable[Definition],
    problems: Iterable[Problem],
    broken: Collection[str],
    *,
    predicates: Predicates = NONE,
    older: Iterable[Journey] = (),
) -> DefinitionSet:
    """Returns the set, if parsing found no problems; else raises them and those of the set."""
    found = list(problems)
    try:
        built = build(parsed, broken=broken, predicates=predicates, older=older)
    except InvalidDefinitions as error:
        found += error.problems
        built = None
    if built is None or found:
        raise InvalidDefinitions(sorted(found, key=lambda at: (at.file or "", at.line or 0)))
    return built


def warnings(definitions: DefinitionSet) -> list[Problem]:
    """Returns what is allowed in a set, and most likely not meant."""
    return [
        documents.problem(each, path, message)
        for of_kind in (definitions.scores, definitions.triggers, definitions.journeys)
        for each in of_kind.values()
        for path, message in customs.absent(each, definitions.predicates)
    ]


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


def _kept(
    known: Mapping[Key, Definition], older: Iterable[Journey], predicates: Predicates
) -> list[tuple[Journey, bool]]:
    """Returns the versions of journeys by which runs may go on, and whether each still fits."""
    found: dict[tuple[str, str], tuple[Journey, bool]] = {}
    for each in older:
        now = known.get(("journey", each.id))
        if not isinstance(now, Journey) or now.live_edit != "pin":
            continue
        if each.steps_version == now.steps_version:
            continue
        alone = {("journey", each.id): each}
        mentions = {key: list(customs.mentions(one, predicates)) for key, one in alone.items()}
        everything = {**known, **alone}
        problems = [
            *_unknown(everything, mentions, ()),
            *_misused(everything, mentions, predicates),
        ]
        found.pop((each.id, each.steps_version), None)
        found[each.id, each.steps_version] = (each, not problems)
    return list(found.values())


def _of(
    known: Mapping[Key, Definition],
    order: tuple[Key, ...],
    predicates: Predicates,
    kept: list[tuple[Journey, bool]],
) -> DefinitionSet:
    by_kind: dict[str, dict[str, Any]] = {kind: {} for kind in documents.KINDS}
    for kind, name in sorted(known):
        by_kind[kind][name] = known[kind, name]
    found = {key: known[key].origin.version for key in sorted(known)}
    lines = [[*key, found[key]] for key in found if key[0] not in documents.CONTENT_KINDS]
    used = {name for each in known.values() for name in customs.used(each)}
    lines += [["older", each.id, each.steps_version, str(fits)] for each, fits in kept]
    older: dict[str, tuple[Journey, ...]] = {}
    for each, fits in kept:
        if fits:
            older[each.id] = (*older.get(each.id, ()), each)
    asked = [predicates[name] for name in sorted(used) if name in predicates]
    lines += [[_noun(each), each.name, each.version] for each in asked]
    return DefinitionSet(
        id=versions.version(lines),
        segments=by_kind["segment"],
        scores=by_kind["score"],
        triggers=by_kind["trigger"],
        journeys=by_kind["journey"],
        lists=by_kind["list"],
        topics=by_kind["topic"],
        policies=by_kind["policy"],
        templates=by_kind["template"],
        partials=by_kind["partial"],
        catalogues=by_kind["catalogue"],
        older=older,
        kept=tuple(each.origin.document for each, _ in kept),
        unfit=frozenset(each.steps_version for each, fits in kept if not fits),
        versions=found,
        documents={key: known[key].origin.document for key in found},
        order=order,
        predicates=predicates,
    )


def _noun(asked: Predicate | Model) -> str:
    return "model" if isinstance(asked, Model) else "predicate"


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
            elif isinstance(mention, Custom | Modelled | Asked | Sent | Subject):
                continue
            elif (mention.kind, mention.id) in known or mention.id in broken:
                message = None
            else:
                message = _no_such(mention.kind, mention.id, ids)
                noun = READERS.get(mention.path[-1])
                if noun is not None:
                    message = f"the {noun} reads {mention.kind} {mention.id}, but {message}"
            if message:
                yield documents.problem(known[key], mention.path, message)


def _misused(
    known: Mapping[Key, Definition],
    mentions: Mapping[Key, list[references.Mention]],
    predicates: Predicates,
) -> Iterator[Problem]:
    for key, found in mentions.items():
        for mention in found:
            if isinstance(mention, Custom | Modelled):
                for path, message in customs.misuses(mention, predicates, known):
                    yield documents.problem(known[key], path, message)


def _unworded(
    known: Mapping[Key, Definition],
    mentions: Mapping[Key, list[references.Mention]],
    broken: Collection[str],
) -> Iterator[Problem]:
    """Yields what is sent without a template; nothing where templates are kept elsewhere."""
    worded = {id_: each for (_, id_), each in known.items() if isinstance(each, Template)}
    for key, found in mentions.items() if worded else ():
        for mention in found:
            if not isinstance(mention, Sent) or mention.channel not in templates.KEYS:
                continue
            message = None
            if mention.template not in worded:
                if mention.template not in broken:
                    message = f"there is no template {mention.template}"
                    message += _instead(mention.template, sorted(worded), "templates")
            elif worded[mention.template].channel != mention.channel:
                other = worded[mention.template].channel
                message = f"template {mention.template} is one of {other}, not {mention.channel}"
            if message:
                yield documents.problem(known[key], mention.path, message)


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
