"""Flat lists of rules become the tree that they mean, read from left to right, or are refused."""

from typing import Any

import msgspec
import pytest

from processors.definitions import syntax
from processors.definitions.errors import InvalidDefinitions
from processors.operations.flat_rules import Converted, convert
from tests.builders import DAY, T0, Document, Person, identify, track

NOW = T0


def converted(source: Any, id_: str | None = "s", name: str | None = "S") -> Converted:
    text = syntax.read_json(msgspec.json.encode(source).decode())
    return convert(text, file="rules.json", id_=id_, name=name)


def rule(field: str, operator: str, *value: Any, then: str | None = None) -> Document:
    """Returns a rule; `then` joins it to the next one."""
    found: Document = {"field": field, "operator": operator}
    if value:
        found["value"] = value[0]
    return found | ({} if then is None else {"logicalOperator": then})


def condition(*rules: Document) -> Document:
    found: Document = converted([*rules]).document["when"]
    return found


def refused(*rules: Any) -> list[str]:
    with pytest.raises(InvalidDefinitions) as failure:
        converted([*rules])
    return [str(each) for each in failure.value.problems]


def number(place: int, then: str | None = None) -> Document:
    """Returns the rule that a trait `r<place>` is 1."""
    return rule(f"r{place}", "equals", 1, then=then)


def shape(tree: Document) -> Any:
    """Returns a tree with the numbers of such rules as its leaves."""
    for key in ("all", "any"):
        if key in tree:
            return {key: [shape(each) for each in tree[key]]}
    return int(tree["trait"].removeprefix("r"))


# Joining


@pytest.mark.parametrize(
    ("operators", "expected"),
    [
        ("", 1),
        ("A", {"all": [1, 2]}),
        ("AAA", {"all": [1, 2, 3, 4]}),
        ("OO", {"any": [1, 2, 3]}),
        ("AO", {"any": [{"all": [1, 2]}, 3]}),
        ("OA", {"all": [{"any": [1, 2]}, 3]}),
        ("AAOOA", {"all": [{"any": [{"all": [1, 2, 3]}, 4, 5]}, 6]}),
    ],
)
def test_rules_are_joined_from_left_to_right(operators: str, expected: Any) -> None:
    words = [{"A": "AND", "O": "OR"}[each] for each in operators]
    rules = [number(place, then) for place, then in enumerate([*words, None], 1)]
    assert shape(condition(*rules)) == expected


@pytest.mark.parametrize("values", [[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)])
@pytest.mark.parametrize("joints", [("AND", "OR"), ("OR", "AND")])
def test_people_are_in_as_the_rules_are_read(values: list[int], joints: tuple[str, str]) -> None:
    rules = [number(1, joints[0]), number(2, joints[1]), number(3)]
    person = Person(converted(rules).document)
    person.hears(identify(T0, r1=values[0], r2=values[1], r3=values[2]))
    so_far = bool(values[0])
    for joint, value in zip(joints, values[1:], strict=True):
        so_far = so_far and bool(value) if joint == "AND" else so_far or bool(value)
    assert person.segments == ({"s"} if so_far else set())


def test_unsaid_joins_by_and_in_any_case() -> None:
    assert shape(condition(number(1), number(2, "or"), number(3))) == {"any": [{"all": [1, 2]}, 3]}


def test_mixed_operators_are_remarked_on() -> None:
    rules = [number(1), number(2, "AND"), number(3, "OR"), number(4)]
    said = "AND and OR are mixed: read from left to right, as ((1 AND 2 AND 3) OR 4)"
    assert converted(rules).remarks == [said]
    assert converted(rules[:3]).remarks == ["OR behind the last rule joins nothing"]
    assert converted([number(1, "OR"), number(2, "OR")]).remarks == []


# Single rules, by the operators of the feature list


@pytest.mark.parametrize(
    ("flat", "native"),
    [
        (rule("plan", "equals", "trial"), {"trait": "plan", "equals": "trial"}),
        (
            rule("subscription.plan", "not_equals", "trial"),
            {"trait": "subscription.plan", "not_equals": "trial", "missing": False},
        ),
        (
            rule("plan", "notEquals", "trial") | {"includeMissing": True},
            {"trait": "plan", "not_equals": "trial"},
        ),
        (rule("name", "contains", "x"), {"trait": "name", "contains": "x"}),
        (
            rule("name", "not_contains", "x"),
            {"trait": "name", "not_contains": "x", "missing": False},
        ),
        (rule("totalSpent", "greater_than", 500), {"trait": "totalSpent", "greater_than": 500}),
        (rule("account.health", "less_than", 60), {"account": "health", "less_than": 60}),
        (rule("country", "in", ["DE", "FR"]), {"trait": "country", "in": ["DE", "FR"]}),
        (
            rule("country", "not_in", ["DE"]),
            {"trait": "country", "not_in": ["DE"], "missing": False},
        ),
        (rule("cart.items", "is_set"), {"trait": "cart.items", "is_set": True}),
        (rule("phone", "is_not_set", None), {"trait": "phone", "is_not_set": True}),
        (rule("bio", "empty", ""), {"trait": "bio", "is_empty": True}),
        (rule("profile.score", "gte", 80), {"trait": "score", "at_least": 80}),
        (rule("score", "lte", 1.5), {"trait": "score", "at_most": 1.5}),
        (rule("score", "between", [1, 2]), {"trait": "score", "between": [1, 2]}),
        (rule("email", "endsWith", "@x.de"), {"trait": "email", "ends_with": "@x.de"}),
        (rule("email", "regexp", "^a"), {"trait": "email", "matches": "^a"}),
        (rule("email", "like", "a%"), {"trait": "email", "like": "a%"}),
        ({"attribute": "plan", "operator": "eq", "value": 1}, {"trait": "plan", "equals": 1}),
    ],
    ids=str,
)
def test_rule_becomes_the_condition_that_it_means(flat: Document, native: Document) -> None:
    assert condition(flat) == native


@pytest.mark.parametrize(
    ("operator", "value", "native"),
    [
        ("greater_than", "now-30d", {"within_last": "30d"}),
        ("greater_than", "now - 24h", {"within_last": "24h"}),
        ("less_than", "-90d", {"older_than": "90d"}),
        ("greater_than", "2026-01-01T00:00:00.000Z", {"after": "2026-01-01T00:00:00.000Z"}),
        ("less_than", "2026-01-01T00:00:00+01:00", {"before": "2026-01-01T00:00:00+01:00"}),
    ],
)
def test_times_are_instants_and_those_ago_move_with_now(
    operator: str, value: str, native: Document
) -> None:
    found = condition(rule("lastLoginAt", operator, value))
    assert found == {"trait": "lastLoginAt"} | native


@pytest.mark.parametrize(
    ("rest", "native"),
    [
        ({}, {}),
        ({"operator": "did"}, {}),
        ({"operator": "did_not", "within": "7d"}, {"within": "7d", "exactly": 0}),
        ({"operator": "equals", "value": 2}, {"exactly": 2}),
        ({"operator": "gte", "value": 2}, {"at_least": 2}),
        ({"operator": "lte", "value": 2}, {"at_most": 2}),
        ({"operator": "greater_than", "value": 2}, {"at_least": 3}),
        ({"operator": "less_than", "value": 2}, {"at_most": 1}),
    ],
)
def test_rule_on_an_event_asks_how_often(rest: Document, native: Document) -> None:
    found = condition({"event": "order.completed"} | rest)
    assert found == {"event": "order.completed"} | native


def test_paid_and_active_are_who_they_are() -> None:
    rules = [
        rule("subscription.status", "equals", "active", then="AND"),
        rule("subscription.plan", "not_equals", "trial", then="AND"),
        rule("lastLoginAt", "greater_than", "now-30d"),
    ]
    person = Person(converted(rules).document)
    paid = {"status": "active", "plan": "gold"}
    person.hears(
        identify(T0, subscription={"status": "active"}, lastLoginAt="2026-01-01T00:00:00Z")
    )
    assert person.segments == set()
    person.hears(identify(T0 + 1, subscription=paid))
    assert person.segments == {"s"}
    person.hears(track("a", T0 + 30 * DAY))
    assert person.segments == set()


# Whole files


def test_mapping_names_the_segment() -> None:
    found = converted(
        {
            "id": "vips",
            "name": "VIPs",
            "description": "Who spends.",
            "type": "dynamic",
            "createdAt": "2026-01-01",
            "rules": [number(1)],
        },
        id_=None,
        name=None,
    )
    assert found.document == {
        "kind": "segment",
        "id": "vips",
        "name": "VIPs",
        "description": "Who spends.",
        "when": {"trait": "r1", "equals": 1},
    }
    assert found.remarks == ["left out: createdAt"]


def test_what_is_said_beside_wins() -> None:
    found = converted({"id": "X 1", "name": "x", "rules": [number(1)]}, "x-1", None).document
    assert (found["id"], found["name"]) == ("x-1", "x")


def test_static_one_becomes_a_list() -> None:
    source = {"id": "beta", "name": "Beta", "type": "static", "rules": []}
    assert converted(source, None, None).document == {"kind": "list", "id": "beta", "name": "Beta"}


# Mistakes


@pytest.mark.parametrize(
    ("flat", "said"),
    [
        ("plan", "[0]: must be a mapping of field, "),
        ({"operator": "equals", "value": 1}, "[0]: needs one of field, attribute, event, a text"),
        (rule("a", "equals", 1) | {"event": "b"}, "[0]: needs one of field, attribute, event"),
        ({"field": "a", "value": 1}, "[0]: needs the key operator: one of after, at_least, "),
        (rule("a", "equls", 1), '[0].operator: unknown operator "equls"; did you mean equals?'),
        (rule("a", "zzzz", 1), '[0].operator: unknown operator "zzzz"; there are after, '),
        (rule("a", "equals"), "[0]: needs the key value: equals takes one"),
        (rule("a", "is_set", 5), "[0].value: is_set takes none"),
        (rule("a", "in", "x"), "[0]: in: must be a list"),
        (rule("a", "greater_than", "x"), "[0]: greater_than: must be a number"),
        (rule("a", "matches", "("), "[0]: matches: "),
        (rule("a", "equals", 1, then="XOR"), '[0].logicalOperator: must be AND or OR, found "XOR"'),
        (rule("a", "equals", 1) | {"valu": 1}, "[0].valu: unknown key; did you mean value?"),
        (rule("a", "equals", 1) | {"zzz": 1}, "[0].zzz: unknown key; allowed: field, "),
        (rule("a", "equals", 1) | {"within": "1d"}, "[0].within: may only stand beside event"),
        ({"event": "a", "operator": "gte"}, "[0]: at_least needs a value: how often"),
        ({"event": "a", "operator": "contains", "value": 1}, "[0].operator: unknown operator"),
        ({"event": "a", "within": "soon"}, "[0]: within: must be a duration such as"),
    ],
    ids=str,
)
def test_mistakes_are_told_with_line_and_rule(flat: Any, said: str) -> None:
    (problem,) = refused(flat)
    assert problem.startswith(f"rules.json:1: {said}")


def test_all_mistakes_are_told_at_once() -> None:
    said = refused(rule("a", "equls", 1), number(2), rule("b", "zzz"))
    assert [each.split(": ")[1] for each in said] == ["[0].operator", "[2].operator"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("rules", "must be a list of rules, or a mapping with rules"),
        ([], "must be a list of at least one rule"),
        ({"id": "a", "name": "b"}, "rules: must be a list of at least one rule"),
        ({"id": "a", "rules": [number(1)]}, "has no name: say --name"),
        ({"id": 5, "name": "b", "rules": [number(1)]}, "has no id: say --id"),
        ({"id": "A b", "name": "b", "rules": [number(1)]}, "id: must be an id"),
    ],
)
def test_file_that_is_no_list_of_rules_is_told(source: Any, said: str) -> None:
    given = (None, None) if isinstance(source, dict) else ("s", "S")
    with pytest.raises(InvalidDefinitions, match=said):
        converted(source, *given)


def test_too_many_groups_inside_each_other_are_refused() -> None:
    rules = [number(place, "AND" if place % 2 else "OR") for place in range(40)]
    with pytest.raises(InvalidDefinitions, match="nested deeper than 32"):
        converted(rules)
