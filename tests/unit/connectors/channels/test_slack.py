"""What Slack is told, that nobody can make it call everybody, and what its errors mean."""

import pytest

from connectors import http
from connectors.channels.slack import Slack, SlackWebhook
from tests.providers.messengers import message
from tests.providers.scripted import Said, send
from tests.providers.servers import Answer, answer

TAKEN = answer(200, {"ok": True, "channel": "C1", "ts": "1503435956.000247"})


def bot(client: http.Client, url: str, channel: str | None = "C9") -> Slack:
    return Slack(client, "xoxb-1", channel=channel, now_ms=lambda: 0, url=url)


def hook(client: http.Client, url: str) -> SlackWebhook:
    return SlackWebhook(client, f"{url}/services/T/B/x", now_ms=lambda: 0)


def post(*answers: Answer, to: str = "C1", text: str | None = "Hallo") -> Said:
    return send(bot, message("slack", "c-1", to=to, text=text), answers=list(answers))


def test_message_is_posted_as_the_bot() -> None:
    said = post(TAKEN)

    assert said.request.path == "/api/chat.postMessage"
    assert said.request.headers["authorization"] == "Bearer xoxb-1"
    assert said.request.json == {"channel": "C1", "text": "Hallo"}
    assert (said.reply.fate, said.reply.provider_id) == ("accepted", "C1:1503435956.000247")


def test_message_without_a_place_goes_to_the_channel_of_the_settings() -> None:
    assert post(TAKEN, to="").request.json["channel"] == "C9"

    lost = send(lambda one, url: bot(one, url, None), message("slack", "c-1", to=""), answers=[])
    assert lost.reply.detail == "address-missing"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ada <!channel>", "Ada &lt;!channel&gt;"),
        ("<@U024BE7LH> & <!here|you>", "&lt;@U024BE7LH&gt; &amp; &lt;!here|you&gt;"),
        ("<https://a.example|go> <!here>", "<https://a.example|go> &lt;!here&gt;"),
        ("<https://a.example|<!channel>>", "&lt;https://a.example|&lt;!channel&gt;&gt;"),
        ("<javascript:alert(1)|go>", "&lt;javascript:alert(1)|go&gt;"),
        ("&lt;!channel&gt; &#60;!here>", "&lt;!channel&gt; &amp;#60;!here&gt;"),
    ],
)
def test_what_slack_would_obey_is_only_text(text: str, expected: str) -> None:
    assert post(TAKEN, text=text).request.json["text"] == expected
    said = send(hook, message("slack", "c-1", text=text), answers=[Answer(200, b"ok")])
    assert said.request.json["text"] == expected


def test_title_and_address_stand_in_lines_of_their_own() -> None:
    rich = message("slack", "c-1", subject="<b>", text="Ada", url="https://a.example/?a=1&b=2")

    sent = send(bot, rich, answers=[TAKEN]).request.json

    assert sent["text"] == "&lt;b&gt;\nAda\nhttps://a.example/?a=1&amp;b=2"


@pytest.mark.parametrize("text", ["", None, "x" * 40_001])
def test_text_that_slack_would_not_take_whole_is_not_sent(text: str | None) -> None:
    assert post(text=text).reply.detail == "text-length"
    assert send(hook, message("slack", "c", text=text), answers=[]).reply.detail == "text-length"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("channel_not_found", "refused"),
        ("is_archived", "refused"),
        ("msg_too_long", "refused"),
        ("something_new", "refused"),
        ("ratelimited", "passing"),
        ("service_unavailable", "passing"),
        ("token_revoked", "passing"),
        ("missing_scope", "passing"),
        ("internal_error", "unknown"),
        ("fatal_error", "unknown"),
    ],
)
def test_errors_come_with_a_status_of_success(error: str, expected: str) -> None:
    reply = post(answer(200, {"ok": False, "error": error})).reply

    assert (reply.fate, reply.detail) == (expected, error)


def test_answer_that_can_not_be_read_leaves_it_unknown() -> None:
    for given in (Answer(200, b"<html>"), answer(200, {"ok": "yes"}), answer(200, [])):
        assert post(given).reply.fate == "unknown"
    assert post(answer(200, {"ok": False})).reply.detail == "not-ok"


def test_rate_limit_says_how_long() -> None:
    reply = post(answer(429, {"ok": False, "error": "ratelimited"}, Retry_After="30")).reply

    assert (reply.fate, reply.retry_after_ms) == ("passing", 30_000)


@pytest.mark.parametrize(
    ("status", "word", "expected"),
    [
        (200, b"ok", "accepted"),
        (400, b"invalid_payload", "refused"),
        (403, b"action_prohibited", "refused"),
        (404, b"channel_not_found", "refused"),
        (404, b"no_service", "passing"),
        (410, b"channel_is_archived", "refused"),
        (500, b"rollup_error", "passing"),
        (500, b"", "passing"),
    ],
)
def test_incoming_webhook_says_a_word(status: int, word: bytes, expected: str) -> None:
    reply = send(hook, message("slack", "c-1"), answers=[Answer(status, word)]).reply

    assert reply.fate == expected
    assert reply.detail in (word.decode(), f"http-{status}")
