"""The definitions made ready to be asked: segments, scores, triggers."""

from collections.abc import Iterable
from typing import Any

from tests.oracle.conditions import Clocked, Condition, Count, Person, Where
from tests.oracle.documents import Document, duration_ms, in_order, version
from tests.oracle.grammar import condition


class Segment:
    def __init__(self, document: Document) -> None:
        self.id: str = document["id"]
        self.version = version(document)
        self.clocked: list[Clocked] = []
        self.when = condition(document["when"], self.clocked)


class Rule:
    """Points of one rule: for each occurrence that counts, or while something is so."""

    def __init__(self, document: Document, clocked: list[Clocked]) -> None:
        self.id: str = document["id"]
        self.points: int = document["points"]
        self.count: Count | None = None
        self.when: Condition | None = None
        if "on" in document:
            limits = {
                key: document[key] for key in ("within", "max_occurrences") if key in document
            }
            self.count = Count(document["on"] | limits)
            clocked.append(self.count)
        else:
            self.when = condition(document["when"], clocked)

    def worth(self, person: Person, now: int) -> int:
        if self.count is not None:
            return self.points * self.count.state(person, now)
        assert self.when is not None
        return self.points if self.when.holds(person, now, None) else 0


class Score:
    def __init__(self, document: Document) -> None:
        self.id: str = document["id"]
        self.floor: int | None = document.get("floor", 0)
        self.limit: int | None = document.get("limit")
        self.clocked: list[Clocked] = []
        self.groups = [
            (
                group.get("floor"),
                group.get("limit"),
                [Rule(rule, self.clocked) for rule in group["rules"]],
            )
            for group in document["groups"]
        ]
        self.thresholds: dict[str, dict[str, int]] = {
            kind: document.get(kind, {}) for kind in ("levels", "grades")
        }

    def worths(self, person: Person, now: int) -> dict[str, int]:
        """Returns what each rule holds."""
        return {r.id: r.worth(person, now) for _, _, rules in self.groups for r in rules}

    def value(self, worths: dict[str, int], added: int) -> int:
        """Returns the score, from what its rules hold and what triggers have added."""
        total = added
        for floor, limit, rules in self.groups:
            total += clamp(sum(worths.get(rule.id, 0) for rule in rules), floor, limit)
        return clamp(total, self.floor, self.limit)

    def step(self, value: int, kind: str) -> str | None:
        """Returns the level or grade of a value: the highest that it reaches, else the lowest."""
        steps = sorted((threshold, name) for name, threshold in self.thresholds[kind].items())
        reached = [name for threshold, name in steps if threshold <= value]
        if reached:
            return reached[-1]
        return steps[0][1] if steps else None


def clamp(value: int, floor: int | None, limit: int | None) -> int:
    if limit is not None:
        value = min(value, limit)
    return value if floor is None else max(value, floor)


class Trigger:
    def __init__(self, document: Document) -> None:
        self.id: str = document["id"]
        self.version = version(document)
        self.on: dict[str, Any] = document["on"]
        self.where = Where(self.on.get("where", []))
        self.when = condition(document["when"], []) if "when" in document else None
        limit = document.get("limit", {})
        self.times: int | None = limit.get("times")
        self.within = duration_ms(limit["within"]) if "within" in limit else None
        self.priority: int = document.get("priority", 5)
        self.actions: list[dict[str, Any]] = document["do"]


class Definitions:
    """All of them; scores and segments in the order in which they are evaluated."""

    def __init__(self, documents: Iterable[Document]) -> None:
        documents = list(documents)
        self.evaluated: list[Score | Segment] = [
            Score(one) if one["kind"] == "score" else Segment(one) for one in in_order(documents)
        ]
        self.scores = {one.id: one for one in self.evaluated if isinstance(one, Score)}
        self.clocked = [part for one in self.evaluated for part in one.clocked]
        self.triggers = sorted(
            (Trigger(one) for one in documents if one["kind"] == "trigger"),
            key=lambda trigger: (-trigger.priority, trigger.id),
        )
