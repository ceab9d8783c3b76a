"""Cases in the shape that marketers write, and what comes of them under definitions."""

from typing import Any

from processors.cases import runs
from processors.cases.documents import Case, Cases
from processors.cases.files import CaseFile
from processors.cases.findings import Difference
from processors.cases.runs import Result
from processors.definitions import documents, sets
from processors.definitions.errors import InvalidDefinitions
from tests.builders import Document

FILE = "a.test.yaml"


def story(*steps: Document, **keys: Any) -> Document:
    """Returns a case as written."""
    return {"name": "a", "steps": list(steps)} | keys


def case(*steps: Document, **keys: Any) -> Case:
    return Case.model_validate(story(*steps, **keys))


def complaints(document: Any) -> list[str]:
    """Returns what is wrong with a test file, as `path: message`."""
    try:
        documents.read(document, lambda raw, faults: Cases.model_validate)
    except InvalidDefinitions as error:
        return [str(each) for each in error.problems]
    return []


def of_step(**keys: Any) -> list[str]:
    """Returns what is wrong with a step, without the path that leads to it."""
    other = {"expect": {"segments": {"s": "in"}}}
    found = complaints({"cases": [story(keys, other)]})
    return [each.removeprefix("cases[0].steps[0]").lstrip(".: ") for each in found]


def of_expect(**keys: Any) -> list[str]:
    """Returns what is wrong with an expectation, without the path that leads to it."""
    return [each.removeprefix("expect").lstrip(".: ") for each in of_step(expect=keys)]


def results(definitions: list[Document], *cases: Case, holding: str = "") -> list[Result]:
    file = CaseFile(FILE, cases, {})
    return list(runs.run(sets.from_documents(definitions), [file], holding=holding))


def differences(definitions: list[Document], *steps: Document, **keys: Any) -> list[Difference]:
    """Returns how a case of these steps differs from what it expects."""
    (result,) = results(definitions, case(*steps, **keys))
    return list(result.differences)


def said(found: list[Difference]) -> list[tuple[str, str]]:
    return [(each.expected, each.found) for each in found]
