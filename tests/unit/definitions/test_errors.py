"""A problem is printed as compilers print theirs."""

import pytest

from processors.definitions import errors
from processors.definitions.errors import InvalidDefinitions, Path, Problem


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("a.yaml", 7, "when.trait", "is wrong"), "a.yaml:7: when.trait: is wrong"),
        (Problem("a.yaml", None, "", "is wrong"), "a.yaml: is wrong"),
        (Problem(None, None, "when", "is wrong"), "when: is wrong"),
        (Problem(None, None, "", "is wrong"), "is wrong"),
    ],
)
def test_problem_names_file_line_and_path(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_all_problems_are_in_the_message() -> None:
    error = InvalidDefinitions(Problem("a.yaml", line, "", "no") for line in (1, 2))
    assert str(error) == "a.yaml:1: no\na.yaml:2: no"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("groups", 0, "rules", 2, "when", "all", 1), "groups[0].rules[2].when.all[1]"),
        (("at_least",), "at_least"),
        (("body", "a b"), 'body["a b"]'),
        (("", "a"), '[""].a'),
    ],
)
def test_path_reads_like_the_document(path: Path, text: str) -> None:
    assert errors.show(path) == text


def test_long_text_is_cut_and_stays_on_its_line() -> None:
    assert errors.shorten("a\nb") == '"a\\x0ab"'
    assert errors.one_line("a\nb" * 100, 5) == "a\\x0aba…"
    assert errors.show(("x" * 41,)) == '["' + "x" * 39 + '…"]'
    assert errors.shorten("x" * 41) == '"' + "x" * 39 + '…"'
