"""Triggers: stimulus, limit and actions."""

from typing import Any

import pytest

from processors.definitions import actions, documents, scores, triggers
from processors.definitions.stimuli import STIMULI
from processors.definitions.triggers import Trigger
from tests.unit.definitions.builders import TAG_IT, problems, trigger


def parse(document: Any) -> Trigger:
    found = documents.parse(document)
    assert isinstance(found, Trigger)
    return found


def test_trigger_is_read() -> None:
    found = parse(
        trigger(when={"property": "total", "at_least": 5}, limit={"times": 1, "within": "1d"})
    )
    assert found.on == scores.EventMatch(event="order.completed")
    assert (found.name, found.priority) == (None, 5)
    assert found.limit == triggers.Limit(times=1, within="1d")  # type: ignore[arg-type]
    assert found.limit.within == 86_400_000
    assert parse(trigger(priority=0, limit={"times": 2})).priority == 0


def test_every_action_is_read() -> None:
    url = "https://example.com/hook?x=1"
    found = parse(
        trigger(
            {"send": {"channel": "email", "template": "hi", "topic": "news"}},
            {"add_tag": "a"},
            {"remove_tag": "b"},
            {"set_trait": {"trait": "plan", "value": None}},
            {"set_status": "customer"},
            {"add_to_list": "guests"},
            {"remove_from_list": "guests"},
            {"webhook": {"url": url, "body": {"a": [1]}}},
            {"create_task": {"title": "Call", "due": "+3d"}},
            {"add_points": {"score": "fit", "points": -5}},
            {"set_points": {"score": "fit", "value": 50, "reason": "a call"}},
            {"emit": {"event": "e", "properties": {"a": 1}}},
        )
    )
    send, add, remove, trait, status, onto, off, hook, task, points, value, emit = found.do
    assert send == actions.Send(channel="email", template="hi", topic="news")
    assert isinstance(add, actions.AddTag)
    assert add.tag == "a"
    assert isinstance(remove, actions.RemoveTag)
    assert remove.tag == "b"
    assert trait == actions.SetTrait(trait="plan", value=None)
    assert isinstance(status, actions.SetStatus)
    assert status.status == "customer"
    assert isinstance(onto, actions.AddToList)
    assert isinstance(off, actions.RemoveFromList)
    assert onto.list_id == off.list_id == "guests"
    assert hook == actions.Webhook(url=url, body={"a": [1]})
    assert isinstance(task, actions.CreateTask)
    assert (task.title, task.due, task.priority) == ("Call", 3 * 86_400_000, "medium")
    assert points == actions.AddPoints(score="fit", points=-5)
    assert value == actions.SetPoints(score="fit", value=50, reason="a call")
    assert emit == actions.Emit(event="e", properties={"a": 1})


def test_parsed_action_may_stand_in_for_a_written_one() -> None:
    hook = actions.Webhook(url="http://localhost:8080")
    made = Trigger.model_validate(trigger(hook))
    assert made.do == (hook,)
    assert (hook.body, hook.method, hook.headers) == (None, "POST", {})
    assert actions.Emit(event="e").properties == {}


CHANNELS = "email, sms, push, whatsapp, inbox, slack, webhook, crm, task"
ACTIONS = ", ".join(actions.ACTIONS)
URL = "must be an address such as https://example.com/hook, without user and password"
BAD: list[tuple[Any, list[str]]] = [
    # values of scores
    (trigger({"set_points": {"score": "fit", "points": 5}}),
     ["do[0].set_points.points: unknown key; did you mean value?"]),
    (trigger({"set_points": {"score": "fit", "value": 5, "for": "7d"}}),
     ["do[0].set_points.for: unknown key; allowed here: score, value, reason"]),
    # limits
    (trigger(limit={"within": "7d"}), ["limit: needs the key times"]),
    (trigger(limit=3), ["limit: must be a mapping of times, within, found the number 3"]),
    (trigger(priority=10), ["priority: must be a whole number from 0 to 9, "
                            "found the number 10"]),
    (trigger(fire_on_publish=True),
     ["fire_on_publish: may only stand beside segment, score, level, grade: "
      "nothing else changes by that"]),
    (trigger(fire_on_publish="yes", on=3),
     ["on: must be a stimulus: a mapping with one of " + ", ".join(STIMULI) + ", "
      "found the number 3",
      'fire_on_publish: must be true or false, found the text "yes"']),
    # actions
    (trigger(do=[]), ["do: must be a list with at least one item, found a list"]),
    (trigger(do=TAG_IT), ["do: must be a list, found a mapping"]),
    (trigger("add_tag"), [f"do[0]: must be an action: a mapping with one of {ACTIONS}, "
                          'found the text "add_tag"']),
    (trigger({"sned": {}}), ["do[0].sned: unknown key; did you mean send?"]),
    (trigger({"add_tag": "a", "remove_tag": "b"}),
     ["do[0]: an action is one thing only, found add_tag and remove_tag: make them separate"]),
    (trigger({"send": {"channel": "email", "template": "a"}, "topic": "x"}),
     ["do[0].topic: unknown key; an action is a mapping with one key"]),
    (trigger({"crm": "x"}), ["do[0].crm: not in this version"]),
    # tasks
    (trigger({"create_task": {"name": "Call"}}),
     ["do[0].create_task.name: unknown key; did you mean title?"]),
    (trigger({"create_task": {"title": "", "due": "-3d", "priority": "urgent", "description": 5}}),
     ["do[0].create_task.title: must be one line of 1 to 256 characters, found an empty text",
      "do[0].create_task.description: must be text, found the number 5",
      "do[0].create_task.due: must be a duration such as 3d or +3d, more than 0, at most ten "
      'years, found the text "-3d"',
      'do[0].create_task.priority: must be one of low, medium, high, found the text "urgent"']),
    (trigger({"send": {"channel": "fax", "template": 3, "topc": "x"}}),
     ["do[0].send.topc: unknown key; did you mean topic?",
      f'do[0].send.channel: must be one of {CHANNELS}, found the text "fax"',
      "do[0].send.template: must be text (put it in quotes), found the number 3"]),
    (trigger({"send": None}),
     ["do[0].send: must be a mapping of channel, template, topic, found nothing"]),
    (trigger({"add_tag": None}),
     ["do[0].add_tag: is empty; give it a value or leave the key out"]),
    (trigger({"add_tag": 3}), ["do[0].add_tag: must be text (put it in quotes), "
                               "found the number 3"]),
    (trigger({"set_trait": {"trait": "a.b", "value": 1}}),
     ['do[0].set_trait.trait: must name a whole trait, without dots, found the text "a.b"']),
    (trigger({"set_trait": {"trait": "a"}}), [
        "do[0].set_trait: needs value, or from (where it comes from), or model (what gives it)"]),
    (trigger({"set_trait": {"trait": "a", "value": 1, "model": "m"}}),
     ["do[0].set_trait: takes only one of value, from and model, found value and model"]),
    (trigger({"set_trait": {"trait": "a", "value": 1, "with": {"b": 2}}}),
     ["do[0].set_trait.with: may only stand beside model"]),
    (trigger({"set_trait": {"trait": "a", "from": {"property": "n", "trait": "b"}}}),
     ["do[0].set_trait.from: takes exactly one of property, trait, time, "
      "found property and trait"]),
    (trigger({"set_trait": {"trait": "a", "from": {}}}),
     ["do[0].set_trait.from: takes exactly one of property, trait, time, found nothing"]),
    (trigger({"set_trait": {"trait": "a", "from": {"time": "then"}}}),
     ['do[0].set_trait.from.time: must be one of now, found the text "then"']),
    (trigger({"set_trait": {"trait": "a", "from": {"propery": "n"}}}),
     ["do[0].set_trait.from.propery: unknown key; did you mean property?"]),
    (trigger({"set_trait": {"trait": "a", "model": "m", "with": {"b": {"trait": "c..d"}}}}),
     ["do[0].set_trait.with.b.trait: must be a path such as company.country, 1 to 16 names, "
      'found the text "c..d"']),
    (trigger({"webhook": {"url": "x", "body": []}}),
     [f'do[0].webhook.url: {URL}, found the text "x"',
      "do[0].webhook.body: must be a mapping, found a list"]),
    *[(trigger({"webhook": {"url": url}}), [f'do[0].webhook.url: {URL}, found the text "{url}"'])
      for url in ("ftp://example.com", "https://", "https://u:p@example.com", "https://[::1",
                  "https://a b.com", "https://example.com:99999")],
    (trigger({"webhook": {"url": 5}}), [f"do[0].webhook.url: {URL}, found the number 5"]),
    (trigger({"add_points": {"score": "fit", "points": 1.5}}),
     ["do[0].add_points.points: must be a whole number, found the number 1.5"]),
    (trigger({"add_points": {"score": "fit", "points": 1, "within": "7d", "reason": ""}}),
     ["do[0].add_points.within: unknown key; did you mean for?",
      "do[0].add_points.reason: must be one line of 1 to 256 characters, found an empty text"]),
    (trigger({"add_points": {"score": "fit", "points": 1, "for": "a week"}}),
     ["do[0].add_points.for: must be a duration such as 90s, 15m, 2h, 7d or 4w, more than 0, at "
      'most ten years, found the text "a week"']),
    (trigger(actions=[]), ["actions: unknown key; did you mean do?"]),
]  # fmt: skip


@pytest.mark.parametrize(("document", "expected"), BAD, ids=[row[1][0] for row in BAD])
def test_mistake_brings_one_plain_message(document: Any, expected: list[str]) -> None:
    assert problems(document) == expected
