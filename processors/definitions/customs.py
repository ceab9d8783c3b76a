"""Custom conditions in a set: the predicates that they name are there, and take what they are told.

What a predicate reads of other definitions is a mention of them, for their order and for cycles.
"""

from collections.abc import Iterator, Mapping

from processors.definitions import references, suggestions
from processors.definitions.documents import Definition
from processors.definitions.errors import Path
from processors.definitions.predicates import Predicate, Predicates
from processors.definitions.references import Custom, Mention, Reference
from processors.definitions.scores import Score

Misuse = tuple[Path, str]


def mentions(definition: Definition, predicates: Predicates) -> Iterator[Mention]:
    """Yields all mentions of a definition, with those by way of predicates."""
    for mention in references.of(definition):
        yield mention
        if isinstance(mention, Custom) and mention.name in predicates:
            yield from _read(mention, predicates[mention.name])


def used(definition: Definition) -> set[str]:
    """Returns the names of the predicates that a definition asks."""
    return {each.name for each in references.of(definition) if isinstance(each, Custom)}


def misuses(
    mention: Custom, predicates: Predicates, known: Mapping[tuple[str, str], Definition]
) -> Iterator[Misuse]:
    """Yields what is wrong with a mention: the name, what it is told, what it reads."""
    predicate = predicates.get(mention.name)
    if predicate is None:
        hint = suggestions.hint(mention.name, predicates)
        names = ", ".join(sorted(predicates))
        rest = hint or (f"; there are {names}" if names else "; BECKON_PREDICATES names none")
        yield mention.path, f"there is no predicate {mention.name}{rest}"
        return
    above = mention.path[:-1]
    for given in mention.parameters:
        if given not in predicate.parameters:
            rest = _instead(given, predicate)
            yield (*above, "with", given), f"predicate {predicate.name} takes no {given}{rest}"
    for name, is_required in predicate.parameters.items():
        if is_required and name not in mention.parameters:
            yield above, f"predicate {predicate.name} needs {name}: with: {{{name}: …}}"
    for reference in _read(mention, predicate):
        if _fades(known, reference):
            said = f"predicate {predicate.name} reads score {reference.id}, whose points fade"
            yield mention.path, f"{said}: have it read a segment that asks for the score"


def _read(mention: Custom, predicate: Predicate) -> Iterator[Reference]:
    for kind, name in sorted(predicate.facts):
        match kind:
            case "segment" | "score":
                yield Reference(mention.path, kind, name)


def _instead(name: str, predicate: Predicate) -> str:
    names = list(predicate.parameters)
    return suggestions.hint(name, names) or f"; it takes {', '.join(names) or 'nothing'}"


def _fades(known: Mapping[tuple[str, str], Definition], reference: Reference) -> bool:
    """Returns whether time alone moves what is read, other than at instants that are known."""
    waiting, seen = [reference.id] if reference.kind == "score" else [], set[str]()
    while waiting:
        name = waiting.pop()
        score = known.get(("score", name))
        if name in seen or not isinstance(score, Score):
            continue
        seen.add(name)
        if any(rule.decay is not None for group in score.groups for rule in group.rules):
            return True
        waiting += score.combined.of if score.combined is not None else ()
    return False
