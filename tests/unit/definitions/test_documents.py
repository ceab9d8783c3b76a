"""Documents: kinds, bounds, versions; and whatever comes in, only InvalidDefinitions comes out."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.definitions import actions, comparisons, conditions, documents, scores, versions
from processors.definitions.errors import InvalidDefinitions, Problem
from tests.unit.definitions.builders import (
    complaints,
    mail,
    partial,
    problems,
    score,
    segment,
    static_list,
    trigger,
)

GOOD = [segment(), static_list(), score(), trigger(), mail(), partial()]
LATER = "frequency_cap"
KINDS = "segment, list, score, trigger, journey, topic, policy, template, partial, catalogue"


@pytest.mark.parametrize("document", GOOD, ids=lambda document: str(document["kind"]))
def test_each_kind_is_parsed(document: dict[str, Any]) -> None:
    found = documents.parse(document)
    assert (found.kind, found.id) == (document["kind"], document["id"])
    assert found.origin.document is document
    assert found.origin.version == versions.version(document)
    assert (found.origin.file, found.origin.lines) == (None, {})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (None, "must be a mapping with kind and id, found nothing"),
        ([segment()], "must be a mapping with kind and id, found a list"),
        ("x", 'must be a mapping with kind and id, found the text "x"'),
        ({}, f"needs the key kind: one of {KINDS}"),
        ({"id": "a"}, f"needs the key kind: one of {KINDS}"),
        ({"knd": "list"}, "knd: unknown key; did you mean kind?"),
        (
            {"kind": "segmnt"},
            f'kind: must be one of {KINDS}, found the text "segmnt"; did you mean segment?',
        ),
        ({"kind": "Segment"}, f'kind: must be one of {KINDS}, found the text "Segment"; '
                              "did you mean segment?"),
        ({"kind": "rule"}, f'kind: must be one of {KINDS}, found the text "rule"'),
        ({"kind": None}, f"kind: must be one of {KINDS}, found nothing"),
        ({"kind": ["list"]}, f"kind: must be one of {KINDS}, found a list"),
        ({"kind": LATER}, f"kind: {LATER} is not in this version; the kinds are {KINDS}"),
        (static_list(z=float("nan")), "z: must be a finite number, found nan"),
        (static_list(z=2**63), "z: must be a number of at most 64 bits"),
        (static_list(z=b""), "z: must be a JSON value, found a bytes"),
        (static_list(z="\ud800"), "z: holds a character that can not be stored"),
        (static_list(z="a\0"), "z: holds a character that can not be stored"),
        (static_list(z={"\0trait": 1}), "z: a key holds a character that can not be stored"),
        (static_list(z={1: 2}), "z: keys must be text (put it in quotes), found the number 1"),
        (static_list(description="ä" * 140_000), "must have at most 256 kB"),
    ],
)  # fmt: skip
def test_what_is_no_definition_is_refused_with_one_message(document: Any, message: str) -> None:
    assert problems(document) == [message]


def nested(depth: int, key: str) -> Any:
    found: Any = {"tag": "x"}
    for _ in range(depth):
        found = {key: found if key == "not" else [found]}
    return found


@pytest.mark.parametrize("key", ["all", "any", "not"])
def test_conditions_nest_32_deep_and_no_deeper(key: str) -> None:
    assert problems(segment(nested(32, key))) == []
    (message,) = problems(segment(nested(33, key)))
    assert message.endswith(": conditions must not be nested deeper than 32")


def test_nesting_of_10_000_is_refused() -> None:
    (message,) = problems(segment(nested(10_000, "not")))
    assert message.endswith(": conditions must not be nested deeper than 32")
    deep: Any = []
    for _ in range(10_000):
        deep = [deep]
    expected = ["z[0][0]: must not be nested deeper than 100"]
    assert problems(static_list(z=deep)) == expected


def test_list_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert problems(static_list(z=endless)) == ["z[0][0]: must not be nested deeper than 100"]


def test_10_000_values_are_the_most() -> None:
    value: Any = {"trait": "a", "in": list(range(9_990))}
    assert problems(segment(value)) == []
    value = {"trait": "a", "in": list(range(10_000))}
    assert problems(segment(value)) == ["must have at most 10000 values"]


def test_the_first_100_problems_are_named_and_the_others_counted() -> None:
    found = problems(static_list(**{f"z{place}": 1 for place in range(103)}))
    assert len(found) == 101
    assert found[-1] == "and 3 more problems"


def test_problem_has_the_line_of_the_nearest_place_known() -> None:
    lines = {(): 1, ("when",): 4, ("when", "all"): 5, ("when", "all", 0): 6}
    with pytest.raises(InvalidDefinitions) as caught:
        documents.parse(segment({"all": [{"tag": 3}]}, nam=1), file="a.yaml", lines=lines)
    tag = "must be text (put it in quotes), found the number 3"
    assert caught.value.problems == (
        Problem("a.yaml", 1, "nam", "unknown key; did you mean name?"),
        Problem("a.yaml", 6, "when.all[0].tag", tag),
    )


def test_version_is_that_of_the_canonical_text() -> None:
    assert versions.canonical({"b": ["ä", 1.0], "a": None}) == '{"a":null,"b":["ä",1.0]}'.encode()
    assert versions.version({"kind": "list"}) == "33eb5386ff37"
    assert versions.version({"kind": "lisu"}) != versions.version({"kind": "list"})


@given(st.randoms(use_true_random=False), st.sampled_from(GOOD))
def test_version_and_meaning_do_not_depend_on_the_order_of_keys(
    chance: random.Random, document: dict[str, Any]
) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, list):
            return [shuffled(each) for each in value]
        if not isinstance(value, dict):
            return value
        keys = list(value)
        chance.shuffle(keys)
        return {key: shuffled(value[key]) for key in keys}

    first, second = documents.parse(document), documents.parse(shuffled(document))
    assert first.origin.version == second.origin.version
    assert first == second


@pytest.mark.parametrize("document", GOOD, ids=lambda document: str(document["kind"]))
def test_document_survives_the_topic(document: dict[str, Any]) -> None:
    again = documents.parse(json.loads(versions.canonical(document)))
    assert again == documents.parse(document)


def test_claimed_id_is_what_the_document_says() -> None:
    assert documents.claimed_id({"id": "vip"}) == {"vip"}
    assert documents.claimed_id({"id": 3}) == set()
    assert documents.claimed_id([]) == set()


WORDS = st.sampled_from(
    ["kind", "id", "name", "when", "on", "do", "where", "groups", "rules", "levels", "points",
     "within", "missing", "is", "salt", "from", "to", "limit", "times", "change", "becomes",
     "floor", "trait", "event", "score", "vip", "7d", "2026-01-01T00:00:00Z", "in", "out",
     *conditions.HEADS, *comparisons.OPERATORS, *actions.ACTIONS, *documents.KINDS]
)  # fmt: skip
LEAVES = st.one_of(
    WORDS,
    st.text(max_size=5),
    st.integers(-5, 20),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(WORDS, inner, max_size=5),
        st.dictionaries(st.text(max_size=5), inner, max_size=3),
    ),
    max_leaves=20,
)


@given(JSON)
def test_anything_is_parsed_or_refused(document: Any) -> None:
    assert_parsed_or_refused(document)


@given(JSON)
def test_any_condition_is_parsed_or_refused(when: Any) -> None:
    assert_parsed_or_refused(segment(when))
    assert_parsed_or_refused(segment({"all": [when]}))


A = {"event": "a"}
OF = {"id": "r", "points": 1, "on": A}
WINDOWS: list[tuple[str, Any]] = [
    ("when.within", segment(A | {"within": "-7d"})),
    ("when.within", segment(A | {"sum": {"property": "n", "at_least": 1}, "within": "-7d"})),
    ("when.within", segment({"sequence": [A, A], "within": "-7d"})),
    ("when.sequence[1].within", segment({"sequence": [A, A | {"within": "-7d"}]})),
    ("when.within_last", segment({"trait": "born", "within_last": "-7d"})),
    ("when.within_next", segment({"trait": "born", "within_next": "-7d"})),
    ("when.older_than", segment({"account": "born", "older_than": "-7d"})),
    ("groups[0].rules[0].within", score(OF | {"within": "-7d"})),
    ("groups[0].rules[0].decay.half_life", score(OF | {"decay": {"half_life": "-7d"}})),
    ("groups[0].rules[0].decay.per", score(OF | {"decay": {"per": "-7d", "percent": 5}})),
    ("on.inactive", trigger(on={"inactive": "-7d"})),
    ("on.within", trigger(on={"score": "s", "crosses": 5, "minimum_change": 1, "within": "-7d"})),
    ("limit.within", trigger(limit={"times": 1, "within": "-7d"})),
]


@pytest.mark.parametrize(("place", "document"), WINDOWS, ids=[place for place, _ in WINDOWS])
def test_negative_window_is_refused_wherever_one_stands(place: str, document: Any) -> None:
    assert problems(document) == [
        f"{place}: must be a duration such as 90s, 15m, 2h, 7d or 4w, more than 0, at most ten "
        'years, found the text "-7d"'
    ]


@given(JSON)
def test_any_part_of_a_score_is_parsed_or_refused(part: Any) -> None:
    assert_parsed_or_refused(score(part, levels=part))
    assert_parsed_or_refused(score(groups=[part]))


@given(JSON)
def test_any_part_of_a_trigger_is_parsed_or_refused(part: Any) -> None:
    assert_parsed_or_refused(trigger(part))
    assert_parsed_or_refused(trigger(on=part))
    assert_parsed_or_refused(trigger(*({action: part} for action in actions.ACTIONS)))


@given(st.sampled_from(list(conditions.HEADS)), WORDS, JSON, JSON)
def test_any_operand_is_parsed_or_refused(head: str, key: str, value: Any, operand: Any) -> None:
    assert_parsed_or_refused(segment({head: value, key: operand}))
    assert_parsed_or_refused(segment({head: "vip", key: operand}))


def assert_parsed_or_refused(document: Any) -> None:
    for message in complaints(lambda: documents.parse(document)):
        assert "Input should" not in message
        assert "\0" not in message
        assert "\n" not in message


def test_parsed_values_are_tuples() -> None:
    found = documents.parse(score())
    assert isinstance(found, scores.Score)
    assert isinstance(found.groups, tuple)
    assert isinstance(found.groups[0].rules, tuple)
