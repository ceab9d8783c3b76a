"""Templates by their ids, in the language of the person."""

import pytest

from processors.content.errors import Broken
from processors.content.libraries import Library
from tests.builders import segment
from tests.unit.content.builders import partial, template


def test_library_holds_what_it_was_given_last() -> None:
    library = Library([template(), template(id="old")])
    assert set(library.stock.templates) == {"hello", "old"}
    assert library.take([template(id="new"), segment({"tag": "x"}), {}]) == []
    assert set(library.stock.templates) == {"new"}


def test_what_can_not_be_parsed_is_left_out_and_said() -> None:
    library = Library()
    problems = library.take([template(), template(id="bad", subject=None), partial("p")])
    assert [str(each) for each in problems] == [
        "template/bad: a mail needs the key subject",
        "partial/p: a partial needs html, mjml or text",
    ]
    assert set(library.stock.templates) == {"hello"}


@pytest.mark.parametrize(
    ("language", "chosen"),
    [("de-AT", "de-AT"), ("de-CH", "de"), ("de", "de"), ("fr", None), (None, None)],
)
def test_nearest_language_is_chosen(language: str | None, chosen: str | None) -> None:
    stock = Library([template(locales={"de": {}, "de-AT": {}})]).stock
    assert stock.chosen(stock.templates["hello"], language) == chosen


def test_texts_are_compiled_once() -> None:
    stock = Library([template(locales={"de": {"subject": "Hallo"}})]).stock
    hello = stock.templates["hello"]
    assert stock.compiled(hello, None) is stock.compiled(hello, None)
    assert stock.compiled(hello, "de") is not stock.compiled(hello, None)


def test_broken_text_is_told_when_it_is_asked_for() -> None:
    stock = Library([template(subject="{{ a")]).stock
    with pytest.raises(Broken):
        stock.compiled(stock.templates["hello"], None)
