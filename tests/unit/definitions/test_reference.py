"""The reference for marketers says what the code does."""

import re
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from processors.definitions import (
    actions,
    comparisons,
    conditions,
    documents,
    occurrences,
    steps,
    stimuli,
    syntax,
)

DOCS = Path(__file__).parents[3] / "docs"
PAGES = ("definitions.md", "journeys.md", "content.md", "catalogues.md")
REFERENCE = "".join((DOCS / name).read_text("utf-8") for name in PAGES)
EXAMPLES = re.findall(r"```yaml\n(.*?)```", REFERENCE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_is_right(example: str) -> None:
    text = syntax.read_yaml(example)
    assert text.faults == []
    if "kind" in text.document:
        documents.parse(text.document)
    else:
        condition = text.document.get("when", text.document)
        TypeAdapter(conditions.Condition).validate_python(condition)


WORDS = (
    *conditions.HEADS, *comparisons.OPERATORS, *occurrences.COUNTS,
    *occurrences.AGGREGATES, *occurrences.SequenceCondition.known_keys(),
    *occurrences.Step.known_keys(), *stimuli.STIMULI,
    *steps.HEADS, *steps.Wait.known_keys(),
    *actions.ACTIONS, *actions.LATER_ACTIONS, *documents.KINDS, *documents.LATER_KINDS,
)  # fmt: skip


@pytest.mark.parametrize("word", WORDS)
def test_word_of_the_grammar_is_in_the_reference(word: str) -> None:
    assert re.search(rf"\b{word}\b", REFERENCE)


@pytest.mark.parametrize("kind", documents.KINDS)
def test_every_key_is_in_the_reference(kind: str) -> None:
    for key in documents.KINDS[kind].known_keys():
        assert f"`{key}`" in REFERENCE
