"""Custom conditions and models in a set: what they name is there, and takes what it is told.

What a predicate or model reads of other definitions is a mention of them, for their order and for
cycles. A model that is not registered is no mistake: it gives nothing, and a warning says so.
"""

from collections.abc import Iterator, Mapping

from processors.definitions import references, suggestions
from processors.definitions.documents import Definition
from processors.definitions.errors import Path
from processors.definitions.predicates import Model, Predicate, Predicates
from processors.definitions.references import Custom, Mention, Modelled, Reference
from processors.definitions.scores import Score

Misuse = tuple[Path, str]


def mentions(definition: Definition, predicates: Predicates) -> Iterator[Mention]:
    """Yields all mentions of a definition, with those by way of predicates."""
    for mention in references.of(definition):
        yield mention
        if isinstance(mention, Custom | Modelled) and mention.name in predicates:
            yield from _read(mention, predicates[mention.name])


def used(definition: Definition) -> set[str]:
    """Returns the names of the predicates and models that a definition asks."""
    mentioned = references.of(definition)
    return {each.name for each in mentioned if isinstance(each, Custom | Modelled)}


def absent(definition: Definition, predicates: Predicates) -> Iterator[Misuse]:
    """Yields the mentions of models that are not registered: allowed, but worth a warning."""
    for mention in references.of(definition):
        if isinstance(mention, Modelled) and mention.name not in predicates:
            models = [name for name, each in predicates.items() if isinstance(each, Model)]
            rest = suggestions.hint(mention.name, models) or ""
            then = "its rule gives 0 points" if mention.parameters is None else "no trait is set"
            said = f"model {mention.name} is not registered here: {then}{rest}"
            yield mention.path, said


def misuses(
    mention: Custom | Modelled,
    predicates: Predicates,
    known: Mapping[tuple[str, str], Definition],
) -> Iterator[Misuse]:
    """Yields what is wrong with a mention: the name, what it is told, what it reads."""
    found = predicates.get(mention.name)
    if isinstance(mention, Modelled):
        if isinstance(found, Predicate):
            said = f"{mention.name} is a predicate, no model: ask it by when: {{custom: …}}"
            yield mention.path, said
        elif found is not None:
            yield from _mistold(mention, found)
    elif isinstance(found, Model):
        said = f"{mention.name} is a model, no predicate: name it by model in a score's rule"
        yield mention.path, f"{said}, or in set_trait"
    else:
        yield from _misuses(mention, found, predicates)
    for reference in _read(mention, found):
        if _fades(known, reference):
            noun = "model" if isinstance(mention, Modelled) else "predicate"
            said = f"{noun} {mention.name} reads score {reference.id}, whose points fade"
            yield mention.path, f"{said}: have it read a segment that asks for the score"


def _misuses(
    mention: Custom, predicate: Predicate | None, predicates: Predicates
) -> Iterator[Misuse]:
    if predicate is None:
        known = [name for name, each in predicates.items() if isinstance(each, Predicate)]
        hint = suggestions.hint(mention.name, known)
        names = ", ".join(sorted(known))
        rest = hint or (f"; there are {names}" if names else "; BECKON_PREDICATES names none")
        yield mention.path, f"there is no predicate {mention.name}{rest}"
        return
    yield from _mistold(mention, predicate)


def _mistold(mention: Custom | Modelled, asked: Predicate | Model) -> Iterator[Misuse]:
    """Yields what a predicate or model is told that it does not take, and what it lacks."""
    above, told = mention.path[:-1], mention.parameters or ()
    noun = f"{type(asked).__name__.lower()} {asked.name}"
    for given in told:
        if given not in asked.parameters:
            yield (*above, "with", given), f"{noun} takes no {given}{_instead(given, asked)}"
    for name, is_required in asked.parameters.items():
        if is_required and name not in told:
            where = "" if mention.parameters is not None else "set_trait alone can tell it, "
            yield above, f"{noun} needs {name}: {where}with: {{{name}: …}}"


def _read(mention: Custom | Modelled, asked: Predicate | Model | None) -> Iterator[Reference]:
    for kind, name in sorted(asked.facts if asked else ()):
        match kind:
            case "segment" | "score":
                yield Reference(mention.path, kind, name)


def _instead(name: str, asked: Predicate | Model) -> str:
    names = list(asked.parameters)
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
