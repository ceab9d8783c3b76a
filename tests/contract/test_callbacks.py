"""What all callbacks promise: nothing is believed that is not signed, and nothing can break them.

A service joins by its module's `CASES` (tests/providers/posting.py).
"""

import functools
from collections.abc import Sequence
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.channels.sendgrid import SIGNATURE, TIMESTAMP
from processors.ports import Callbacks
from schemas.errors import BadRecord, Forged
from schemas.messages import CallbackRequest, Report
from schemas.outcomes import Result
from tests.providers import posting
from tests.providers.posting import CASES

NAMES = sorted(CASES)
WORDS = [
    "event", "eventType", "timestamp", "ts_epoch", "mail", "tags", "command_id", "bounce", "open",
    "click", "link", "url", "message", "headers", "message-id", "messageId", "user-variables",
    "client-info", "bot", "severity", "reason", "type", "status", "sg_event_id", "sg_message_id",
    "subscription", "newTopicPreferences", "oldTopicPreferences", "topicSubscriptionStatus",
    "X-Mailin-custom", "sg_machine_open", "userAgent", "bounceType", "unsubscribeAll",
]  # fmt: skip
VALUES = [
    "delivered", "opened", "open", "bounce", "failed", "Bounce", "Open", "Subscription", "click",
    "hard_bounce", "proxy_open", "dropped", "permanent", "Permanent", "suppress-bounce",
    "2024-05-01T12:34:56Z", 1_714_566_896, 1_714_566_896_789, -1, 0, 10**30, 1e308, True, "", "\0",
]  # fmt: skip
LEAVES = st.sampled_from(VALUES) | st.none() | st.text(max_size=10) | st.integers()
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=5), inner, max_size=8)
    ),
    max_leaves=25,
)
OBJECTS = st.dictionaries(st.sampled_from(WORDS), ANYTHING, max_size=4)


@functools.cache
def callbacks(name: str) -> Callbacks:
    return CASES[name].make()


def posted(name: str, content: Any) -> CallbackRequest:
    return CASES[name].post(content)


@pytest.mark.parametrize("name", NAMES)
def test_delivery_is_told_of_its_command(name: str) -> None:
    [report] = callbacks(name).read(posted(name, CASES[name].tells))

    assert (report.provider, callbacks(name).name) == (name, name)
    assert (report.result, report.command_id, report.provider_id) == ("delivered", "c-1", "m-1")
    assert report.at // 1000 == posting.NOW_MS // 1000


@pytest.mark.parametrize("name", NAMES)
def test_same_post_again_has_the_same_ids(name: str) -> None:
    request = posted(name, CASES[name].tells)

    assert callbacks(name).read(request) == callbacks(name).read(request)


@pytest.mark.parametrize("name", NAMES)
def test_post_without_its_proof_is_forged(name: str) -> None:
    request = posted(name, CASES[name].tells)
    bare = msgspec.structs.replace(request, headers={}, body=request.body.replace(b"ign", b"IGN"))

    with pytest.raises((Forged, BadRecord)) as caught:
        callbacks(name).read(bare)
    assert posting.SECRET not in str(caught.value)


@pytest.mark.parametrize("name", ["sendgrid", "mailgun", "ses"])
@pytest.mark.parametrize("days", [-30, 30])
def test_post_of_another_time_is_forged(name: str, days: int) -> None:
    request = posted(name, CASES[name].tells)
    later = msgspec.structs.replace(request, at=request.at + days * 86_400_000)

    with pytest.raises(Forged):
        callbacks(name).read(later)


@pytest.mark.parametrize("name", NAMES)
@given(content=ANYTHING, changes=OBJECTS)
def test_signed_post_is_read_or_can_not_be_and_nothing_else(
    name: str, content: Any, changes: dict[str, Any]
) -> None:
    whole = CASES[name].tells
    changed = [{**whole[0], **changes}] if isinstance(whole, list) else {**whole, **changes}
    for told in (content, changed):
        for report in read_or_none(name, told):
            assert report.id
            assert report.result in get_args(Result)
            assert 0 < report.at < 10**14
            assert len(report.detail) <= 64
            assert msgspec.json.encode(report)


def read_or_none(name: str, told: Any) -> Sequence[Report]:
    try:
        return callbacks(name).read(posted(name, told))
    except BadRecord:
        return []


@pytest.mark.parametrize("name", NAMES)
@given(body=st.binary(max_size=200), stamp=st.text(max_size=20), proof=st.text(max_size=40))
def test_bytes_from_nobody_are_refused(name: str, body: bytes, stamp: str, proof: str) -> None:
    headers = {"authorization": proof, SIGNATURE: proof, TIMESTAMP: stamp}
    with pytest.raises((Forged, BadRecord)):
        callbacks(name).read(posting.request(body, headers))
