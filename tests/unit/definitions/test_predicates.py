"""Predicates: a function becomes one with what it reads and takes, or it is said why not."""

from collections.abc import Callable
from typing import Any

import pytest

from processors.definitions.predicates import InvalidPredicate, model, predicate


def yes(person: Any) -> bool:
    return True


def test_predicate_knows_what_it_reads_and_takes() -> None:
    def holds(person: Any, *, shade: str, depth: int = 1) -> bool:
        return True

    reads = ["traits.plan", "account", "tags", "lists.vips", "segments.s", "scores.k", "status"]
    made = predicate("likes-blue", reads=[*reads, "id"], version="2026-01")(holds)
    assert (made.name, made.version, made.holds) == ("likes-blue", "2026-01", holds)
    assert dict(made.parameters) == {"shade": True, "depth": False}
    assert made.facts == {
        ("trait", "plan"), ("account", ""), ("tag", ""), ("list", "vips"), ("segment", "s"),
        ("score", "k"), ("status", ""), ("id", ""),
    }  # fmt: skip


def test_predicate_may_read_nothing() -> None:
    assert predicate("all", reads=(), version="1")(yes).facts == set()


def no_person() -> bool:
    return True


def by_name(*, person: Any) -> bool:
    return True


def by_place(person: Any, shade: str) -> bool:
    return True


def open_ended(person: Any, **rest: Any) -> bool:
    return True


CAN = (
    "it can read id, status, traits, account, tags, lists, traits.NAME, account.NAME, tags.NAME, "
    "lists.NAME, segments.NAME, scores.NAME"
)
BY_NAME = r"predicate p must take all but the person by name: (person, *, …)"


@pytest.mark.parametrize(
    ("keys", "holds", "message"),
    [
        *(
            ({"reads": [read]}, yes, f"predicate p reads {read!r}; {CAN}")
            for read in (
                "trait.plan", "traits.", "traits.company.size", "segments", "scores", "status.x",
                "id.", "now", "",
            )
        ),
        ({"version": ""}, yes, "the version of a predicate must be one line of 1 to 256 characters,"
         " found an empty text"),
        ({"name": "Likes Blue"}, yes, "the name of a predicate must be an id (small letters, "
         "digits, _ and -, beginning with a letter or digit, at most 64), "
         'found the text "Likes Blue"'),
        ({}, no_person, "predicate p must take the person first"),
        ({}, by_name, "predicate p must take the person first"),
        ({}, by_place, BY_NAME),
        ({}, open_ended, BY_NAME),
    ],
)  # fmt: skip
def test_what_can_not_be_one_is_refused(
    keys: dict[str, Any], holds: Callable[..., bool], message: str
) -> None:
    with pytest.raises(InvalidPredicate) as refused:
        predicate(**{"name": "p", "reads": (), "version": "1"} | keys)(holds)
    assert str(refused.value) == message


def gives(person: Any) -> float:
    return 0.5


def told_more(person: Any, *, shade: str = "any") -> float:
    return 0.5


def test_model_knows_what_it_reads() -> None:
    made = model("churn", reads=["traits.plan", "scores.usage"], version="2026-01")(gives)
    assert (made.name, made.version, made.gives) == ("churn", "2026-01", gives)
    assert made.facts == {("trait", "plan"), ("score", "usage")}
    assert (made.value, made.parameters) == (gives, {})
    assert model("m", reads=(), version="1")(told_more).parameters == {"shade": False}


@pytest.mark.parametrize(
    ("keys", "function", "message"),
    [
        ({"reads": ["now"]}, gives, f"model m reads 'now'; {CAN}"),
        ({"version": ""}, gives, "the version of a model must be one line of 1 to 256 characters,"
         " found an empty text"),
        ({}, no_person, "model m must take the person first"),
        ({}, by_place, BY_NAME.replace("predicate p", "model m")),
    ],
)  # fmt: skip
def test_what_can_not_be_a_model_is_refused(
    keys: dict[str, Any], function: Callable[..., float], message: str
) -> None:
    with pytest.raises(InvalidPredicate) as refused:
        model(**{"name": "m", "reads": (), "version": "1"} | keys)(function)
    assert str(refused.value) == message
