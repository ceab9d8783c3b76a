"""Outputs: what a batch writes; of scores and memberships only the latest."""

import msgspec

from processors.decisions.moments import Decision
from processors.runtime.outputs import Outputs
from schemas.records import ScoreRecord, SegmentRecord
from tests.builders import (
    DAY,
    HOUR,
    T0,
    Person,
    Recorder,
    emit,
    group,
    holding,
    on,
    points,
    score,
    segment,
    tag,
    track,
    trigger,
)


def person() -> Person:
    return Person(
        score(on("a", 10), levels={"hot": 20, "cold": 0}, grades={"A": 10, "B": 0}),
        segment({"event": "a", "within": "1h"}),
        trigger("a", {"send": {"channel": "sms", "template": "x"}}, emit("told")),
    )


def written(*decisions: Decision) -> Recorder:
    """Returns what is written of what was decided, one after the other, in one batch."""
    outputs, out = Outputs(), Recorder()
    for each in decisions:
        for field in msgspec.structs.fields(Decision):
            both = getattr(outputs.decision, field.name) + getattr(each, field.name)
            setattr(outputs.decision, field.name, both)
    for record in outputs.records():
        out(*record)
    return out


def test_nothing_decided_nothing_written() -> None:
    assert written(Decision(fired=2)).records == []


def test_each_record_goes_to_its_topic_under_its_key() -> None:
    found = [(topic, key) for topic, key, _ in written(person().hears(track("a"))).records]
    assert found == [
        ("commands.sms", "p"),
        ("segment-changes", "p"),
        ("score-changes", "p"),
        ("decisions", "p"),
        ("events", "p"),
        ("scores", "p/fit"),
        ("segments", "p/s"),
    ]


def test_of_consents_and_suppressions_each_change_and_the_latest_are_written() -> None:
    one = Person()
    heard = [
        one.hears(track("consent.granted", T0, channel="email")),
        one.hears(track("consent.denied", T0 + 1, channel="email")),
        one.hears(track("email.complained", T0 + 2)),
        one.hears(track("suppression.removed", T0 + 3)),
    ]
    out = written(*heard)
    assert [(key, each.new) for key, each in out.of("consent-changes")] == [
        ("p", "granted"),
        ("p", "denied"),
        ("p", "complaint"),
        ("p", None),
    ]
    ((key, consent),) = out.of("consents")
    assert (key, consent.state) == ("p/email/*", "denied")
    assert out.of("suppressions") == [("p/email", None)]


def test_of_a_suppression_that_is_lifted_it_is_known_when_that_was_said() -> None:
    one, outputs = Person(), Outputs()
    told = [
        track("suppression.added", T0, channel="email"),
        track("suppression.added", T0, id="m", channel="sms"),
        track("suppression.removed", T0 + 1, channel="email"),
        track("suppression.removed", T0 + 2, channel="sms"),
        track("consent.granted", T0 + 3, channel="email", topic="news"),
    ]
    for each in told:
        outputs.decision.consent_changes += one.hears(each).consent_changes
    assert [outputs.lifted_at(f"p/{each}") for each in ("email", "sms")] == [T0 + 1, T0 + 2]


def test_of_scores_and_memberships_only_the_latest_is_written() -> None:
    one = person()
    heard = [one.hears(track("a", T0 + at)) for at in (0, 5, DAY)]
    out = written(*heard, one.waits(T0 + DAY + HOUR))
    assert len(out.of("score-changes")) == 3
    assert [change.change for _, change in out.of("segment-changes")] == ["entered", "exited"] * 2
    assert out.of("scores") == [
        (
            "p/fit",
            ScoreRecord(
                profile_id="p",
                score_id="fit",
                value=30,
                level="hot",
                grade="A",
                at=T0 + DAY,
                breakdown='{"a":30}',
                groups='{"g":30}',
            ),
        )
    ]
    assert out.of("segments") == [
        (
            "p/s",
            SegmentRecord(profile_id="p", segment_id="s", member=False, since=T0 + DAY + HOUR),
        )
    ]


def test_breakdown_is_what_each_rule_held_when_the_score_last_moved() -> None:
    """Not at the end of the batch: that may be anywhere."""
    rules = [on("b", 5, max_occurrences=1), on("a", -5), on("c", 8, decay={"half_life": "1d"})]
    one = Person(score(*rules, on("d", 0), limit=11, levels={"hot": 9}))
    heard = [one.hears(track(name, T0 + at)) for at, name in enumerate("bcd")]
    ((_, record),) = written(*heard).of("scores")
    assert (record.value, record.breakdown) == (11, '{"b":5,"c":8}')
    heard.append(one.waits(T0 + 3 * DAY))
    ((_, record),) = written(*heard).of("scores")
    assert (record.value, record.breakdown) == (8.99, '{"b":5,"c":3.99}')


def test_records_of_definitions_that_ended_are_deleted() -> None:
    one = person()
    out = written(one.hears(track("a")), one.gets(segment({"tag": "x"}, "other")))
    assert out.of("scores") == [("p/fit", None)]
    assert out.of("segments") == [("p/s", None)]
    assert [change.change for _, change in out.of("segment-changes")] == ["entered", "exited"]


def test_people_are_kept_apart() -> None:
    heard = [Person(score(on("a")), id=name).hears(track("a", person=name)) for name in "pq"]
    assert [key for key, _ in written(*heard).of("scores")] == ["p/fit", "q/fit"]


def test_groups_within_their_bounds_and_what_triggers_added_come_to_the_unlimited_value() -> None:
    behavioral = group(
        on("a", 40), on("b", 5, decay={"half_life": "1d"}), id="behavioral", limit=30
    )
    demographic = group(holding({"tag": "ceo"}, 20), id="demographic", floor=3)
    one = Person(
        score(groups=[behavioral, demographic], limit=45),
        trigger("c", points(-2), tag("ceo"), id="tells"),
    )
    ((_, record),) = written(one.hears(track("a"))).of("scores")
    assert (record.value, record.groups) == (33, '{"behavioral":30,"demographic":3}')
    ((_, record),) = written(one.hears(track("c", T0 + 1))).of("scores")
    assert (record.value, record.groups) == (45, '{"+":-2,"behavioral":30,"demographic":20}')


def test_points_that_triggers_added_stand_under_a_key_that_is_no_id() -> None:
    one = Person(score(on("b", 5, decay={"half_life": "1d"})), trigger("a", points(7)))
    ((_, record),) = written(one.hears(track("a")), one.hears(track("b", T0 + 1))).of("scores")
    assert (record.value, record.groups) == (12, '{"+":7,"g":5}')


def test_what_is_recommended_is_what_held_when_the_score_moved() -> None:
    advice = [{"level": "hot", "text": 'say "hi" 👋'}, {"when": {"tag": "x"}, "text": "write"}]
    document = score(on("a", 20), levels={"hot": 20, "cold": 0}, recommendations=advice)
    one = Person(document, trigger("b", tag("x")))
    heard = [one.hears(track("a")), one.hears(track("b", T0 + 1))]
    ((_, record),) = written(*heard).of("scores")
    assert record.recommendations == '["say \\"hi\\" 👋"]'
    heard.append(one.hears(track("a", T0 + 2)))
    ((_, record),) = written(*heard).of("scores")
    assert record.recommendations == '["say \\"hi\\" 👋","write"]'


def test_combined_score_has_no_groups() -> None:
    both = {"kind": "score", "id": "both", "name": "both", "combined": {"of": ["fit", "x"]}}
    one = Person(score(on("a", 5)), score(on("b", 3), id="x"), both)
    records = dict(written(one.hears(track("a"))).of("scores"))
    assert (records["p/both"].breakdown, records["p/both"].groups) == ('{"fit":5}', "{}")
