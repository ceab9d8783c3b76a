"""Folders of definitions with tests beside them: what is read, and what is wrong with it."""

import json
import os
from pathlib import Path

import pytest

from processors.cases import files
from processors.definitions import files as definitions_files
from processors.definitions.errors import InvalidDefinitions
from tests.unit.cases.builders import story

SEGMENT = "kind: segment\nid: gold\nname: Gold\nwhen:\n  trait: plan\n  equals: gold\n"
SCORE = (
    "kind: score\nid: fit\nname: Fit\ngroups: []\nlevels: {hot: 50, cold: 0}\n"
    "grades: {A: 50, B: 0}\n"
)
CASES = "cases:\n  - name: a\n    steps:\n      - expect: {segments: {gold: out}}\n"


def refused(folder: Path) -> list[str]:
    """Returns what is printed, without the folder's own name."""
    with pytest.raises(InvalidDefinitions) as caught:
        files.load(folder)
    printed = str(caught.value)
    return printed.replace(f"{folder}{os.sep}", "").replace(str(folder), "").splitlines()


def test_tests_are_read_with_the_definitions_beside_them(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "gold.yaml").write_text(SEGMENT)
    (tmp_path / "z.test.yaml").write_text(CASES)
    (tmp_path / "a" / "b" / "y.test.yml").write_text(CASES)
    expect = {"expect": {"segments": {"gold": "in"}}}
    (tmp_path / "a" / "x.test.json").write_text(json.dumps({"cases": [story(expect)]}, indent=1))
    (tmp_path / ".hidden.test.yaml").write_text("{")
    definitions, found = files.load(tmp_path)
    assert list(definitions.segments) == ["gold"]
    assert [Path(each.file).name for each in found] == ["y.test.yml", "x.test.json", "z.test.yaml"]
    path = ("cases", 0, "steps", 0, "expect", "segments", "gold")
    assert [each.line(path) for each in found] == [4, 9, 4]
    assert found[2].line(("cases", 0)) == 2


def test_folder_without_tests_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gold.yaml").write_text(SEGMENT)
    assert refused(tmp_path) == [": holds no tests (*.test.yaml, *.test.yml, *.test.json)"]


def test_problems_of_definitions_and_tests_come_together(tmp_path: Path) -> None:
    (tmp_path / "gold.yaml").write_text(SEGMENT.replace("equals", "equal"))
    (tmp_path / "a.test.yaml").write_text("- a\n")
    (tmp_path / "b.test.yaml").write_text("case:\n  - a\n")
    (tmp_path / "c.test.yaml").write_text("tests: 1\n")
    (tmp_path / "d.test.yaml").write_text(CASES.replace("out", "outside"))
    (tmp_path / "e.test.yaml").write_text("cases: &x\n  - *x\n")
    (tmp_path / "f.test.yaml").write_bytes(b"cases:\n  - name: \xff\n")
    (tmp_path / "g.test.yaml").write_text("cases: " + "x" * 256 * 1024)
    (tmp_path / "h.test.yaml").write_text(CASES + CASES)
    assert refused(tmp_path) == [
        "gold.yaml:6: when.equal: unknown key; did you mean equals?",
        "a.test.yaml:1: must be a mapping with cases, found a list",
        "b.test.yaml:1: case: unknown key; did you mean cases?",
        "c.test.yaml:1: needs the key cases",
        "d.test.yaml:4: cases[0].steps[0].expect.segments.gold: must be in or out, "
        'found the text "outside"',
        "e.test.yaml:1: cases: anchors (&x) are not allowed: write it out",
        "e.test.yaml:2: cases[0]: aliases (*x) are not allowed: write it out",
        "f.test.yaml:2: is not UTF-8: byte 0xFF; save it as UTF-8",
        "g.test.yaml: must have at most 256 kB",
        "h.test.yaml:5: cases: this key is there twice, first in line 1",
    ]


def test_what_is_expected_of_nothing_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "gold.yaml").write_text(SEGMENT)
    (tmp_path / "fit.yaml").write_text(SCORE)
    (tmp_path / "a.test.yaml").write_text(
        "cases:\n"
        "  - name: a\n"
        "    given: {lists: [guests]}\n"
        "    steps:\n"
        "      - expect:\n"
        "          segments: {golt: in}\n"
        "          lists: {gold: in}\n"
        "          scores:\n"
        "            fitt: 5\n"
        "            fit:\n"
        "              level: hott\n"
        "              grade: C\n"
        "          commands: [{trigger: t}]\n"
        "          decisions: [{trigger: t, outcome: no}]\n"
    )
    at = "cases[0].steps[0].expect"
    assert refused(tmp_path) == [
        "a.test.yaml:3: cases[0].given.lists[0]: there is no list guests; there are no lists",
        f"a.test.yaml:6: {at}.segments.golt: there is no segment golt; did you mean gold?",
        f"a.test.yaml:7: {at}.lists.gold: there is no list gold, but a segment of this id",
        f"a.test.yaml:9: {at}.scores.fitt: there is no score fitt; did you mean fit?",
        f"a.test.yaml:11: {at}.scores.fit.level: score fit has no level hott; did you mean hot?",
        f"a.test.yaml:12: {at}.scores.fit.grade: score fit has no grade C; the grades are A, B",
        f"a.test.yaml:13: {at}.commands[0].trigger: there is no trigger t; there are no triggers",
        f"a.test.yaml:14: {at}.decisions[0].trigger: there is no trigger t; there are no triggers",
    ]


def test_time_does_not_turn_back(tmp_path: Path) -> None:
    (tmp_path / "gold.yaml").write_text(SEGMENT)
    (tmp_path / "a.test.yaml").write_text(
        "cases:\n  - name: a\n    at: 2026-01-02T00:00:00Z\n    steps:\n"
        "      - at: 2026-01-01T23:59:59Z\n      - after: 1d\n"
        "      - at: 2026-01-02T23:59:59Z\n      - at: 2026-01-03T00:00:00Z\n"
        "        expect: {segments: {gold: out}}\n"
    )
    by = "time does not turn back: it is"
    hint = "by now; late_by is for an event that comes late"
    assert refused(tmp_path) == [
        f"a.test.yaml:5: cases[0].steps[0].at: {by} 2026-01-02T00:00:00.000Z {hint}",
    ]


@pytest.mark.parametrize(
    ("begin", "step", "said"),
    [
        ("1969-12-31T23:59:59Z", "after: 1s", ["3: cases[0].at: must lie between 1970 and 2100"]),
        ("2100-01-01T00:00:00Z", "after: 1s", [
            "3: cases[0].at: must lie between 1970 and 2100",
            "5: cases[0].steps[0].after: must lie before 2100",
        ]),
        ("2099-12-31T23:59:59Z", "after: 1s", [
            "5: cases[0].steps[0].after: must lie before 2100",
        ]),
        ("2026-01-01T00:00:00Z", "at: 2100-01-01T00:00:00Z", [
            "5: cases[0].steps[0].at: must lie before 2100",
        ]),
    ],
)  # fmt: skip
def test_time_stays_where_events_can_be(
    tmp_path: Path, begin: str, step: str, said: list[str]
) -> None:
    (tmp_path / "gold.yaml").write_text(SEGMENT)
    (tmp_path / "a.test.yaml").write_text(
        f"cases:\n  - name: a\n    at: {begin}\n    steps:\n      - {step}\n"
        "        expect: {segments: {gold: out}}\n"
    )
    assert refused(tmp_path) == [f"a.test.yaml:{each}" for each in said]


def test_files_of_tests_are_bounded_as_those_of_definitions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(definitions_files, "MAX_FILES", 2)
    (tmp_path / "gold.yaml").write_text(SEGMENT)
    for place in range(2):
        (tmp_path / f"{place}.test.yaml").write_text(CASES)
    assert len(files.load(tmp_path)[1]) == 2
    (tmp_path / "2.test.yaml").touch()
    assert refused(tmp_path) == [": holds more than 2 files of tests"]
