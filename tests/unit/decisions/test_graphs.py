"""The graph of a set: which nodes there are, in which order, and who reads what."""

from tests.builders import (
    Document,
    group,
    holding,
    on,
    points,
    score,
    segment,
    static_list,
    trigger,
)
from tests.builders import compiled as compile_documents


def keys_of(bits: int, *documents: Document) -> list[str]:
    nodes = compile_documents(*documents).nodes
    return [node.key for place, node in enumerate(nodes) if bits >> place & 1]


def test_rules_stand_before_their_score_and_all_after_what_they_read() -> None:
    found = compile_documents(
        segment({"score": "fit", "at_least": 1}, "a"),
        score(holding({"segment": "b"}), on("e")),
        segment({"tag": "x"}, "b"),
    )
    assert [node.key for node in found.nodes] == [
        "b",
        "adjustments/fit",
        "score/fit/held",
        "score/fit/e",
        "score/fit",
        "a",
    ]
    assert found.places == {node.key: place for place, node in enumerate(found.nodes)}
    assert found.everything == 0b111111
    assert found.size == 3


def test_facts_know_who_reads_them() -> None:
    documents = [
        static_list("l"),
        segment({"trait": "a.b", "is_set": True}, "of-trait"),
        segment({"account": "a", "is_set": True}, "of-account"),
        segment({"tag": "x"}, "of-tag"),
        segment({"list": "l"}, "of-list"),
        segment({"status": "lead"}, "of-status"),
        segment({"all": [{"tag": "x"}, {"bucket": {"salt": "s", "from": 0, "to": 5}}]}, "of-two"),
        score(on("a")),
        trigger("a", when={"tag": "y"}),
    ]
    users = compile_documents(*documents).users
    facts = {
        ("trait", "a"): ["of-trait"],
        ("account", "a"): ["of-account"],
        ("tag", "x"): ["of-tag", "of-two"],
        ("list", "l"): ["of-list"],
        ("status", ""): ["of-status"],
        ("added", "fit"): ["score/fit"],
    }
    for fact, readers in facts.items():
        assert keys_of(users[fact], *documents) == readers
    assert ("tag", "y") not in users


def test_of_strangers_only_what_may_hold_for_one_is_looked_at() -> None:
    documents = (
        segment({"event": "a"}, "came"),
        segment({"not": {"event": "a", "within": "1h"}}, "away"),
        segment({"all": [{"tag": "x"}, {"not": {"tag": "y"}}]}, "tagged"),
        segment({"bucket": {"salt": "s", "from": 0, "to": 50}}, "half"),
        segment({"trait": "plan", "is_not_set": True}, "unknown"),
        segment({"segment": "away", "is": "out"}, "here"),
        segment({"score": "fit", "at_most": 0}, "cold"),
        score(on("a"), holding({"tag": "x"}), holding({"not": {"tag": "x"}}, 5, "no-tag")),
    )
    found = keys_of(compile_documents(*documents).newcomers, *documents)
    assert sorted(found) == ["away", "cold", "half", "here", "score/fit/no-tag", "unknown"]


def test_a_score_without_groups_is_moved_by_triggers_alone() -> None:
    found = compile_documents(score(), trigger("a", points(5)))
    assert [node.key for node in found.nodes] == ["adjustments/fit", "score/fit"]


def test_groups_keep_their_rules_apart() -> None:
    found = compile_documents(score(groups=[group(on("a")), group(on("b"), id="h")]))
    keys = ["adjustments/fit", "score/fit/a", "score/fit/b", "score/fit"]
    assert [node.key for node in found.nodes] == keys
