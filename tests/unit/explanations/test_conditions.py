"""Each part of a condition with its answer, the values beside it, and until when that holds."""

from typing import Any

import msgspec
import pytest

from processors.decisions.compiling import compile_set
from processors.definitions import sets
from processors.definitions.conditions import HEADS, Condition
from processors.definitions.predicates import predicate
from processors.explanations import conditions, histories, trees
from processors.explanations.conditions import Scene, Watched
from tests.builders import (
    DAY,
    HOUR,
    T0,
    Document,
    account,
    decoded,
    encoded,
    holding,
    identify,
    joins,
    of_people,
    on,
    score,
    segment,
    set_trait,
    tag,
    track,
    trigger,
)
from tests.unit.explanations.asked import explained, why


def shown(node: trees.Condition) -> list[tuple[str, bool | None, int | None]]:
    """Returns text, answer and end, in ms since T0, of a node and all below it."""
    until = None if node.until is None else node.until - T0
    below = [each for part in node.parts for each in shown(part)]
    return [(node.text, node.holds, until), *below]


def test_every_part_has_its_own_answer_and_end() -> None:
    when = {
        "all": [
            {"event": "a", "within": "1h"},
            {"not": {"any": [{"event": "b", "within": "1d"}, {"tag": "x"}]}},
        ]
    }
    assert shown(why(when, track("a"), track("b"))) == [
        ("all of", False, None),
        ("event: a, within: 1h", True, HOUR),
        ("not", False, DAY),
        ("any of", True, DAY),
        ("event: b, within: 1d", True, DAY),
        ("tag: x", False, None),
    ]


def test_end_is_when_it_turns_and_not_when_a_part_does() -> None:
    """The engine's promise ends with the first part; that of the other holds longer."""
    when = {"all": [{"event": "a", "within": "1h"}, {"event": "b", "exactly": 0, "within": "2h"}]}
    node = why(when, track("a"), track("b"))
    assert [each[1:] for each in shown(node)] == [(False, None), (True, HOUR), (False, 2 * HOUR)]


def test_end_of_a_membership_is_that_of_the_segment() -> None:
    recent = segment({"event": "a", "within": "1h"}, "recent")
    quiet = segment({"segment": "recent", "is": "out"}, "quiet")
    found = explained([recent, quiet], [track("a")], name="quiet").segments[0]
    assert shown(found.when) == [("segment: recent, is: out", False, HOUR)]
    assert found.when.found == "in"


def test_events_that_count_are_named() -> None:
    where = {"where": [{"property": "n", "at_least": 5}]}
    when = {"event": "a", "at_least": 2, "within": "1h"} | where
    node = why(
        when,
        track("a", T0, n=9),
        track("a", T0 + 1, n=1),
        track("b", T0 + 2, n=9),
        track("a", T0 + HOUR - 1, n=7),
        track("a", T0 + HOUR, n=8),
    )
    assert (node.count, node.note) == (2, None)
    assert [(each.place, each.at - T0, each.until) for each in node.events] == [
        ("f:4", HOUR - 1, T0 + 2 * HOUR - 1),
        ("f:5", HOUR, T0 + 2 * HOUR),
    ]
    assert {each.message_id for each in node.events} == {f"a@{T0 + HOUR - 1}", f"a@{T0 + HOUR}"}


def test_count_goes_on_where_the_engine_stops_counting() -> None:
    node = why({"event": "a"}, track("a"), track("a", T0 + 1), track("a", T0 + 2))
    assert (node.count, node.note, len(node.events)) == (3, None, 3)


def test_occurrences_before_the_beginning_do_not_count() -> None:
    node = why({"event": "a", "since": "2026-01-01T00:00:01Z"}, track("a"), track("a", T0 + 1_000))
    assert [each.place for each in node.events] == ["f:2"]


def test_log_that_has_fewer_than_were_counted_says_so() -> None:
    documents = [segment({"event": "a", "at_least": 3})]
    definitions = sets.from_documents(documents)
    ready = compile_set(definitions)
    history = histories.recall(ready, [histories.Entry("f:1", None, encode(track("a")))], "p")
    history.heard = []
    scene = Scene(definitions=definitions, compiled=ready, history=history)
    when = definitions.segments["s"].when
    node = conditions.explain(when, {"event": "a", "at_least": 3}, scene, [])
    assert (node.count, node.note) == (1, "the log has 0 of them")


def encode(data: Document) -> bytes:
    return msgspec.json.encode(data)


BORN: dict[str, Any] = {"born": "2026-01-01T00:00:00Z", "plan": {"deep": 1}}


@pytest.mark.parametrize(
    ("when", "found"),
    [
        ({"trait": "plan.deep", "equals": 1}, 1),
        ({"trait": "absent", "is_not_set": True}, None),
        ({"account": "tier", "equals": "x"}, "gold"),
        ({"tag": "t1"}, ["t1"]),
        ({"list": "l1"}, []),
        ({"status": "lead"}, None),
        ({"score": "fit", "at_least": 5}, 10),
        ({"score": "fit", "level": "hot"}, "hot"),
        ({"score": "fit", "grade": "B"}, "A"),
        ({"segment": "other"}, "out"),
    ],
)
def test_value_stands_beside_the_condition(when: Document, found: Any) -> None:
    documents = [
        segment(when),
        segment({"tag": "nobody"}, "other"),
        {"kind": "list", "id": "l1", "name": "l1"},
        score(on("a"), levels={"hot": 5, "cold": 0}, grades={"A": 5, "B": 0}),
        trigger("a", tag("t1")),
    ]
    log = [identify(**BORN), account(tier="gold"), track("a")]
    assert explained(documents, log, name="s").segments[0].when.found == found


def test_predicate_has_its_answer_what_it_read_and_its_version() -> None:
    reads = ["traits.plan", "traits.absent", "account", "tags", "tags.x", "status", "scores.fit"]
    asked = predicate("asked", reads=reads, version="7")(lambda person, *, n: n == 1)
    when = {"not": {"custom": "asked", "with": {"n": 1}}}
    log = [identify(plan="gold"), account(tier="A"), track("a")]
    definitions = sets.from_documents(
        [segment(when), score(on("a")), trigger("a", tag("t1"))], predicates={"asked": asked}
    )
    ready = compile_set(definitions)
    history = histories.recall(
        ready, [histories.Entry("f:1", None, encode(each)) for each in log], "p"
    )
    scene = Scene(definitions=definitions, compiled=ready, history=history)
    (node,) = conditions.explain(definitions.segments["s"].when, when, scene, []).parts
    assert (node.kind, node.text) == ("custom", "custom: asked, with: {n: 1}")
    assert (node.holds, node.note) == (True, "version 7")
    assert node.found == {
        "traits.plan": "gold", "traits.absent": None, "account": {"tier": "A"}, "tags": ["t1"],
        "tags.x": False, "status": None, "scores.fit": 10,
    }  # fmt: skip


def test_place_in_a_slice_stands_beside_it() -> None:
    node = why({"bucket": {"salt": "s", "from": 0, "to": 100}}, track("a"))
    assert (node.holds, 0 <= node.found < 100) == (True, True)


def test_instant_of_a_trait_ends_by_itself() -> None:
    node = why({"trait": "born", "within_last": "1d"}, identify(**BORN))
    assert shown(node) == [("trait: born, within_last: 1d", True, DAY)]


def test_property_without_an_event_at_hand_is_open() -> None:
    when = {"all": [{"property": "n", "equals": 1}, {"tag": "x"}]}
    found = explained([trigger("a", when=when)], [track("z")]).triggers[0].when
    assert found is not None
    assert [each[1] for each in shown(found)] == [None, None, False]


def test_property_is_that_of_the_event_at_hand() -> None:
    when = {"property": "n.deep", "equals": 1}
    log = [track("a", n={"deep": 1}), track("a", T0 + 1, n={"deep": 2})]
    trigger_ = explained([trigger("a", when=when)], log).triggers[0]
    assert trigger_.when is not None
    assert (trigger_.when.holds, trigger_.when.found) == (False, 2)
    assert trigger_.at_hand == f"a@{T0 + 1}"


def test_kind_that_is_not_known_here_has_text_answer_and_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a condition of a later version has: nothing but its closure is asked."""
    documents = [segment({"event": "a", "within": "1h"})]
    definitions = sets.from_documents(documents)
    ready = compile_set(definitions)
    history = histories.recall(ready, [histories.Entry("f:1", None, encode(track("a")))], "p")
    monkeypatch.setitem(HEADS, "strange", HEADS["event"])
    when: Condition = definitions.segments["s"].when
    watched: Watched = []
    scene = Scene(definitions=definitions, compiled=ready, history=history)
    node = conditions.explain(when, {"strange": ["a", {"b": 1}], "so": True}, scene, watched)
    assert (node.kind, node.text) == ("strange", "strange: [a, {b: 1}], so: true")
    assert (node.holds, node.found, node.count) == (True, None, None)
    assert [each.place for each in node.events] == ["f:1"]
    assert watched[0][0](history.profile, T0) == (True, T0 + HOUR)


def test_properties_that_can_not_be_read_are_none() -> None:
    """Nobody asked for them when the event was decided on, so it counts."""
    data = track("a") | {"properties": [1]}
    assert why({"event": "a"}, data).count == 1
    heard = histories.hear(decoded(data), None)
    assert conditions.properties_of(heard) == {}


def test_condition_of_a_rule_is_explained_like_any_other() -> None:
    held = holding({"trait": "plan", "is_set": True})
    found = explained([score(held)], [identify(plan="x")], name="fit").scores[0]
    (rule,) = found.groups[0].rules
    assert rule.when is not None
    assert (rule.when.holds, rule.when.found, rule.points) == (True, "x", 10)


def test_long_text_is_cut() -> None:
    assert len(conditions.text({"in": ["x" * 50] * 20})) == conditions.MAX_TEXT


def test_value_that_a_trigger_set_is_found() -> None:
    documents = [segment({"trait": "plan", "equals": 1}), trigger("a", set_trait("plan", 1))]
    found = explained(documents, [track("a")], name="segment/s").segments[0]
    assert (found.member, found.when.found) == (True, 1)


def test_membership_that_has_to_last_is_shown_with_its_beginning_and_its_instant() -> None:
    documents = [
        segment({"event": "a", "within": "3d"}, "lately"),
        segment({"segment": "lately", "for": "2d"}, "long"),
    ]
    when = explained(documents, [track("a")], name="long").segments[0].when
    assert (when.holds, when.found, when.since, when.until) == (False, "in", T0, T0 + 2 * DAY)
    later = explained(documents, [track("a")], at_ms=T0 + 2 * DAY, name="long").segments[0].when
    assert (later.holds, later.since, later.until) == (True, T0, T0 + 3 * DAY)
    out = explained(documents, [track("b")], name="long").segments[0].when
    assert (out.holds, out.found, out.since, out.until) == (False, "out", None, None)


ASKED: Document = of_people("any", {"event": "a", "within": "1h"})


def test_people_of_the_account_are_named_for_whom_it_holds() -> None:
    log = [joins("acme"), joins("acme", person="q"), track("a", T0 + 5, person="q")]
    found = why(ASKED, *log)
    assert shown(found) == [
        ("account: {any: {event: a, within: 1h}}", True, None),
        ("event: a, within: 1h", False, None),
    ]
    assert (found.kind, found.found) == ("account", ["q"])
    assert found.note == "account acme: holds for 1 of 2: q"
    none = why(ASKED, *log[:2])
    assert (none.holds, none.found, none.note) == (False, [], "account acme: holds for 0 of 2")


def test_of_many_people_the_first_are_named() -> None:
    log = [joins("acme", person=f"q{n}", id=f"m{n}") for n in range(7)]
    log += [track("a", T0 + 1, person=f"q{n}") for n in range(7)]
    found = why(ASKED, joins("acme"), *log)
    assert found.note == "account acme: holds for 7 of 8: q0, q1, q2, q3, q4, …"
    assert len(found.found) == 7


def test_without_an_account_there_is_nobody_to_be_named() -> None:
    found = why(ASKED, track("a"))
    assert (found.holds, found.found, found.note) == (False, None, "the person has no account")


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (None, "account acme has not answered yet"),
        ((True, False), "account acme, of whose people nothing is known here"),
    ],
)
def test_what_is_not_known_of_people_is_said(answers: tuple[bool, bool] | None, said: str) -> None:
    definitions = sets.from_documents([segment(ASKED)])
    compiled = compile_set(definitions)
    line = histories.Entry("f:1", None, encoded(joins("acme")))
    history = histories.recall(compiled, [line], "p")
    (key,) = compiled.people
    assert history.profile.belongs is not None
    history.profile.belongs.answers = None if answers is None else {key: answers}
    history.people = None
    scene = Scene(definitions=definitions, compiled=compiled, history=history)
    watched: Watched = []
    found = conditions.explain(definitions.segments["s"].when, ASKED, scene, watched)
    assert (found.found, found.note) == (None, said)
