from typing import Any

import pytest

from processors.definitions import documents
from processors.definitions.topics import Topic
from tests.builders import topic
from tests.unit.definitions.builders import problems


def parsed(**keys: Any) -> Topic:
    found = documents.parse(topic(**keys))
    assert isinstance(found, Topic)
    return found


def test_a_topic_is_for_all_channels_and_asks_for_nothing_unless_it_says_so() -> None:
    found = parsed()
    assert (found.channels, found.consent, found.transactional) == (None, "implied", False)


def test_a_topic_says_where_it_exists_and_what_must_have_been_agreed_to() -> None:
    found = parsed(channels=["email", "sms"], consent="double")
    assert (found.channels, found.consent) == (("email", "sms"), "double")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"channels": []}, "channels: must be a list with at least one item"),
        ({"channels": ["mail"]}, "channels[0]: must be one of email, sms"),
        ({"consent": "yes"}, 'consent: must be one of implied, required, double, found'),
        ({"transactional": "no"}, "transactional: must be true or false"),
        ({"opt_in": "double"}, "opt_in: unknown key; did you mean consent?"),
        (
            {"transactional": True, "consent": "double"},
            "consent: transactional messages need no consent; leave one of the two out",
        ),
    ],
)  # fmt: skip
def test_a_mistake_brings_one_plain_message(keys: dict[str, Any], message: str) -> None:
    (found,) = problems(topic(**keys))
    assert found.startswith(message)
