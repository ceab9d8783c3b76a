"""Sets: what is mentioned exists, and ids are used once."""

import dataclasses
from typing import Any

import pytest

from processors.definitions import sets, versions
from processors.definitions.references import Reference, Rung
from tests.unit.definitions.builders import (
    both,
    journey,
    mail,
    named,
    partial,
    refused,
    rule,
    score,
    scored,
    segment,
    static_list,
    trigger,
)


def test_set_holds_definitions_documents_and_versions() -> None:
    written = [trigger(), segment(), score(), static_list()]
    built = sets.from_documents(written)
    assert list(built.segments) == ["vip"]
    assert list(built.scores) == ["fit"]
    assert list(built.triggers) == ["greet"]
    assert list(built.lists) == ["guests"]
    keys = [("list", "guests"), ("score", "fit"), ("segment", "vip"), ("trigger", "greet")]
    assert list(built.versions) == list(built.documents) == keys
    assert built.documents["segment", "vip"] == segment()
    assert built.versions["segment", "vip"] == versions.version(segment())
    assert built.order == (("score", "fit"), ("segment", "vip"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        built.id = "x"  # type: ignore[misc]


def test_id_of_a_set_depends_on_its_versions_alone() -> None:
    first = sets.from_documents([segment(), score()])
    assert first.id == sets.from_documents([score(), segment()]).id
    assert len(first.id) == 12
    assert first.id != sets.from_documents([segment()]).id
    assert first.id != sets.from_documents([segment(name="Other"), score()]).id
    assert sets.from_documents([]).id == versions.version([])


def test_same_id_may_be_used_by_two_kinds() -> None:
    built = sets.from_documents([segment(id="a"), static_list(id="a"), score(id="a")])
    assert built.order == (("score", "a"), ("segment", "a"))


def test_id_used_twice_is_refused() -> None:
    assert refused(segment(), segment(name="B")) == [
        "segment/vip: id: segment vip is defined twice"
    ]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ([named("a", "b")], "segment/a: when.all[1].segment: there is no segment b; "
                            "the segments are a"),
        ([named("vips", "vip")], "segment/vips: when.all[1].segment: there is no segment vip; "
                                 "did you mean vips?"),
        ([named("a", "guests"), static_list()],
         "segment/a: when.all[1].segment: there is no segment guests, but a list of this id"),
        ([named("a", "score:fit")],
         "segment/a: when.all[1].score: there is no score fit; there are no scores"),
        ([segment({"any": [{"list": "guest"}]}), static_list()],
         "segment/vip: when.any[0].list: there is no list guest; did you mean guests?"),
        ([scored("fit", "b")], "score/fit: groups[0].rules[0].when.segment: there is no segment b; "
                               "there are no segments"),
        ([trigger({"add_to_list": "vip"}), segment()],
         "trigger/greet: do[0].add_to_list: there is no list vip, but a segment of this id"),
        ([trigger({"add_points": {"score": "fitt", "points": 1}}), score()],
         "trigger/greet: do[0].add_points.score: there is no score fitt; did you mean fit?"),
        ([score(recommendations=[{"level": "hott", "text": "call"}], levels={"hot": 5})],
         "score/fit: recommendations[0].level: score fit has no level hott; did you mean hot?"),
        ([trigger(on={"segment": "gold", "change": "entered"})],
         "trigger/greet: on.segment: there is no segment gold; there are no segments"),
        ([trigger(on={"level": "fit", "becomes": "hott"}), score(levels={"hot": 5, "cold": 0})],
         "trigger/greet: on.becomes: score fit has no level hott; did you mean hot?"),
        ([trigger(when={"score": "fit", "level": "x"}), score(levels={"hot": 5, "cold": 0})],
         "trigger/greet: when.level: score fit has no level x; the levels are hot, cold"),
        ([both("fit", "health"), score()],
         "score/both: combined.of[1]: there is no score health; the scores are both, fit"),
        ([trigger({"add_points": {"score": "both", "points": 1}}), both(), score(),
          score(id="engagement")],
         "trigger/greet: do[0].add_points.score: score both is combined and has no points of its "
         "own; add to fit or engagement"),
        ([trigger(when={"score": "both", "grade": "A5"}), both(), score(), score(id="engagement")],
         "trigger/greet: when.grade: score both has no grade A5; the grades are A1, A2, A3, A4, "
         "B1, B2, B3, B4, C1, C2, …"),
        ([trigger(when={"score": "fit", "grade": "A"}), score(levels={"A": 5})],
         "trigger/greet: when.grade: score fit has no grade A; there are no grades"),
        ([named(f"s{place:02}", "gold") if place == 0 else named(f"s{place:02}")
          for place in range(12)],
         "segment/s00: when.all[1].segment: there is no segment gold; the segments are "
         "s00, s01, s02, s03, s04, s05, s06, s07, s08, s09, …"),
    ],
)  # fmt: skip
def test_unknown_mention_is_refused(written: list[Any], message: str) -> None:
    assert refused(*written) == [message]


def test_level_of_an_unknown_score_is_no_second_mistake() -> None:
    assert refused(trigger(on={"level": "fit", "becomes": "hot"})) == [
        "trigger/greet: on.level: there is no score fit; there are no scores"
    ]


def test_known_levels_and_grades_are_accepted() -> None:
    fit = score(levels={"hot": 5}, grades={"A": 5})
    asks = trigger(on={"level": "fit", "becomes": "hot"}, when={"score": "fit", "grade": "A"})
    assert refused(fit, asks) == []


def test_mention_of_what_could_not_be_parsed_is_no_second_mistake() -> None:
    broken = score(id="fit", points=3)
    (message,) = refused(broken, trigger({"add_points": {"score": "fit", "points": 1}}))
    assert message.startswith("points: unknown key")


def test_mistakes_of_parsing_and_of_the_set_are_named_together() -> None:
    found = refused(segment(when=3), named("a", "gold"), score(rule(points="1")), [])
    assert len(found) == 4


@pytest.mark.parametrize(
    ("mention", "said"),
    [
        (Reference((), "segment", "vip"), None),
        (Reference((), "trigger", "greet"), None),
        (Rung((), "fit", "level", "hot"), None),
        (Reference((), "segment", "vips"), "there is no segment vips; did you mean vip?"),
        (Reference((), "trigger", "x"), "there is no trigger x; the triggers are greet"),
        (Reference((), "list", "vip"), "there is no list vip, but a segment of this id"),
        (Rung((), "fit", "level", "hott"), "score fit has no level hott; did you mean hot?"),
        (Rung((), "fit", "grade", "A"), "score fit has no grade A; there are no grades"),
        (Rung((), "absent", "grade", "A"), None),
    ],
)
def test_mention_from_outside_is_looked_up(mention: Reference | Rung, said: str | None) -> None:
    built = sets.from_documents([segment(), score(levels={"hot": 5}), trigger()])
    assert sets.absent(built, mention) == said


def test_what_is_asked_of_people_is_bounded_over_all_definitions() -> None:
    def asking(number: int) -> dict[str, Any]:
        return segment({"account": {"any": {"tag": f"t{number}"}}}, id=f"s{number:02}")

    many = [asking(number) for number in range(sets.MAX_ASKED)]
    same = segment({"account": {"all": {"tag": "t0"}}}, id="same")
    assert refused(*many, same) == []
    assert refused(*many, asking(30), asking(31)) == [
        "segment/s30: when.account: at most 30 different things can be asked of people in all,"
        " this is one more; ask for a segment that others ask for too"
    ]


SENDS = {"send": {"channel": "email", "template": "hello"}}


def test_what_messages_say_is_no_part_of_what_decides() -> None:
    alone = sets.from_documents([trigger(SENDS)])
    worded = sets.from_documents([trigger(SENDS), mail(), partial()])
    assert worded.id == alone.id
    assert worded.deciding == alone.deciding == (("trigger", "greet"),)
    assert list(worded.templates) == ["hello"]
    assert list(worded.partials) == ["footer"]
    assert {each.kind for each in worded} == {"trigger", "template", "partial"}
    keys = [("partial", "footer"), ("template", "hello"), ("trigger", "greet")]
    assert list(worded.versions) == list(worded.documents) == keys


def test_older_journey_is_fit_though_its_template_is_gone() -> None:
    old = journey({"id": "say", **SENDS}, live_edit="pin")
    written = [journey("rest", live_edit="pin"), {sets.OLDER: old}]
    alone = sets.from_documents(written)
    worded = sets.from_documents([*written, mail(id="other")])
    assert alone.id == worded.id
    assert worded.unfit == frozenset()


@pytest.mark.parametrize(
    ("send", "said"),
    [
        ({"channel": "email", "template": "hello"}, []),
        (
            {"channel": "email", "template": "helo"},
            ["there is no template helo; did you mean hello?"],
        ),
        (
            {"channel": "email", "template": "x"},
            ["there is no template x; the templates are hello"],
        ),
        ({"channel": "sms", "template": "hello"}, ["template hello is one of email, not sms"]),
        ({"channel": "webhook", "template": "x"}, []),
    ],
)  # fmt: skip
def test_template_that_is_sent_is_there(send: dict[str, Any], said: list[str]) -> None:
    place = "trigger/greet: do[0].send.template: "
    assert refused(trigger({"send": send}), mail()) == [place + each for each in said]
    assert refused(trigger({"send": send})) == [], "templates may be kept elsewhere"


def test_template_that_can_not_be_parsed_is_not_missing() -> None:
    send = {"send": {"channel": "email", "template": "broken"}}
    written = [trigger(send), mail(), mail(id="broken", subject=None)]
    assert refused(*written) == ["a mail needs the key subject"]
