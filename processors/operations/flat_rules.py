"""Flat lists of rules, as other tools write segments, to native documents: read from left to right.

A rule's `logicalOperator` joins it to the next one, whatever stands further on: `a AND b OR c` is
(a and b) or c, and `a OR b AND c` is (a or b) and c.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from processors.definitions import documents, durations, suggestions
from processors.definitions.comparisons import HINTS, NEGATIVE, OPERATORS
from processors.definitions.errors import InvalidDefinitions, Path, Problem, one_line, shorten, show
from processors.definitions.syntax import Text

SUBJECTS = ("field", "attribute", "event")
RULE_KEYS = (*SUBJECTS, "operator", "value", "logicalOperator", "within", "includeMissing")
KEYS = ("id", "name", "description", "type", "rules")
JOINED_BY = {"AND": "all", "OR": "any"}
UNARY = ("is_set", "is_not_set", "is_empty", "is_not_empty")
ALIASES = {name: name for name in OPERATORS} | dict(HINTS) | {"regexp": "matches"}
COUNTED = {
    "equals": ("exactly", 0),
    "at_least": ("at_least", 0),
    "at_most": ("at_most", 0),
    "greater_than": ("at_least", 1),
    "less_than": ("at_most", -1),
}
"""What is asked of how often an event was done, and what is added to the number."""
DONE: dict[str, dict[str, Any]] = {"did": {}, "did_not": {"exactly": 0}}
RELATIVE = {"greater_than": "within_last", "less_than": "older_than"}
ABSOLUTE = {"greater_than": "after", "less_than": "before"}

_AGO = re.compile(r"(?:now\s*)?-\s*([0-9]+[smhdw])", re.ASCII)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Converted(msgspec.Struct, frozen=True):
    """A native document, and what is to be known of how it came about."""

    document: dict[str, Any]
    remarks: list[str]


def convert(text: Text, *, file: str, id_: str | None, name: str | None) -> Converted:
    """Returns the definition that a flat list states.

    Args:
        text: A list of rules, or a mapping of id, name, description, type and rules.
        file: What problems call its file.
        id_: Of the definition; None: that of the mapping.
        name: The same.

    Raises:
        InvalidDefinitions: with all that is wrong.
    """
    whole = text.document
    base: Path = ("rules",)
    if isinstance(whole, list):
        whole, base = {"rules": whole}, ()
    reading = _Reading(file, text.lines)
    if not isinstance(whole, dict):
        reading.fault((), "must be a list of rules, or a mapping with rules")
        raise InvalidDefinitions(reading.problems)
    head = {"id": whole.get("id") if id_ is None else id_}
    head["name"] = whole.get("name") if name is None else name
    head |= {key: whole[key] for key in ("description",) if whole.get(key)}
    remarks = [f"left out: {one_line(key)}" for key in whole if key not in KEYS]
    for key in ("id", "name"):
        if not isinstance(head[key], str):
            reading.fault((), f"has no {key}: say --{key}")
    if whole.get("type") == "static":
        document = {"kind": "list"} | head
    else:
        when = reading.rules(whole.get("rules"), base)
        document = {"kind": "segment"} | head | {"when": when}
        remarks += reading.remarks
    if reading.problems:
        raise InvalidDefinitions(reading.problems)
    documents.parse(document, file=file)
    return Converted(document, remarks)


class _Reading:
    """Reads rules, and notes what is wrong with them."""

    def __init__(self, file: str, lines: Mapping[Path, int]) -> None:
        self.problems: list[Problem] = []
        self.remarks: list[str] = []
        self._file = file
        self._lines = lines

    def fault(self, path: Path, message: str) -> None:
        line = documents.line_of(path, self._lines)
        self.problems.append(Problem(self._file, line, show(path), message))

    def rules(self, rules: Any, base: Path) -> dict[str, Any]:
        """Returns the condition that rules come to; what is wrong with them is noted."""
        if not isinstance(rules, list) or not rules:
            self.fault(base, "must be a list of at least one rule")
            return {}
        conditions = [self._rule(each, (*base, place)) for place, each in enumerate(rules)]
        operators = [self._operator(each, (*base, place)) for place, each in enumerate(rules)]
        joints = operators[:-1]
        if len(set(joints)) > 1:
            shown = one_line(_shown(joints))
            self.remarks.append(f"AND and OR are mixed: read from left to right, as {shown}")
        if isinstance(rules[-1], dict) and rules[-1].get("logicalOperator") and joints:
            last = operators[-1]
            if last != joints[-1]:
                self.remarks.append(f"{last} behind the last rule joins nothing")
        return _joined(conditions, joints)

    def _operator(self, rule: Any, path: Path) -> str:
        said = rule.get("logicalOperator") if isinstance(rule, dict) else None
        found = str(said or "AND").upper()
        if found not in JOINED_BY:
            self.fault((*path, "logicalOperator"), f"must be AND or OR, found {shorten(str(said))}")
        return found

    def _rule(self, rule: Any, path: Path) -> dict[str, Any]:
        if not isinstance(rule, dict):
            self.fault(path, f"must be a mapping of {', '.join(RULE_KEYS)}")
            return {}
        for key in rule:
            if key not in RULE_KEYS:
                hint = suggestions.hint(key, RULE_KEYS) or f"; allowed: {', '.join(RULE_KEYS)}"
                self.fault((*path, key), f"unknown key{hint}")
        said = [key for key in SUBJECTS if key in rule]
        if len(said) != 1 or not isinstance(rule[said[0]], str):
            self.fault(path, f"needs one of {', '.join(SUBJECTS)}, a text")
            return {}
        before = len(self.problems)
        is_event = said[0] == "event"
        found = self._event(rule, path) if is_event else self._trait(rule, rule[said[0]], path)
        if len(self.problems) == before:
            self._check(found, path)
        return found

    def _trait(self, rule: Mapping[str, Any], field: str, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {"trait": field.removeprefix("profile.")}
        if field.startswith("account."):
            found = {"account": field.removeprefix("account.")}
        if "within" in rule:
            self.fault((*path, "within"), "may only stand beside event")
        operator = self._known(rule, path, ALIASES)
        if operator is None:
            return {}
        value = rule.get("value")
        if operator in UNARY:
            if value not in (None, "", True):
                self.fault((*path, "value"), f"{operator} takes none")
            return found | {operator: True}
        if "value" not in rule:
            self.fault(path, f"needs the key value: {operator} takes one")
        operator, value = _timed(operator, value)
        found[operator] = value
        if operator in NEGATIVE and not rule.get("includeMissing"):
            found["missing"] = False
        return found

    def _event(self, rule: Mapping[str, Any], path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {"event": rule["event"]}
        names = {name: name for name in DONE}
        names |= {alias: name for alias, name in ALIASES.items() if name in COUNTED}
        operator = self._known({"operator": "did"} | dict(rule), path, names)
        if operator is None:
            return {}
        if "within" in rule:
            found["within"] = rule["within"]
        if operator in DONE:
            return found | DONE[operator]
        count = rule.get("value")
        if type(count) is not int:
            self.fault(path, f"{operator} needs a value: how often, a whole number")
            return {}
        name, more = COUNTED[operator]
        return found | {name: count + more}

    def _known(self, rule: Mapping[str, Any], path: Path, names: Mapping[str, str]) -> str | None:
        """Returns the native name of a rule's operator."""
        said = rule.get("operator")
        if not isinstance(said, str):
            self.fault(path, f"needs the key operator: one of {', '.join(sorted(names))}")
            return None
        name = _HUMP.sub("_", said).lower()
        if name not in names:
            hint = suggestions.hint(name, names) or f"; there are {', '.join(sorted(names))}"
            self.fault((*path, "operator"), f"unknown operator {shorten(said)}{hint}")
            return None
        return names[name]

    def _check(self, condition: dict[str, Any], path: Path) -> None:
        """Has the grammar itself look at the condition that a rule has become."""
        trial = {"kind": "segment", "id": "rule", "name": "Rule", "when": condition}
        try:
            documents.parse(trial)
        except InvalidDefinitions as error:
            for each in error.problems:
                place = each.path.removeprefix("when").removeprefix(".")
                self.fault(path, f"{place}: {each.message}" if place else each.message)


def _timed(operator: str, value: Any) -> tuple[str, Any]:
    """Returns operator and value, where the value is a time those that ask for it."""
    if operator not in RELATIVE or not isinstance(value, str):
        return operator, value
    ago = _AGO.fullmatch(value.strip())
    if ago is not None:
        return RELATIVE[operator], ago[1]
    try:
        durations.parse_instant(value)
    except ValueError:
        return operator, value
    return ABSOLUTE[operator], value


def _joined(conditions: Sequence[dict[str, Any]], operators: Sequence[str]) -> dict[str, Any]:
    """Returns the tree of conditions that are joined from left to right.

    >>> _joined([{"tag": "a"}, {"tag": "b"}, {"tag": "c"}], ["AND", "OR"])
    {'any': [{'all': [{'tag': 'a'}, {'tag': 'b'}]}, {'tag': 'c'}]}
    """
    tree = conditions[0]
    for operator, condition in zip(operators, conditions[1:], strict=True):
        key = JOINED_BY.get(operator, "all")
        if key in tree:
            tree[key].append(condition)
        else:
            tree = {key: [tree, condition]}
    return tree


def _shown(operators: Sequence[str]) -> str:
    """Returns how rules are joined, by their numbers.

    >>> _shown(["AND", "AND", "OR"])
    '((1 AND 2 AND 3) OR 4)'
    """
    text, before = "1", ""
    for number, operator in enumerate(operators, 2):
        if operator == before:
            text = f"{text[:-1]} {operator} {number})"
        else:
            text = f"({text} {operator} {number})"
        before = operator
    return text
