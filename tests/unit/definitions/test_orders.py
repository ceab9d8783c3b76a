"""The order of evaluation: each after what it needs, and nothing in circles."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.definitions import references, sets
from processors.definitions.references import Reference
from tests.unit.definitions.builders import both, named, refused, score, scored, segment


@pytest.mark.parametrize(
    ("written", "messages"),
    [
        ([named("a", "a")], ["segment/a: when.all[1].segment: goes round in a circle: a -> a"]),
        ([named("a", "b"), named("b", "a")],
         ["segment/a: when.all[1].segment: goes round in a circle: a -> b -> a"]),
        ([named("c", "a"), named("a", "x", "b"), named("b", "c"), named("x")],
         ["segment/a: when.all[2].segment: goes round in a circle: a -> b -> c -> a"]),
        ([both("fit", "both"), score()],
         ["score/both: combined.of[1]: goes round in a circle: both -> both"]),
        ([both("fit", "engagement"), scored("fit", "s"), named("s", "score:both"),
          score(id="engagement")],
         ["score/both: combined.of[0]: goes round in a circle: both -> fit -> s -> both"]),
        ([scored("b", "a"), named("a", "score:b")],
         ["score/b: groups[0].rules[0].when.segment: goes round in a circle: b -> a -> b"]),
        ([scored("a", "a"), named("a", "score:a")],
         ["score/a: groups[0].rules[0].when.segment: goes round in a circle: "
          "score a -> segment a -> score a"]),
        ([named("a", "b"), named("b", "a"), named("c", "a", "d"), named("d", "a", "c"),
          named("e", "c")],
         ["segment/a: when.all[1].segment: goes round in a circle: a -> b -> a",
          "segment/c: when.all[2].segment: goes round in a circle: c -> d -> c"]),
    ],
)  # fmt: skip
def test_circle_is_shown(written: list[Any], messages: list[str]) -> None:
    assert sorted(refused(*written)) == messages


@given(st.permutations(range(12)), st.data())
def test_order_puts_each_after_what_it_needs(places: list[int], data: st.DataObject) -> None:
    names = [f"s{place}" for place in places]
    written = [
        named(name, *data.draw(st.sets(st.sampled_from(names[:at]))) if at else ())
        for at, name in enumerate(names)
    ]
    order = sets.from_documents(written).order
    assert order == sets.from_documents(reversed(written)).order
    assert sorted(order) == sorted(("segment", name) for name in names)
    seen: set[tuple[str, str]] = set()
    built = sets.from_documents(written)
    for kind, name in order:
        for mention in references.of(built.segments[name]):
            assert isinstance(mention, Reference)
            assert (mention.kind, mention.id) in seen
        seen.add((kind, name))


def test_combined_score_comes_after_its_parts() -> None:
    written = [both("fit", "engagement"), score(), score(id="engagement")]
    order = sets.from_documents(written).order
    assert order == (("score", "engagement"), ("score", "fit"), ("score", "both"))


def test_order_breaks_ties_by_kind_and_id() -> None:
    written = [named("b"), named("a", "z"), scored("c", "z"), score(id="d"), named("z")]
    assert sets.from_documents(written).order == (
        ("score", "d"),
        ("segment", "b"),
        ("segment", "z"),
        ("score", "c"),
        ("segment", "a"),
    )


def test_chain_of_a_thousand_is_ordered() -> None:
    names = [f"s{place:04}" for place in range(1_000)]
    chain = [named(name, *names[at + 1 : at + 2]) for at, name in enumerate(names)]
    assert [name for _, name in sets.from_documents(chain).order] == names[::-1]


def test_a_circle_by_way_of_people_is_refused() -> None:
    asking = segment({"account": {"any": {"segment": "a"}}}, id="a")
    assert refused(asking) == [
        "segment/a: when.account.any.segment: goes round in a circle: a -> a"
    ]
    through = [
        segment({"account": {"any": {"segment": "b"}}}, id="a"),
        segment({"segment": "a"}, id="b"),
    ]
    assert refused(*through) == [
        "segment/a: when.account.any.segment: goes round in a circle: a -> b -> a"
    ]
