"""Actions that only journeys need; the others are tested with triggers."""

from typing import Any

import pytest

from processors.definitions import actions, documents
from processors.definitions.triggers import Trigger
from tests.unit.definitions.builders import problems, trigger


def test_triggers_begin_and_end_journeys() -> None:
    found = documents.parse(trigger({"start_journey": "a"}, {"stop_journey": "b"}))
    assert isinstance(found, Trigger)
    start, stop = found.do
    assert isinstance(start, actions.StartJourney)
    assert isinstance(stop, actions.StopJourney)
    assert (start.journey, stop.journey) == ("a", "b")


def test_their_ids_are_ids() -> None:
    (found,) = problems(trigger({"start_journey": "A b"}))
    assert found.startswith("do[0].start_journey: must be an id")


HOOK = "https://example.com/hook"
HEADERS = "do[0].webhook.headers"
METHODS = "POST, PUT, PATCH, DELETE, GET"


def test_webhook_says_how_it_asks() -> None:
    said = {"Authorization": "Bearer {{ secrets.CRM }}", "X-Shop": "a b"}
    found = documents.parse(
        trigger({"webhook": {"url": HOOK, "method": "PUT", "headers": said, "body": {"a": 1}}})
    )
    assert isinstance(found, Trigger)
    [hook] = found.do
    assert hook == actions.Webhook(url=HOOK, method="PUT", headers=said, body={"a": 1})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"method": "put"},
            [f'do[0].webhook.method: must be one of {METHODS}, found the text "put"'],
        ),
        ({"method": "GET", "body": {}}, ["do[0].webhook.body: may not stand beside method: GET"]),
        ({"headers": ["a"]}, [f"{HEADERS}: must be a mapping, found a list"]),
        (
            {"headers": {"X Y": "a", "Host": "b", "webhook-id": "c"}},
            [
                f'{HEADERS}["X Y"]: must be the name of a header such as X-Api-Key',
                f"{HEADERS}.Host: is written by the sender",
                f"{HEADERS}.webhook-id: is written by the sender",
            ],
        ),
        (
            {"headers": {"a": 5, "b": "x\r\nHost: y", "c": "{{ secrets.a-b", "d": ""}},
            [
                f"{HEADERS}.a: must be a text",
                f"{HEADERS}.b: must be a line of at most 2048 ASCII characters",
                f"{HEADERS}.c: takes values as {{{{ … }}}}, and nothing else of Liquid",
                f"{HEADERS}.d: must be a line of at most 2048 ASCII characters",
            ],
        ),
        (
            {"headers": {"X-A": "1", "x-a": "2"}},
            [
                f"{HEADERS}: has a header twice: their names do not differ by large and small"
                " letters"
            ],
        ),
        (
            {"headers": {f"X-{number}": "1" for number in range(21)}},
            [f"{HEADERS}: must have at most 20, found 21"],
        ),
    ],
)
def test_what_a_webhook_can_not_say_is_told(fields: dict[str, Any], said: list[str]) -> None:
    assert problems(trigger({"webhook": {"url": HOOK, **fields}})) == said


def test_audience_is_that_of_a_service() -> None:
    said = {"service": "google", "audience": 123, "topic": "ads"}
    found = documents.parse(
        trigger(
            {"add_to_audience": said},
            {"remove_from_audience": {"service": "meta", "audience": "9"}},
        )
    )
    assert isinstance(found, Trigger)
    assert found.do == (
        actions.AddToAudience(service="google", audience="123", topic="ads"),
        actions.RemoveFromAudience(service="meta", audience="9"),
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"audience": "9"}, "needs the key service"),
        ({"service": "x", "audience": "9"}, ".service: must be one of meta, google"),
        ({"service": "meta", "audience": "a9"}, ".audience: must be the number of an audience"),
        ({"service": "meta", "audience": True}, ".audience: must be the number of an audience"),
        ({"service": "meta", "id": "9"}, ".id: unknown key; did you mean audience?"),
    ],
)
def test_audience_that_can_not_be_is_told(fields: dict[str, Any], said: str) -> None:
    for name in ("add_to_audience", "remove_from_audience"):
        (found,) = problems(trigger({name: fields}))
        assert found.startswith(f"do[0].{name}")
        assert said in found
