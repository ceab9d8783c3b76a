"""A folder of definitions and the tests beside them, read together; problems to lines."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from processors.cases.documents import Case, Cases, Doing, Expectation
from processors.definitions import documents, files, sets, suggestions, values
from processors.definitions.errors import InvalidDefinitions, Path, Problem, show
from processors.definitions.parts import Faults
from processors.definitions.predicates import NONE, Predicates
from processors.definitions.references import Reference, Rung
from processors.definitions.sets import DefinitionSet
from schemas.events import EARLIEST_MS, LATEST_MS, iso


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A test file, read."""

    file: str
    cases: tuple[Case, ...]
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """Returns the line of a place in it."""
        return documents.line_of(path, self.lines) or 1


def load(
    folder: str | FilePath, predicates: Predicates = NONE
) -> tuple[DefinitionSet, list[CaseFile]]:
    """Returns the definitions of a folder, all of them one set, and the tests in it.

    Raises:
        InvalidDefinitions: with all problems of definitions and of tests, or there are no tests.
    """
    definitions, problems = None, list[Problem]()
    try:
        definitions = files.load(folder, predicates=predicates)
    except InvalidDefinitions as error:
        problems += error.problems
    found = []
    for file in files.tests(folder):
        try:
            found.append(_read(file, definitions))
        except InvalidDefinitions as error:
            problems += error.problems
    if not found and not problems:
        kinds = ", ".join(f"*{suffix}" for suffix in files.TEST_SUFFIXES)
        problems.append(Problem(str(folder), None, "", f"holds no tests ({kinds})"))
    if definitions is None or problems:
        raise InvalidDefinitions(problems)
    return definitions, found


def _read(file: FilePath, definitions: DefinitionSet | None) -> CaseFile:
    text, problems = files.read(file)
    if text.is_whole:
        try:
            parsed = documents.read(text.document, _reader, file=str(file), lines=text.lines)
        except InvalidDefinitions as error:
            problems += error.problems
        else:
            read = CaseFile(str(file), parsed.cases, text.lines)
            problems += _misfits(read, definitions)
            if not problems:
                return read
    raise InvalidDefinitions(problems)


def _reader(document: Any, faults: Faults) -> Callable[[Any], Cases] | None:
    if isinstance(document, dict) and "cases" in document:
        return Cases.model_validate
    if not isinstance(document, dict):
        faults.add((), f"must be a mapping with cases, found {values.describe(document)}")
    else:
        meant = next((key for key in document if suggestions.nearest(key, ("cases",))), None)
        said = "needs the key cases" if meant is None else "unknown key; did you mean cases?"
        faults.add(() if meant is None else (meant,), said)
    return None


def _misfits(read: CaseFile, definitions: DefinitionSet | None) -> Iterator[Problem]:
    """Yields what no model can know: instants out of order, mentions of what there is not."""
    for place, case in enumerate(read.cases):
        path: Path = ("cases", place)
        found = [*_misplaced(case, path)]
        for mention in _mentions(case, path) if definitions is not None else ():
            said = sets.absent(definitions, mention) if definitions is not None else None
            if said is not None:
                found.append((mention.path, said))
        for at, said in found:
            yield Problem(read.file, read.line(at), show(at), said)


def _misplaced(case: Case, path: Path) -> Iterator[tuple[Path, str]]:
    before = case.at
    if not EARLIEST_MS <= before < LATEST_MS:
        yield (*path, "at"), "must lie between 1970 and 2100"
    for place, now in enumerate(case.instants()):
        step = case.steps[place]
        key = "after" if step.at is None else "at"
        if now < before:
            hint = "late_by is for an event that comes late"
            said = f"time does not turn back: it is {iso(before)} by now; {hint}"
            yield (*path, "steps", place, key), said
        elif not now < LATEST_MS:
            yield (*path, "steps", place, key), "must lie before 2100"
            break
        before = max(before, now)


def _mentions(case: Case, path: Path) -> Iterator[Reference | Rung]:
    for place, name in enumerate(case.given.lists if case.given else ()):
        yield Reference((*path, "given", "lists", place), "list", name)
    for place, step in enumerate(case.steps):
        if step.expect is not None:
            yield from _expected(step.expect, (*path, "steps", place, "expect"))


def _expected(expect: Expectation, path: Path) -> Iterator[Reference | Rung]:
    for name in expect.segments or ():
        yield Reference((*path, "segments", name), "segment", name)
    for name in expect.lists or ():
        yield Reference((*path, "lists", name), "list", name)
    for name in expect.journeys or ():
        yield Reference((*path, "journeys", name), "journey", name)
    for name, score in (expect.scores or {}).items():
        at = (*path, "scores", name)
        yield Reference(at, "score", name)
        if score.level is not None:
            yield Rung((*at, "level"), name, "level", score.level)
        if score.grade is not None:
            yield Rung((*at, "grade"), name, "grade", score.grade)
    for place, command in enumerate(expect.commands or ()):
        yield _doer(command, (*path, "commands", place))
    for place, decision in enumerate(expect.decisions or ()):
        yield _doer(decision, (*path, "decisions", place))


def _doer(doing: Doing, path: Path) -> Reference:
    kind, id_ = doing.doer
    return Reference((*path, kind), "trigger" if kind == "trigger" else "journey", id_)
