"""Asks for the explanation of a person over a history, as short as tests want it."""

from processors.decisions.compiling import compile_set
from processors.definitions import sets
from processors.definitions.predicates import NONE, Predicates
from processors.explanations import building, histories, trees
from processors.explanations.histories import Entry
from tests.builders import Document, Json, encoded


def explained(
    documents: list[Document],
    log: list[Json],
    *,
    at_ms: int | None = None,
    name: str | None = None,
    predicates: Predicates = NONE,
) -> trees.Explanation:
    """Returns the explanation of the person p; the log's lines are f:1, f:2 …"""
    definitions = sets.from_documents(documents, predicates=predicates)
    compiled = compile_set(definitions)
    lines = [Entry(f"f:{number}", None, encoded(each)) for number, each in enumerate(log, 1)]
    history = histories.recall(compiled, lines, "p", until_ms=at_ms)
    return building.explain(definitions, compiled, history, building.choose(definitions, name))


def why(when: Document, *log: Json, at_ms: int | None = None) -> trees.Condition:
    """Returns the tree of a condition."""
    document: Document = {"kind": "segment", "id": "s", "name": "S", "when": when}
    return explained([document], list(log), at_ms=at_ms, name="segment/s").segments[0].when
