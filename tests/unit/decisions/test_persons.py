"""What a predicate sees: what it declared, as it is now, and nothing that it could change."""

from collections.abc import Callable
from typing import Any

import pytest

from processors.decisions import persons
from processors.decisions.persons import Person, UndeclaredRead, names_by_kind
from processors.definitions.predicates import Predicate, predicate
from processors.state.profiles import Profile
from tests import builders
from tests.builders import (
    DAY,
    HOUR,
    T0,
    Document,
    account,
    event,
    holding,
    identify,
    moves,
    on,
    points,
    reasons,
    score,
    segment,
    set_trait,
    tag,
    track,
    trigger,
)

COMPANY = {"size": [1, {"deep": 2}]}
ANN = Profile(
    id="ann",
    traits={"plan": ("gold", 1), "company": (COMPANY, 1), "age": (None, 1), "born": (5, 1)},
    account={"tier": ("A", 1)},
    tags=["z", "a"],
    lists=["l2", "l1"],
    segments={"s2": 1, "s1": 1},
    status="lead",
)
ALL = ("id", "status", "traits", "account", "tags", "lists", "segments.s1", "segments.s9")


def seen(*reads: str, profile: Profile = ANN) -> Person:
    made = predicate("x", reads=reads, version="1")(lambda person: True)
    return Person(profile, names_by_kind(made.facts), {})


def test_all_of_a_kind_is_there_in_alphabetical_order() -> None:
    """The order in which things came is nothing that an answer may depend on."""
    person = seen(*ALL)
    assert (person.id, person.status) == ("ann", "lead")
    assert list(person.traits) == ["born", "company", "plan"]
    assert dict(person.account) == {"tier": "A"}
    assert (list(person.tags), list(person.lists)) == (["a", "z"], ["l1", "l2"])
    assert (len(person.traits), len(person.tags)) == (3, 2)
    assert person.tags & {"z", "y"} == {"z"}


def test_what_is_declared_and_not_set_is_not_there() -> None:
    person = seen("traits.age", "traits.gone", "tags.y", "segments.s9")
    assert (person.traits.get("age"), person.traits.get("gone", 7)) == (None, 7)
    assert "age" not in person.traits
    with pytest.raises(KeyError):
        person.traits["gone"]
    assert "y" not in person.tags
    assert "s9" not in person.segments


def test_what_was_read_is_told_by_how_that_is_said() -> None:
    reads = ("status", "traits.plan", "traits.gone", "account", "tags", "tags.a", "tags.y")
    assert persons.seen(seen(*reads), reads) == {
        "status": "lead",
        "traits.plan": "gold",
        "traits.gone": None,
        "account": {"tier": "A"},
        "tags": ["a", "z"],
        "tags.a": True,
        "tags.y": False,
    }


def test_what_is_not_declared_can_not_be_read() -> None:
    person = seen("traits.plan", "tags.a", "lists.l1", "segments.s1", "account.size")
    assert (person.traits["plan"], list(person.tags), "l1" in person.lists) == ("gold", ["a"], True)
    assert list(person.segments) == ["s1"]
    asks: list[Callable[[], Any]] = [
        lambda: person.traits["born"],
        lambda: person.traits.get("born"),
        lambda: "born" in person.traits,
        lambda: "z" in person.tags,
        lambda: "l2" in person.lists,
        lambda: "s2" in person.segments,
        lambda: person.account.get("tier"),
        lambda: person.id,
        lambda: person.status,
        lambda: person.scores,
    ]
    for ask in asks:
        with pytest.raises(UndeclaredRead):
            ask()


def test_kind_that_is_read_whole_stays_so_beside_a_name() -> None:
    assert names_by_kind([("tag", ""), ("tag", "a")]) == {"tag": None}
    assert names_by_kind([("tag", "a"), ("tag", ""), ("tag", "b")]) == {"tag": None}
    assert names_by_kind([("tag", "a"), ("tag", "b")]) == {"tag": frozenset("ab")}


def test_nothing_that_is_seen_changes_the_person() -> None:
    person = seen(*ALL)
    person.traits["company"]["size"][1]["deep"] = 3
    assert COMPANY == {"size": [1, {"deep": 2}]}
    with pytest.raises(TypeError):
        person.traits["plan"] = "silver"  # type: ignore[index]
    with pytest.raises(AttributeError):
        person.status = "customer"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        person.extra = 1  # type: ignore[attr-defined]


class Asked:
    """A predicate that answers by a rule, and remembers how often it was asked."""

    def __init__(self, rule: Callable[[Person], object], *reads: str, version: str = "1") -> None:
        self.times = 0
        self.rule = rule
        self.predicate = predicate("asked", reads=reads, version=version)(self._holds)

    def _holds(self, person: Person) -> bool:
        self.times += 1
        return self.rule(person)  # type: ignore[return-value]


def whom(asked: Asked, *documents: Document) -> builders.Person:
    """Returns a person of whom something is known, with the predicate not asked yet."""
    documents = (segment({"custom": "asked"}), *documents)
    person = builders.Person(*documents, predicates=[asked.predicate])
    person.hears(event("page", T0 - DAY, id="first"))
    asked.times = 0
    return person


def test_predicate_is_asked_when_what_it_reads_changes_and_else_not() -> None:
    asked = Asked(lambda person: person.traits.get("plan") == "gold", "traits.plan")
    person = whom(asked)
    person.hears(track("a"))
    person.hears(identify(T0 + 1, colour="blue"))
    person.hears(account(T0 + 2, plan="gold"))
    assert (asked.times, person.segments) == (0, set())
    assert moves(person.hears(identify(T0 + 3, plan="gold"))) == [
        ("s", "entered", 3, f"traits@{T0 + 3}")
    ]
    assert asked.times == 1


@pytest.mark.parametrize(
    ("reads", "rule"),
    [
        ("traits", lambda person: len(person.traits) > 1),
        ("traits.colour", lambda person: "colour" in person.traits),
        ("tags", lambda person: len(person.tags) > 0),
        ("tags.new", lambda person: "new" in person.tags),
        ("lists", lambda person: len(person.lists) > 0),
        ("lists.l", lambda person: "l" in person.lists),
        ("status", lambda person: person.status == "lead"),
        ("segments.other", lambda person: "other" in person.segments),
        ("scores.fit", lambda person: person.scores["fit"] >= 5),
    ],
)
def test_whatever_a_trigger_changes_is_seen_at_once(
    reads: str, rule: Callable[[Person], bool]
) -> None:
    asked = Asked(rule, reads)
    do = (tag("new"), set_trait("colour", "blue"), set_trait("size", 1), points(5))
    more = ({"add_to_list": "l"}, {"set_status": "lead"})
    person = whom(
        asked,
        trigger("a", *do, *more),
        segment({"tag": "new"}, "other"),
        score(on("z")),
        {"kind": "list", "id": "l", "name": "L"},
    )
    assert person.segments == set()
    person.hears(track("a"))
    assert "s" in person.segments


@pytest.mark.parametrize("reads", ["account", "account.tier"])
def test_account_is_seen(reads: str) -> None:
    person = whom(Asked(lambda person: person.account.get("tier") == "A", reads))
    person.hears(account(tier="A"))
    assert person.segments == {"s"}


def test_answer_follows_what_time_brings() -> None:
    asked = Asked(lambda person: "recent" in person.segments, "segments.recent")
    person = whom(asked, segment({"event": "a", "within": "1h"}, "recent"))
    assert person.hears(track("a")).segment_changes[1].segment_id == "s"
    assert moves(person.waits(T0 + DAY)) == [
        ("recent", "exited", HOUR, "clock"),
        ("s", "exited", HOUR, "clock"),
    ]


def test_score_that_nobody_has_moved_has_its_value() -> None:
    asked = Asked(lambda person: person.scores["fit"] == 0, "scores.fit")
    assert whom(asked, score(on("a"))).segments == {"s"}


@pytest.mark.parametrize(
    ("rule", "reads", "is_in"),
    [
        (lambda person: True, (), True),
        (lambda person: person.id == "p", ("id",), True),
        (lambda person: person.id == "q", ("id",), False),
        (lambda person: "x" not in person.tags, ("tags",), True),
    ],
)
def test_first_event_settles_what_may_hold_for_anybody(
    rule: Callable[[Person], bool], reads: tuple[str, ...], is_in: bool
) -> None:
    assert whom(Asked(rule, *reads)).segments == ({"s"} if is_in else set())


def test_only_true_is_true() -> None:
    assert whom(Asked(lambda person: "yes")).segments == set()
    assert whom(Asked(lambda person: 1)).segments == set()


@predicate("likes", reads=["traits.colour"], version="1")
def likes(person: Person, *, colours: tuple[str, ...], loud: bool = False) -> bool:
    held = person.traits.get("colour")
    return held in colours and (not loud or held == "red")


def test_predicate_is_told_what_the_definition_says() -> None:
    calm = {"custom": "likes", "with": {"colours": ["red", "blue"]}}
    loud = {"custom": "likes", "with": {"colours": ["red", "blue"], "loud": True}}
    person = builders.Person(
        segment(calm, "calm"), segment({"not": loud}, "quiet"), predicates=[likes]
    )
    person.hears(identify(colour="blue"))
    assert person.segments == {"calm", "quiet"}
    person.hears(identify(T0 + 1, colour="red"))
    assert person.segments == {"calm"}


def test_rules_and_triggers_ask_predicates_too() -> None:
    red = {"custom": "likes", "with": {"colours": ["red"]}}
    documents = [score(holding(red, points=7)), trigger("a", tag("x"), when=red)]
    person = builders.Person(*documents, predicates=[likes])
    assert reasons(person.hears(track("a"))) == [("t", "condition")]
    person.hears(identify(T0 + 1, colour="red"))
    assert person.score() == 7
    assert reasons(person.hears(track("a", T0 + 2))) == [("t", "fired")]


def test_new_version_has_everybody_looked_at_again() -> None:
    person = whom(Asked(lambda person: False))
    other = Asked(lambda person: True, version="2").predicate
    documents: list[Document] = [segment({"custom": "asked"})]
    changes: list[Predicate] = [other]
    found = person.gets(*documents, predicates=changes).segment_changes
    assert [(each.segment_id, each.change, each.cause) for each in found] == [
        ("s", "entered", "definition")
    ]
