"""Texts to documents: strict YAML 1.2 and JSON, each value with its line."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.definitions import syntax
from processors.definitions.errors import show


def yaml(text: str) -> Any:
    found = syntax.read_yaml(text)
    assert found.faults == []
    return found.document


def faults(text: str) -> list[str]:
    return shown(syntax.read_yaml(text))


def json_faults(text: str) -> list[str]:
    return shown(syntax.read_json(text))


def shown(found: syntax.Text) -> list[str]:
    return [f"{line}: {show(path)}: {message}" for line, path, message in found.faults]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"), ("NO", "NO"), ("yes", "yes"), ("on", "on"), ("off", "off"), ("y", "y"),
        ("true", True), ("True", True), ("TRUE", True), ("false", False), ("tRue", "tRue"),
        ("", None), ("~", None), ("null", None), ("Null", None), ("nil", "nil"),
        ("2026-01-31", "2026-01-31"), ("2026-01-31T08:00:00Z", "2026-01-31T08:00:00Z"),
        ("12:30:45", "12:30:45"), ("1_000", "1_000"), ("7d", "7d"), ("1.2.3", "1.2.3"),
        ("10", 10), ("-5", -5), ("+5", 5), ("0", 0), ("0o17", 15), ("0x1F", 31), ("0b1", "0b1"),
        ("1.10", 1.1), ("1e3", 1000.0), (".5", 0.5), ("5.", 5.0), (".", "."), ("-", [None]),
        ("'10'", "10"), ('"true"', "true"), ('"~"', "~"), ("'007'", "007"), ('"<<"', "<<"),
        ("|\n a\n b", "a\nb"), (">\n a\n b", "a b"), ("=", "="), ("a <<", "a <<"),
        ('"\\u00e4\\/"', "ä/"),
    ],
)  # fmt: skip
def test_yaml_value_is_that_of_version_1_2(written: str, value: Any) -> None:
    found = yaml(f"- {written}") if value != [None] else [yaml(written)]
    assert found == [value]
    assert type(found[0]) is type(value)


def test_key_on_stays_text() -> None:
    assert yaml("on: {event: a}\nyes: 1\nNO: 2") == {"on": {"event": "a"}, "yes": 1, "NO": 2}


def test_infinity_and_large_numbers_are_left_for_the_bounds_of_documents() -> None:
    assert yaml("[.inf, -.INF, 1e400]") == [float("inf"), -float("inf"), float("inf")]
    assert repr(yaml("- .nan")) == "[nan]"
    assert yaml("- " + "9" * 10_000)[0] > 2**63
    assert yaml("- " + "a" * 10_000) == ["a" * 10_000]


TEXT = """\
# a comment
kind: score
groups:
  - id: one
    rules:
      - {id: a,
         points: 1}

      - id: b
        on:
          event: x
levels: {hot: 1, cold: 0}
"""


def test_every_value_has_its_line() -> None:
    lines = {show(path): line for path, line in syntax.read_yaml(TEXT).lines.items()}
    assert lines == {
        "": 2,
        "kind": 2,
        "groups": 3,
        "groups[0]": 4,
        "groups[0].id": 4,
        "groups[0].rules": 5,
        "groups[0].rules[0]": 6,
        "groups[0].rules[0].id": 6,
        "groups[0].rules[0].points": 7,
        "groups[0].rules[1]": 9,
        "groups[0].rules[1].id": 9,
        "groups[0].rules[1].on": 10,
        "groups[0].rules[1].on.event": 11,
        "levels": 12,
        "levels.hot": 12,
        "levels.cold": 12,
    }


def test_whole_numbers_may_name_rows_and_columns() -> None:
    text = syntax.read_yaml("matrix: {rows: {1: 75}, columns: {2: 5, '3': 0}}")
    assert text.faults == []
    assert text.document == {"matrix": {"rows": {"1": 75}, "columns": {"2": 5, "3": 0}}}
    twice = syntax.read_yaml("columns: {2: 5, '2': 0}")
    assert len(twice.faults) == 1


def test_json_has_the_same_lines_as_yaml() -> None:
    text = json.dumps(yaml(TEXT), indent=1)
    assert syntax.read_json(text) == syntax.read_yaml(text)
    assert syntax.read_json(text).document == yaml(TEXT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &x 1\nb: *x", ["1: a: anchors (&x) are not allowed: write it out",
                            "2: b: aliases (*x) are not allowed: write it out"]),
        ("a: &x [1]", ["1: a: anchors (&x) are not allowed: write it out"]),
        ("*x : 1", ["1: : aliases (*x) are not allowed: write it out"]),
        ("a: !!python/object:os.system {}",
         ["1: a: tags (tag:yaml.org,2002:python/object:os.system) are not allowed"]),
        ("a: !x 1", ["1: a: tags (!x) are not allowed"]),
        ("a: 1\n<<: {b: 1}", ["2: : merge keys (<<) are not allowed: write it out"]),
        ("a: 1\nb: 2\na: 3", ["3: a: this key is there twice, first in line 1"]),
        ("a: {b: 1}\na: {b: 2, b: 3}", ["2: a: this key is there twice, first in line 1",
                                        "2: a.b: this key is there twice, first in line 1"]),
        ("zip: 01067", ['1: zip: "01067": quote it if it is a code, else drop the leading 0']),
        ("1: a", ["1: : a key must be text: put 1 in quotes"]),
        ("a: [{b: {1: 2}}]", ["1: a[0].b: a key must be text: put 1 in quotes"]),
        ("true: a", ["1: : a key must be text: put true in quotes"]),
        ("? [a]\n: b", ["1: : a key must be text, found a list or a mapping"]),
        ("? {a: 1}\n: b", ["1: : a key must be text, found a list or a mapping"]),
        ("", ["1: : the file is empty"]),
        ("# nothing\n\n", ["1: : the file is empty"]),
        ("a: 1\n---\nb: 2", ["2: : a second document begins here: one definition a file"]),
        ("%YAML 1.1\n---\na: 1", ["2: : directives (%) are not allowed"]),
        ("%TAG ! tag:x,2000:\n---\na: 1", ["2: : directives (%) are not allowed"]),
        ("a: 1\nb: \x01", ["2: : holds a character that does not print, U+0001"]),
    ],
)  # fmt: skip
def test_what_yaml_can_do_beyond_json_is_refused_in_its_line(
    text: str, expected: list[str]
) -> None:
    assert faults(text) == expected


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("a: 1\n\tb: 2", 2, "; a tab can not indent: use spaces"),
        ("a: b: c", 1, "; put a text that holds a colon in quotes, or mend the indent"),
        ("a: 1\n  b: 2", 2, "; put a text that holds a colon in quotes, or mend the indent"),
        ("a: [1, 2\nb: 3", 2, "; a list or mapping in brackets is not closed"),
        ("a:\n  - 1\n b: 2", 3, "; the indent of this line fits no line above it"),
        ('a: "x', 1, ""),
        ("a: @x", 1, ""),
        ('a: "\\q"', 1, ""),
        ('a: "\\UFFFFFFFF"', 1, ""),
        ("%YAML 3.0\n---\na", 1, ""),
    ],
)
def test_broken_yaml_is_refused_with_line_and_hint(text: str, line: int, hint: str) -> None:
    (message,) = faults(text)
    assert message.startswith(f"{line}: : is not YAML: ")
    assert message.endswith(hint)
    assert syntax.read_yaml(text).is_whole is False


def test_document_with_a_repeated_key_is_still_checked_further() -> None:
    found = syntax.read_yaml("a: 1\na: 2\nb: 3")
    assert found.document == {"a": 1, "b": 3}
    assert found.is_whole is True


@pytest.mark.parametrize("opening", ["[", "[\n", "{a: ", "- ", '{"a":'])
def test_nesting_of_10_000_is_refused(opening: str) -> None:
    for read in (syntax.read_yaml, syntax.read_json):
        (fault,) = read(opening * 10_000).faults
        assert fault[2].startswith(("must not be nested deeper than 100", "is not JSON"))


def test_bomb_of_aliases_is_refused_and_never_unfolded() -> None:
    rows = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    for row in range(1, 30):
        rows.append(f"a{row}: &a{row} [{', '.join([f'*a{row - 1}'] * 10)}]")
    found = syntax.read_yaml("\n".join(rows))
    assert {message.partition(" (")[0] for _, _, message in found.faults} == {"anchors", "aliases"}
    assert len(str(found.document)) < 10_000


def test_nested_json_that_python_could_read_is_refused_too() -> None:
    for depth in (101, 200, 5_000, 100_000):
        (message,) = json_faults("[" * depth + "]" * depth)
        assert message.endswith(": must not be nested deeper than 100")
    assert json_faults("[" * 100 + "]" * 100) == []


def test_10_000_values_are_the_most() -> None:
    for read in (syntax.read_yaml, syntax.read_json):
        assert read("[" + "1," * 9_998 + "1]").faults == []
        (fault,) = read("[" + "1," * 10_000 + "1]").faults
        assert fault[2] == "must have at most 10000 values"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1: : the file is empty"),
        (" \n", "1: : the file is empty"),
        ('{"a": NaN}', "1: : is not JSON: NaN is no JSON number"),
        ('{"a": -Infinity}', "1: : is not JSON: -Infinity is no JSON number"),
        ('{"a": 1,\n"a": 2}', "2: a: this key is there twice, first in line 1"),
        ('{"a":\n [1 2]}', "2: : is not JSON: Expecting ',' delimiter (column 5)"),
        ('{"a": 1} {}', "1: : is not JSON: Extra data (column 10)"),
        ('{"a": "\x01"}', "1: : holds a character that does not print, U+0001"),
    ],
)
def test_broken_json_is_refused_in_its_line(text: str, expected: str) -> None:
    assert json_faults(text) == [expected]


def test_number_of_10_000_digits_is_refused() -> None:
    (message,) = json_faults("[" + "9" * 10_000 + "]")
    assert message.startswith("1: : is not JSON: ")


def test_json_may_be_indented_by_tabs_and_hold_any_text() -> None:
    text = '{\n\t"a": "\\ud83d\\ude00 {[,:\\"",\n\t"b": [1.5e3, -2, true, null, {}, []]\n}'
    found = syntax.read_json(text)
    assert found.faults == []
    assert found.document == {"a": '😀 {[,:"', "b": [1500.0, -2, True, None, {}, []]}
    assert found.lines[("b", 2)] == 3


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=8),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=8),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=20,
)


@given(VALUES, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_json_is_read_as_python_reads_it(value: Any, indent: Any, is_ascii: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=is_ascii)
    found = syntax.read_json(text)
    assert found.faults == []
    assert found.document == value


@given(st.text(st.sampled_from("ab01 \n\t-:,?[]{}#&*!|>'\"%@`~<.=\\ué\ufeff\u2028"), max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (syntax.read_yaml, syntax.read_json):
        found = read(text)
        assert found.faults or found.document is not None or text.strip()
        assert found.is_whole or found.faults
        assert all(len(message.splitlines()) == 1 for message in shown(found))


@given(st.text(max_size=60))
def test_any_characters_are_read_or_refused(text: str) -> None:
    for read in (syntax.read_yaml, syntax.read_json):
        found = read(text)
        assert found.is_whole or found.faults
