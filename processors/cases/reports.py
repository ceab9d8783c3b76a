"""What the cases came to, in words for people, and as JUnit XML for build servers."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path as FilePath
from typing import NamedTuple
from xml.etree import ElementTree

from rich.console import Console

from processors.cases.findings import Difference
from processors.cases.runs import Result
from processors.definitions.errors import show
from schemas.events import iso


class Line(NamedTuple):
    """One line to print, and how it looks on a terminal."""

    text: str
    style: str = ""


def lines(results: Sequence[Result]) -> Iterator[Line]:
    """Yields a line for each file, a block for each case that failed, and the sum."""
    for file, of_file in _by_file(results):
        failed = [each for each in of_file if not each.has_passed]
        yield Line(f"{file}: {_counts(of_file)}", "red" if failed else "green")
    failed = [each for each in results if not each.has_passed]
    for each in failed:
        yield Line("")
        yield Line(f"FAILED  {each.name}  ({each.file.file}:{each.line})", "bold red")
        for difference in each.differences:
            yield from _block(each, difference)
    yield Line("")
    spent_s = sum(each.duration_s for each in results)
    said = f"{_counts(results)} in {spent_s:.2f} s"
    yield Line(said, "bold red" if failed else "bold green")


def tell(results: Sequence[Result]) -> None:
    """Prints the results; in colours where that is a terminal."""
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    for line in lines(results):
        console.print(line.text, style=line.style)


def write_junit(results: Sequence[Result], target: FilePath) -> None:
    """Writes the results as JUnit XML: a suite a file, a failure with all that differs.

    Raises:
        OSError: the file can not be written.
    Source: the JUnit schema of the Jenkins xUnit plugin, which GitLab and GitHub's actions read.
    """
    root = ElementTree.Element("testsuites", {"name": "beckon test", **_numbers(results)})
    for file, of_file in _by_file(results):
        suite = ElementTree.SubElement(root, "testsuite", {"name": file, **_numbers(of_file)})
        for each in of_file:
            _add_case(suite, each)
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(target, encoding="utf-8", xml_declaration=True)


def _by_file(results: Sequence[Result]) -> Iterator[tuple[str, list[Result]]]:
    for file, of_file in groupby(results, key=lambda each: each.file.file):
        yield file, list(of_file)


def _counts(results: Sequence[Result]) -> str:
    failed = sum(not each.has_passed for each in results)
    passed = f"{len(results) - failed} passed"
    return f"{passed}, {failed} failed" if failed else passed


def _block(result: Result, difference: Difference) -> Iterator[Line]:
    file = result.file
    yield Line(f"  {file.file}:{file.line(difference.path)}: {show(difference.path)}")
    yield Line(f"    at        {iso(difference.at_ms)}")
    yield Line(f"    expected  {difference.expected}", "green")
    yield Line(f"    found     {difference.found}", "red")
    for note in difference.notes:
        yield Line(f"    note      {note}")


def _numbers(results: Sequence[Result]) -> dict[str, str]:
    return {
        "tests": str(len(results)),
        "failures": str(sum(not each.has_passed for each in results)),
        "errors": "0",
        "skipped": "0",
        "time": _seconds(sum(each.duration_s for each in results)),
    }


def _seconds(spent_s: float) -> str:
    return f"{spent_s:.6f}"


def _add_case(suite: ElementTree.Element, result: Result) -> None:
    file = result.file.file
    about = {
        "name": result.name,
        "classname": file,
        "file": file,
        "line": str(result.line),
        "time": _seconds(result.duration_s),
    }
    case = ElementTree.SubElement(suite, "testcase", about)
    if not result.has_passed:
        first = result.differences[0]
        message = f"{show(first.path)}: expected {first.expected}, found {first.found}"
        failure = {"message": message, "type": "difference"}
        text = [line.text for each in result.differences for line in _block(result, each)]
        ElementTree.SubElement(case, "failure", failure).text = "\n".join(text)
