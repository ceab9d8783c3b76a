"""Compiled definitions: an event touches what names it, and nothing else."""

from processors.decisions import compiling
from processors.decisions.compiled import Compiled, Plan
from processors.decisions.features import NO_PROPERTIES, Feature
from processors.definitions import sets
from processors.state.profiles import Profile
from tests.builders import (
    Document,
    holding,
    on,
    points,
    score,
    segment,
    set_trait,
    tag,
    trigger,
)
from tests.builders import compiled as compile_documents


def keys_of(bits: int, *documents: Document) -> list[str]:
    nodes = compile_documents(*documents).nodes
    return [node.key for place, node in enumerate(nodes) if bits >> place & 1]


def asked_for(found: Compiled) -> dict[str, Plan]:
    """Returns the plans but of what all sets listen to: consents and suppressions."""
    return {name: plan for name, plan in found.plans.items() if plan.said is None}


def counted(plan: Plan) -> list[Feature]:
    return [*plan.plain, *(feature for feature, _ in plan.asking)]


def test_timers_have_numbers_of_their_own_that_hang_on_names_alone() -> None:
    documents = [segment({"event": "a", "within": f"{n + 1}h"}, f"s{n}") for n in range(400)]
    documents.append(trigger({"inactive": "1d"}))
    found = compile_documents(*documents)
    assert found.timers == {node.timer: place for place, node in enumerate(found.nodes)}
    (alarm,) = found.alarms
    assert found.nodes[found.timers[alarm]].key == "inactive/t"
    for alone in (documents[7], documents[-1]):
        (node,) = compile_documents(alone).nodes
        assert found.nodes[found.timers[node.timer]].key == node.key


def test_an_event_that_no_definition_names_has_no_plan() -> None:
    found = compile_documents(segment({"event": "a"}), trigger("b"))
    assert set(asked_for(found)) == {"a", "b"}


def test_a_plan_has_the_features_and_triggers_of_its_event() -> None:
    found = compile_documents(
        segment({"all": [{"event": "a"}, {"event": "a", "within": "1d"}, {"event": "b"}]}),
        score(on("a"), on("b")),
        trigger("a", when={"event": "c", "at_least": 2}),
    )
    shape = {
        name: (len(counted(plan)), len(plan.triggers)) for name, plan in asked_for(found).items()
    }
    assert shape == {"a": (2, 1), "b": (1, 0), "c": (1, 0)}


def test_features_know_who_reads_them() -> None:
    documents = [
        segment({"event": "a"}),
        score(on("a"), holding({"not": {"event": "a", "within": "1d"}}), on("b")),
        trigger("b", when={"event": "a"}),
    ]
    plans = compile_documents(*documents).plans
    readers = [keys_of(one.users, *documents) for one in counted(plans["a"])]
    assert sorted(readers) == [["score/fit/a", "s"], ["score/fit/held"]]


def test_segments_and_scores_know_who_reads_them() -> None:
    documents = [
        segment({"event": "a"}),
        segment({"segment": "s"}, "reads-segment"),
        score(on("a"), holding({"segment": "s"})),
        segment({"score": "fit", "at_least": 1}, "reads-score"),
        trigger("a", when={"segment": "s"}),
    ]
    found = compile_documents(*documents)
    of_node = {node.key: keys_of(node.users, *documents) for node in found.nodes}
    assert of_node["s"] == ["score/fit/held", "reads-segment"]
    assert of_node["score/fit"] == ["reads-score"]
    assert of_node["score/fit/a"] == ["score/fit"]
    assert of_node["reads-score"] == []


def test_properties_are_read_only_where_somebody_asks_for_them() -> None:
    where = [{"property": "n", "equals": 1}]
    found = compile_documents(
        segment({"event": "counted", "where": where}),
        segment({"event": "only-named"}, "u"),
        trigger({"event": "heard", "where": where}, id="one"),
        trigger("asked", id="two", when={"not": {"property": "n", "equals": 1}}),
        trigger("plain", tag("x"), id="three"),
        trigger("said", id="four"),
    )
    reads = {name: plan.reads_properties for name, plan in asked_for(found).items()}
    assert reads == {
        "counted": False,
        "only-named": False,
        "heard": True,
        "asked": True,
        "plain": False,
        "said": True,  # what it says may stand in the message
    }
    assert not found.reads_properties
    asking = {name for name, plan in found.plans.items() if plan.asking}
    assert asking == {"counted"}


def test_properties_are_read_always_where_any_event_may_wake_who_asks() -> None:
    asks = {"property": "n", "equals": 1}
    stimulus = {"trait": "plan", "changes": True}
    assert compile_documents(trigger(stimulus, when=asks)).reads_properties
    assert not compile_documents(trigger(stimulus, when={"tag": "x"})).reads_properties


def test_triggers_wait_by_what_changes() -> None:
    found = compile_documents(
        segment({"tag": "x"}),
        score(on("a"), levels={"hot": 5, "cold": 0}),
        trigger({"segment": "s", "change": "entered"}, tag("y"), id="1"),
        trigger({"segment": "s", "change": "exited"}, points(1), id="2"),
        trigger({"score": "fit", "crosses": 1}, id="3"),
        trigger({"level": "fit", "becomes": "hot"}, id="4"),
        trigger({"trait": "a.b", "changes": True}, set_trait("c", 1), id="5"),
        trigger("e", id="6"),
    )
    waiting = {change: [one.id for one in each] for change, each in found.woken.items()}
    assert waiting == {
        ("segment", "s"): ["1", "2"],
        ("score", "fit"): ["3", "4"],
        ("trait", "a"): ["5"],
    }
    assert found.triggers == {"1", "2", "3", "4", "5", "6"}


def test_rank_is_by_priority_then_id() -> None:
    found = compile_documents(
        trigger("a", id="b", priority=9), trigger("a", id="a"), trigger("a", id="c", priority=9)
    )
    ranked = sorted(found.plans["a"].triggers, key=lambda one: one.rank)
    assert [one.id for one in ranked] == ["b", "c", "a"]


def test_the_same_definitions_have_the_same_id() -> None:
    one = compile_documents(segment({"tag": "x"}), score(on("a")))
    assert one.id == compile_documents(score(on("a")), segment({"tag": "x"})).id
    assert one.id != compile_documents(segment({"tag": "y"}), score(on("a"))).id


def test_no_definitions_are_definitions_too() -> None:
    found = compile_documents()
    assert (found.everything, found.size) == (0, 0)
    assert found.id


def test_condition_compiled_by_itself_counts_as_it_does_in_its_set() -> None:
    when: Document = {"event": "a", "at_least": 2}
    definitions = sets.from_documents([segment(when), score(on("a"))])
    alone = compiling.compiler(definitions)
    evaluate = alone.compile(definitions.segments["s"].when)
    (_, key) = alone.take_reads().pop()
    assert key in {each.key for each in counted(compiling.compile_set(definitions).plans["a"])}
    assert evaluate(Profile(counts={key: 2}), 0, NO_PROPERTIES) > 0
    assert evaluate(Profile(counts={key: 1}), 0, NO_PROPERTIES) < 0
