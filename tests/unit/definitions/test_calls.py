"""The texts of a set into which values are filled."""

from processors.definitions import calls, sets
from tests.unit.definitions.builders import TAG_IT, journey, trigger

HOOK = {"webhook": {"url": "https://example.com/{{ a }}", "body": {"b": "{{ c }}", "d": "e"}}}
PLAIN = {"webhook": {"url": "https://example.com/"}}


def test_texts_of_triggers_and_journeys_are_found_with_their_places() -> None:
    steps = [{"id": "rest", "wait": {"for": "1d"}}, {"id": "call", **HOOK}]
    found = sets.from_documents([trigger(TAG_IT, PLAIN, HOOK), journey(*steps)])
    assert [(each.id, path, text) for each, path, text in calls.texts(found)] == [
        ("greet", ("do", 2, "webhook", "url"), "https://example.com/{{ a }}"),
        ("greet", ("do", 2, "webhook", "body", "b"), "{{ c }}"),
        ("welcome", ("steps", 1, "webhook", "url"), "https://example.com/{{ a }}"),
        ("welcome", ("steps", 1, "webhook", "body", "b"), "{{ c }}"),
    ]
