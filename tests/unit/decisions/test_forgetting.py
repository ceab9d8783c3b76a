"""Other definitions: what nobody asks for is forgotten; who says so answers what is new."""

from tests.builders import (
    T0,
    Document,
    Person,
    emit,
    group,
    identify,
    on,
    reasons,
    score,
    segment,
    tag,
    track,
    trigger,
)

ASKED: list[Document] = [
    segment({"event": "a", "at_least": 2}, "counted"),
    segment({"event": "a", "within": "1d"}, "windowed"),
    segment({"event": "a", "sum": {"property": "n", "at_least": 9}}, "summed"),
    segment({"event": "a", "max": {"property": "n", "at_least": 9}, "within": "1d"}, "best"),
    score(groups=[group(on("a", decay={"half_life": "1d"}))], id="fading"),
    score(on("a", 5), id="fit"),
    trigger("a", tag("x"), limit={"times": 1}),
    trigger({"score": "fit", "crosses": 5, "within": "1d", "minimum_change": 1}, tag("y"), id="t2"),
]


def test_all_that_was_kept_goes_with_the_last_who_asked() -> None:
    person = Person(*ASKED)
    person.hears(track("a", n=10))
    profile = person.profile
    assert profile.measured is not None
    held = [profile.counts, profile.times, profile.measured.amounts, profile.measured.sums]
    held += [profile.decays or {}, profile.swings or {}, profile.fired]
    assert all(held)

    person.gets(segment({"tag": "x"}, "tagged"))

    assert not any(held)
    assert person.segments == {"tagged"}


def test_what_is_still_asked_for_stays() -> None:
    person = Person(*ASKED)
    person.hears(track("a", n=10))
    before = dict(person.profile.counts), dict(person.profile.times)
    person.gets(*ASKED, segment({"tag": "x"}, "tagged"))
    assert (person.profile.counts, person.profile.times) == before
    assert {"windowed", "summed", "best", "tagged"} == person.segments


def test_who_was_in_a_segment_that_ended_leaves_as_of_their_own_clock() -> None:
    person = Person(segment({"event": "a"}, "gone"))
    person.hears(track("a"))
    decision = person.gets(segment({"event": "b"}, "new"))
    found = [(each.segment_id, each.change, each.at) for each in decision.segment_changes]
    assert found == [("gone", "exited", T0)]
    assert decision.removed == [("segment", "p", "gone")]


EAGER: Document = {"fire_on_publish": True}


def test_new_definitions_fire_only_who_says_so() -> None:
    person = Person()
    person.hears(identify(plan="gold"))
    gold = segment({"trait": "plan", "equals": "gold"}, "gold")
    entered = {"segment": "gold", "change": "entered"}
    said = person.gets(
        gold,
        trigger(entered, tag("a"), id="silent"),
        trigger(entered, tag("b"), id="eager", **EAGER),
    )
    assert reasons(said) == [("eager", "fired")]
    assert person.profile.tags == ["b"]
    assert said.decisions[0].cause == "definition"


def test_what_is_fired_by_new_definitions_wakes_others_and_may_tell_events() -> None:
    person = Person()
    person.hears(identify(plan="gold"))
    gold = segment({"trait": "plan", "equals": "gold"}, "gold")
    eager = trigger({"segment": "gold", "change": "entered"}, tag("b"), emit("hello"), **EAGER)
    tagged = trigger({"tag": "b", "change": "added"}, tag("c"), id="tagged")
    heard = trigger("hello", tag("d"), id="heard")
    said = person.gets(gold, eager, tagged, heard)
    assert reasons(said) == [("t", "fired"), ("tagged", "fired"), ("heard", "fired")]
    assert [each.event for each in said.emitted] == ["hello"]
    again = person.gets(gold, eager, tagged, heard)
    assert reasons(again) == []
