"""What is known of a compiled set: who reads what, and how much of it there is."""

from tests.builders import compiled, on, score, segment, trigger


def test_a_fact_has_its_own_readers_and_those_of_its_kind() -> None:
    documents = [segment({"trait": "a", "is_set": True}, "of-a"), segment({"tag": "x"}, "of-x")]
    found = compiled(*documents)
    of_a, of_x = (1 << found.places[key] for key in ("of-a", "of-x"))
    assert found.readers("trait", "a") == of_a
    assert found.readers("tag", "x") == of_x
    assert found.readers("trait", "b") == found.readers("status", "") == 0
    found.users["trait", ""] = of_x  # as a predicate has it that may read all traits
    assert found.readers("trait", "a") == of_a | of_x
    assert found.readers("trait", "b") == of_x


def test_its_size_is_the_number_of_definitions_not_of_nodes() -> None:
    found = compiled(segment({"tag": "x"}), score(on("a"), on("b")), trigger("a"))
    assert found.size == 3
    assert len(found.nodes) > 3
    assert compiled().size == 0
