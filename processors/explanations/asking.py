"""From a question to what is printed: `beckon explain`."""

from collections.abc import Callable, Iterable

import msgspec
from rich.console import Console

from processors.decisions.compiling import compile_set
from processors.definitions.sets import DefinitionSet
from processors.explanations import building, histories, reading, telling
from processors.explanations.trees import Explanation

Progressed = Callable[[int], None]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to know."""

    profile_id: str
    definition: str | None = None
    """`ID` or `KIND/ID`; None: all."""
    at_ms: int | None = None
    """None: now; of files, the last event's time."""


def of_files(
    question: Question, definitions: DefinitionSet, files: Iterable[str], progress: Progressed
) -> Explanation:
    """Returns the answer that recorded events give.

    Raises:
        OperationFailed: the person or the definition is unknown, or a file can not be read.
    """
    chosen = building.choose(definitions, question.definition)
    compiled = compile_set(definitions)
    history = histories.recall(
        compiled,
        histories.entries(files),
        question.profile_id,
        until_ms=question.at_ms,
        progress=progress,
    )
    return building.explain(definitions, compiled, history, chosen)


def of_topics(question: Question, options: reading.Options, progress: Progressed) -> Explanation:
    """Returns the answer that a running system gives.

    Raises:
        OperationFailed: the person or the definition is unknown.
        RuntimeFailure: the topics can not be read.
    """
    definitions = reading.published(options)
    chosen = building.choose(definitions, question.definition)
    compiled = compile_set(definitions)
    history = reading.read(
        options, compiled, question.profile_id, at_ms=question.at_ms, progress=progress
    )
    return building.explain(definitions, compiled, history, chosen)


def tell(explanation: Explanation, console: Console, *, as_json: bool) -> None:
    """Prints an answer: as JSON, as a tree on a terminal, else as plain lines."""
    if as_json:
        print(telling.as_json(explanation), file=console.file)
    elif console.is_terminal:
        console.print(telling.as_tree(explanation))
    else:
        print(telling.as_text(explanation), file=console.file)
