"""What is printed, and what build servers read."""

from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from processors.cases import reports
from processors.cases.files import CaseFile
from processors.cases.findings import Difference
from processors.cases.runs import Result
from tests.builders import T0, Document
from tests.unit.cases.builders import case

NONE: Document = {"expect": {"commands": []}}
AT = ("cases", 1, "steps", 0, "expect", "segments", "s")
DIFFERENCE = Difference(path=AT, at_ms=T0, expected="in", found="<out>", notes=("never", "ever"))


def result(file: str, place: int = 0, *differences: Difference) -> Result:
    lines = {("cases", 0): 2, ("cases", 1): 9, AT: 12}
    cases = CaseFile(file, (case(NONE, name="good"), case(NONE, name="bad & so")), lines)
    return Result(file=cases, place=place, differences=differences, duration_s=0.25)


RESULTS = [
    result("a.test.yaml"),
    result("a.test.yaml", 1, DIFFERENCE),
    result("b.test.yaml"),
]


def texts(results: list[Result]) -> list[str]:
    return [line.text for line in reports.lines(results)]


def test_files_are_summed_up() -> None:
    assert texts(RESULTS[2:] * 2) == ["b.test.yaml: 2 passed", "", "2 passed in 0.50 s"]


def test_what_differs_is_told_with_place_and_instant() -> None:
    assert texts(RESULTS) == [
        "a.test.yaml: 1 passed, 1 failed",
        "b.test.yaml: 1 passed",
        "",
        "FAILED  bad & so  (a.test.yaml:9)",
        "  a.test.yaml:12: cases[1].steps[0].expect.segments.s",
        "    at        2026-01-01T00:00:00.000Z",
        "    expected  in",
        "    found     <out>",
        "    note      never",
        "    note      ever",
        "",
        "2 passed, 1 failed in 0.75 s",
    ]


def test_colours_tell_good_from_bad() -> None:
    styles = {line.text: line.style for line in reports.lines(RESULTS)}
    assert styles["a.test.yaml: 1 passed, 1 failed"] == "red"
    assert styles["b.test.yaml: 1 passed"] == "green"
    assert styles["2 passed, 1 failed in 0.75 s"] == "bold red"


def test_what_is_printed_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    long = msgspec.structs.replace(DIFFERENCE, found=f"[red]:smile:[/red] {'x' * 200}")
    reports.tell([result("a.test.yaml", 1, long)])
    printed = capsys.readouterr().out
    assert f"    found     [red]:smile:[/red] {'x' * 200}\n" in printed
    assert printed.endswith("0 passed, 1 failed in 0.25 s\n")


def test_build_servers_read_suites_cases_and_failures(tmp_path: Path) -> None:
    target = tmp_path / "out.xml"
    reports.write_junit(RESULTS, target)
    root = ElementTree.parse(target).getroot()
    assert root is not None
    assert root.tag == "testsuites"
    assert [(each.tag, each.get("name")) for each in root] == [
        ("testsuite", "a.test.yaml"),
        ("testsuite", "b.test.yaml"),
    ]
    first = root[0]
    numbers = {"tests": "2", "failures": "1", "errors": "0", "skipped": "0", "time": "0.500000"}
    assert first.attrib == {"name": "a.test.yaml", **numbers}
    good, bad = first
    about = {"classname": "a.test.yaml", "file": "a.test.yaml", "time": "0.250000"}
    assert good.attrib == {"name": "good", "line": "2", **about}
    assert bad.attrib == {"name": "bad & so", "line": "9", **about}
    assert list(good) == []
    (failure,) = bad
    assert failure.tag == "failure"
    message = "cases[1].steps[0].expect.segments.s: expected in, found <out>"
    assert failure.attrib == {"message": message, "type": "difference"}
    assert "a.test.yaml:12: cases[1].steps[0].expect.segments.s" in (failure.text or "")
    assert (failure.text or "").endswith("    note      ever")
