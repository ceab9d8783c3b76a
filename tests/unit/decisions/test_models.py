"""Rules of models: a share of the points, asked anew when something changes that they read."""

from typing import Any

import msgspec
import pytest

from processors.decisions.models import MAX_INPUTS
from processors.definitions.predicates import Model, model
from tests.builders import (
    T0,
    Document,
    Person,
    group,
    holding,
    identify,
    on,
    points,
    score,
    segment,
    tag,
    track,
    trigger,
)


class Asked:
    """A model that gives the trait `p`, and counts how often it is asked."""

    def __init__(self, *reads: str, version: str = "1", otherwise: float = 0.0) -> None:
        self.calls = 0

        def gives(person: Any) -> float:
            self.calls += 1
            found: float = person.traits.get("p", otherwise)
            return found

        self.model = model("m", reads=["traits.p", *reads], version=version)(gives)


def modelled(number: int = 40, id: str = "risk") -> Document:
    return {"id": id, "points": number, "model": "m"}


def person(asked: Asked, *documents: Document) -> Person:
    return Person(*(documents or (score(modelled(), floor=None),)), predicates=[asked.model])


@pytest.mark.parametrize(
    ("share", "worth"),
    [
        (0.5, 20), (0.51, 20), (0.52, 21), (1, 40), (0, 0), (1.5, 40), (-1, 0),
        (float("nan"), 0), (float("inf"), 40), (float("-inf"), 0),
    ],
)  # fmt: skip
def test_a_rule_holds_the_share_of_its_points_that_the_model_gives(
    share: float, worth: int
) -> None:
    made = model("m", reads=["tags"], version="1")(lambda person: share)
    one = Person(score(modelled()), predicates=[made])
    one.hears(track("a"))
    assert (one.score(), type(one.score())) == (worth, int)
    less = Person(score(modelled(-40), floor=None), predicates=[made])
    less.hears(track("a"))
    assert less.score() == -worth


def test_it_is_asked_when_something_that_it_reads_changes_and_not_else() -> None:
    asked = Asked("tags.vip")
    one = person(asked, score(modelled()), trigger("b", tag("vip")), trigger("c", tag("x"), id="u"))
    one.hears(track("a"))
    assert asked.calls == 1
    one.hears(track("a", T0 + 1))
    one.hears(identify(T0 + 2, plan="gold"))
    one.hears(track("c", T0 + 3))
    assert asked.calls == 1
    one.hears(identify(T0 + 4, p=0.25))
    assert (asked.calls, one.score()) == (2, 10)
    one.hears(track("b", T0 + 5))
    assert asked.calls == 3


def test_somebody_of_whom_nothing_is_known_has_what_it_gives_from_the_first_event_on() -> None:
    one = person(Asked(otherwise=0.5))
    assert one.score() == 0
    (change,) = one.hears(track("a")).score_changes
    assert (change.old, change.new, change.rule) == (0, 20, "risk")


def test_its_points_stand_beside_those_of_other_rules_and_within_bounds() -> None:
    asked = Asked()
    documents = score(
        groups=[group(modelled(), limit=30), group(on("a", 5), id="h")], levels={"hot": 30}
    )
    one = person(asked, documents, segment({"score": "fit", "level": "hot"}))
    one.hears(identify(p=1.0))
    assert (one.score(), one.segments) == (30, {"s"})
    one.hears(track("a", T0 + 1))
    assert one.score() == 35


def of(change: Any) -> Any:
    return None if change.models is None else msgspec.json.decode(change.models)


def test_the_change_says_model_version_and_what_it_read() -> None:
    asked = Asked("tags", "segments.s", version="2026-03")
    one = person(asked, score(modelled(), on("a", 1)), segment({"trait": "p", "is_set": True}))
    (change,) = one.hears(identify(p=0.5)).score_changes
    assert of(change) == {
        "risk": {
            "model": "m",
            "version": "2026-03",
            "inputs": {"traits.p": 0.5, "tags": [], "segments.s": True},
        }
    }
    (change,) = one.hears(track("a", T0 + 1)).score_changes
    assert of(change) is None


def test_what_moved_behind_a_bound_is_not_told_with_a_later_change() -> None:
    one = person(Asked(), score(modelled(), on("a", 5), limit=10), trigger("b", points(-35)))
    one.hears(identify(p=0.5))
    assert one.hears(identify(T0 + 1, p=0.9)).score_changes == []
    (change,) = one.hears(track("b", T0 + 2)).score_changes
    assert (change.new, of(change)) == (1, None)


def test_a_score_whose_points_fade_tells_it_too() -> None:
    one = person(Asked(), score(modelled(), on("a", 5, decay={"half_life": "1d"})))
    (change,) = one.hears(identify(p=0.5)).score_changes
    assert of(change)["risk"]["inputs"] == {"traits.p": 0.5}


def test_of_inputs_too_long_to_tell_there_is_the_version() -> None:
    one = person(Asked("traits.text"))
    (change,) = one.hears(identify(p=0.5, text="x" * MAX_INPUTS)).score_changes
    assert of(change)["risk"] == {"model": "m", "version": "1", "inputs": None}


def test_two_rules_of_a_model_are_two() -> None:
    one = person(Asked(), score(modelled(40), modelled(-10, "less")))
    (change,) = one.hears(identify(p=0.5)).score_changes
    assert (change.new, list(of(change))) == (15, ["risk", "less"])


def test_a_model_that_is_not_registered_gives_nothing_and_blocks_nothing() -> None:
    one = Person(score(modelled(), holding({"trait": "p", "is_set": True}, 3)))
    (change,) = one.hears(identify(p=1.0)).score_changes
    assert (change.new, change.rule, change.models) == (3, "held", None)


def test_a_model_that_is_registered_later_or_no_more_moves_everybody() -> None:
    asked = Asked()
    documents = score(modelled())
    one = Person(documents)
    one.hears(identify(p=0.5))
    assert one.score() == 0
    (change,) = one.gets(documents, predicates=[asked.model]).score_changes
    assert (change.new, change.cause, of(change)["risk"]["version"]) == (20, "definition", "1")
    (change,) = one.gets(documents).score_changes
    assert (change.new, change.models) == (0, None)


def test_another_version_is_asked_anew() -> None:
    def of_version(version: str, share: float) -> Model:
        return model("m", reads=["tags"], version=version)(lambda person: share)

    documents = score(modelled())
    one = Person(documents, predicates=[of_version("1", 0.5)])
    one.hears(track("a"))
    (change,) = one.gets(documents, predicates=[of_version("2", 0.75)]).score_changes
    assert (change.old, change.new, of(change)["risk"]["version"]) == (20, 30, "2")
