"""Stimuli: what a trigger may wait for."""

from datetime import time
from typing import Any

import pytest

from processors.definitions import documents, stimuli
from processors.definitions.triggers import Trigger
from tests.unit.definitions.builders import problems, trigger


def parse(document: Any) -> Trigger:
    found = documents.parse(document)
    assert isinstance(found, Trigger)
    return found


def test_every_stimulus_is_read() -> None:
    def stimulus(**on: Any) -> Any:
        return parse(trigger(on=on)).on

    change = stimulus(segment="vip", change="exited")
    assert (change.segment, change.change) == ("vip", "exited")
    up = stimulus(score="fit", crosses=80)
    assert (up.score, up.crosses, up.direction) == ("fit", 80, "up")
    assert stimulus(score="fit", crosses=0.5, direction="either").direction == "either"
    assert (up.minimum_change, up.within) == (None, None)
    swing = stimulus(score="fit", crosses=60, direction="down", minimum_change=9.5, within="1w")
    assert (swing.minimum_change, swing.within) == (9.5, 7 * 86_400_000)
    level = stimulus(level="fit", becomes="hot")
    assert (level.score, level.becomes) == ("fit", "hot")
    grade = stimulus(grade="fit", becomes="A")
    assert (grade.score, grade.becomes) == ("fit", "A")
    tag = stimulus(tag="vip", change="added")
    assert (tag.tag, tag.change) == ("vip", "added")
    listed = stimulus(list="guests", change="removed")
    assert isinstance(listed, stimuli.ListStimulus)
    assert (listed.list_id, listed.change) == ("guests", "removed")
    assert stimulus(manual=True).manual is True
    trait = stimulus(trait="plan", becomes=False)
    assert (trait.trait, trait.becomes, trait.changes) == ("plan", False, False)
    changes = stimulus(trait="plan", changes=True)
    assert (changes.becomes, changes.changes) == (None, True)
    status = stimulus(status="customer")
    assert (status.status, status.old, status.include_new) == ("customer", None, None)
    assert stimulus(status="customer", include_new=False).include_new is False
    assert stimulus(status="customer", **{"from": "lead"}).old == "lead"
    event = stimulus(event="order", where=[{"property": "a", "is_set": True}])
    assert event.where[0].property == "a"
    inactive = stimulus(inactive="14d")
    assert (inactive.inactive, inactive.event, inactive.where) == (14 * 86_400_000, None, ())
    undone = stimulus(inactive="1h", event="order", where=[{"property": "a", "is_set": True}])
    assert isinstance(undone, stimuli.InactiveStimulus)
    assert (undone.event, undone.where[0].property) == ("order", "a")
    day = stimulus(date="born")
    assert (day.offset, day.at, day.timezone, day.yearly) == (0, None, "UTC", False)
    day = stimulus(date="contract.end", offset="-90d", at="09:05", timezone="profile", yearly=True)
    assert isinstance(day, stimuli.DateStimulus)
    assert (day.date, day.offset, day.at) == ("contract.end", -90 * 86_400_000, time(9, 5))
    assert (day.timezone, day.yearly) == ("profile", True)
    assert stimulus(date="born", offset="+2h").offset == stimulus(date="b", offset="2h").offset
    tick = stimulus(schedule="0 9 * * *", audience={"tag": "vip"})
    assert (tick.schedule, tick.timezone, tick.audience.tag) == ("0 9 * * *", "UTC", "vip")
    there = stimulus(schedule="0 9 * * *", timezone="America/New_York", audience={"tag": "vip"})
    assert isinstance(there, stimuli.ScheduleStimulus)
    assert there.timezone == "America/New_York"


def test_parsed_stimulus_may_stand_in_for_a_written_one() -> None:
    made = stimuli.InactiveStimulus(inactive="1h", event="order")  # type: ignore[arg-type]
    assert Trigger.model_validate(trigger(on=made)).on == made


STIMULI = ", ".join(stimuli.STIMULI)
BAD: list[tuple[Any, list[str]]] = [
    (trigger(on={"evnt": "a"}), ["on.evnt: unknown key; did you mean event?"]),
    (trigger(on="order"), [f"on: must be a stimulus: a mapping with one of {STIMULI}, "
                           'found the text "order"']),
    (trigger(on={"event": "a", "segment": "b"}),
     ["on: a stimulus is one thing only, found event and segment: make them separate"]),
    (trigger(on={"manual": False}), ["on.manual: can only be true, found false"]),
    (trigger(on={"segment": "vip"}), ["on: needs the key change"]),
    (trigger(on={"segment": "vip", "change": "enter"}),
     ['on.change: must be one of entered, exited, found the text "enter"']),
    *[(trigger(on={key: "vip", "change": "entered"}),
       ['on.change: must be one of added, removed, found the text "entered"'])
      for key in ("tag", "list")],
    (trigger(on={"score": "fit", "crosses": "80", "direction": 1}),
     ['on.crosses: must be a number (write it without quotes), found the text "80"',
      "on.direction: must be one of up, down, either, found the number 1"]),
    (trigger(on={"score": "fit", "crosses": 80, "within": "1d"}),
     ["on.within: may only stand beside minimum_change"]),
    (trigger(on={"score": "fit", "threshold": 80, "minimum_change": 0}),
     ["on.threshold: unknown key; did you mean crosses?",
      "on.minimum_change: must be a number above 0, found the number 0"]),
    (trigger(on={"trait": "a"}),
     ["on: takes one of becomes: value and changes: true, found neither"]),
    (trigger(on={"trait": "a", "becomes": 1, "changes": True}),
     ["on: takes one of becomes: value and changes: true, found becomes and changes"]),
    (trigger(on={"trait": "a", "changes": False}),
     ["on.changes: can only be true, found false"]),
    (trigger(on={"trait": "a", "become": 1}), ["on.become: unknown key; did you mean becomes?"]),
    (trigger(on={"status": "lead", "from": "lead"}),
     ["on.from: must be another status than the one that it becomes"]),
    (trigger(on={"status": "lead", "becomes": "x"}),
     ["on.becomes: unknown key; did you mean status?"]),
    (trigger(on={"status": "lead", "include_new_accounts": True}),
     ["on.include_new_accounts: unknown key; did you mean include_new?"]),
    (trigger(on={"status": "lead", "include_new": "maybe"}),
     ["on.include_new: must be true or false, found the text \"maybe\""]),
    (trigger(on={"status": 7}), ["on.status: must be text (put it in quotes), found the number 7"]),
    (trigger(on={"inactive": "1h", "where": []}), ["on.where: may only stand beside event"]),
    (trigger(on={"inactive": "soon", "segment": "vip"}),
     ["on: a stimulus is one thing only, found inactive and segment: make them separate"]),
    (trigger(on={"inactive": 5}),
     ["on.inactive: must be a duration such as 90s, 15m, 2h, 7d or 4w, more than 0, "
      "at most ten years, found the number 5"]),
    *[(trigger(on={"date": "born", "offset": offset}),
       ["on.offset: must be a duration with or without a sign such as -90d or 2h, "
        f"at most ten years, found {found}"])
      for offset, found in (("--1d", 'the text "--1d"'), ("3651d", 'the text "3651d"'),
                            (5, "the number 5"))],
    *[(trigger(on={"date": "born", "at": at}),
       [f'on.at: must be a time of day such as "09:00", found {found}'])
      for at, found in (("9:00", 'the text "9:00"'), ("24:00", 'the text "24:00"'),
                        (900, "the number 900"))],
    *[(trigger(on={"date": "born", "timezone": zone}),
       ["on.timezone: must be profile, or a time zone such as America/New_York, "
        f"found {found}"])
      for zone, found in (("New York", 'the text "New York"'), (1, "the number 1"),
                          ("../UTC", 'the text "../UTC"'), ("localtime", 'the text "localtime"'))],
    (trigger(on={"schedule": "0 9 * * *"}), ["on: needs the key audience"]),
    (trigger(on={"schedule": "0 0 30 2 *", "audience": {"tag": "vip"}}),
     ['on.schedule: must be a cron expression such as "0 9 * * 1-5" (bad day of month), '
      'found the text "0 0 30 2 *"']),
    (trigger(on={"schedule": "daily", "audience": {"tag": "vip"}}),
     ['on.schedule: must be a cron expression such as "0 9 * * 1-5" (five fields: minute, hour, '
      'day of month, month, day of week), found the text "daily"']),
    (trigger(on={"schedule": "0 9 * * *", "audience": {"not": {"property": "n", "at_least": 1}}}),
     ["on.audience.not.property: the audience has no event at hand"]),
    (trigger(on={"date": "born", "yearly": 1, "ofset": "1d"}),
     ["on.ofset: unknown key; did you mean offset?",
      "on.yearly: must be true or false, found the number 1"]),
]  # fmt: skip


@pytest.mark.parametrize(("document", "expected"), BAD, ids=[row[1][0] for row in BAD])
def test_mistake_brings_one_plain_message(document: Any, expected: list[str]) -> None:
    assert problems(document) == expected
