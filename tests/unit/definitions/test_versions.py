"""Versions hang on what a document says, not on how it is written down."""

from processors.definitions import versions


def test_the_same_document_has_the_same_text_whatever_the_order() -> None:
    assert versions.canonical({"b": ["ä", 1.0], "a": None}) == '{"a":null,"b":["ä",1.0]}'.encode()


def test_a_version_is_that_of_the_text() -> None:
    assert versions.version({"kind": "list"}) == "33eb5386ff37"
    assert versions.version({"kind": "lisu"}) != versions.version({"kind": "list"})
    assert len(versions.version({})) == versions.DIGITS
