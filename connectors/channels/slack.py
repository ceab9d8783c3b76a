"""Slack: messages to channels and people, by a bot's token or an incoming webhook.

Last in the flow. Sources: docs.slack.dev/reference/methods/chat.postMessage (request, errors),
/messaging/sending-messages-using-incoming-webhooks (errors), /apis/web-api/rate-limits,
/messaging/formatting-message-text (escaping).

Promise: none. Neither way takes an idempotency key that the documentation knows.
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from connectors.channels import replies
from connectors.channels.replies import Codes
from connectors.http import Attempt, Client
from schemas.messages import Message, Promise, Reply

URL = "https://slack.com"
MAX_TEXT_CHARS = 40_000
"""Slack cuts longer ones."""
BARE = re.compile(r"&(?!(?:amp|lt|gt);)")
LINK = re.compile(r"(<(?:https?://|mailto:)[^<>|\s]+(?:\|[^<>]*)?>)")

CODES = Codes(
    passing=frozenset(
        {
            *("ratelimited", "rate_limited", "message_limit_exceeded", "service_unavailable"),
            *("request_timeout", "team_added_to_org", "accesslimited"),
            *("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"),
            *("missing_scope", "no_permission", "ekm_access_denied", "org_login_required"),
            *("no_service", "no_team", "invalid_token", "rollup_error"),  # incoming webhooks
        }
    ),
    refused=frozenset({"action_prohibited", "channel_not_found", "channel_is_archived"}),
    unknown=frozenset({"fatal_error", "internal_error"}),  # "some aspect may have succeeded"
)


class Slack:
    """Posts as a bot to channels (`C…`) and people (`U…`), a `Provider` by shape."""

    name = "slack"
    channels = ("slack",)
    promise: Promise = "none"

    def __init__(
        self,
        client: Client,
        token: str,
        *,
        channel: str | None = None,
        now_ms: Callable[[], int],
        url: str = URL,
    ) -> None:
        """Takes whom to be.

        Args:
            client: closed with the provider.
            token: of a bot with `chat:write`, `xoxb-…`.
            channel: where messages go that name no place.
            now_ms: the wall clock.
            url: of the service.
        """
        self._client = client
        self._url = f"{url}/api/chat.postMessage"
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json; charset=utf-8",
        }
        self._channel = channel
        self._now_ms = now_ms

    async def send(self, message: Message) -> Reply:
        """Returns what came of one request: Slack says 200 of what it refuses, too."""
        posted = text(message)
        channel = message.to or self._channel
        if channel is None:
            return replies.refused("address-missing")
        if not 0 < len(posted) <= MAX_TEXT_CHARS:
            return replies.refused("text-length")
        content = msgspec.json.encode({"channel": channel, "text": posted})
        attempt = await self._client.ask("POST", self._url, content, headers=self._headers)
        return self._judged(attempt, replies.fields(attempt.body))

    async def look_up(self, message: Message) -> Reply | None:
        """Returns None: nothing of ours is in Slack's history."""
        return None

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    def _judged(self, attempt: Attempt, found: dict[str, Any]) -> Reply:
        if attempt.sent and not isinstance(found.get("ok"), bool):
            return Reply(fate="unknown", detail="answer-unreadable")
        code = None if found.get("ok") is True else replies.text(found, "error")
        if attempt.sent and found["ok"] is False and code is None:
            code = "not-ok"
        place = f"{replies.text(found, 'channel')}:{replies.text(found, 'ts')}"
        return replies.judge(attempt, CODES, self._now_ms(), code=code, provider_id=place)


class SlackWebhook:
    """Posts to the one channel of an incoming webhook, a `Provider` by shape."""

    name = "slack_webhook"
    channels = ("slack",)
    promise: Promise = "none"

    def __init__(self, client: Client, url: str, *, now_ms: Callable[[], int]) -> None:
        """Takes the webhook's address, a secret; the client is closed with the provider."""
        self._client = client
        self._url = url
        self._now_ms = now_ms

    async def send(self, message: Message) -> Reply:
        """Returns what came of one request; an error is a word in plain text."""
        posted = text(message)
        if not 0 < len(posted) <= MAX_TEXT_CHARS:
            return replies.refused("text-length")
        content = msgspec.json.encode({"text": posted})
        headers = {"Content-Type": "application/json"}
        attempt = await self._client.ask("POST", self._url, content, headers=headers)
        code = None if attempt.sent else attempt.body[:64].decode(errors="replace").strip()
        return replies.judge(attempt, CODES, self._now_ms(), code=code or None)

    async def look_up(self, message: Message) -> Reply | None:
        """Returns None: a webhook can not be asked."""
        return None

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()


def text(message: Message) -> str:
    """Returns what is posted: subject, text and address, with nothing in it that calls anybody.

    Values are escaped where the text is composed; here stands a second guard for all of it.
    """
    parts = (message.subject, message.text, message.url)
    return "\n".join(escape(each) for each in parts if each)


def escape(found: str) -> str:
    """Returns a text whose only commands are links: `<!channel>` and `<@U…>` are made text.

    What is escaped already stays as it is.

    >>> escape("A & B <!channel> <https://a.example|go> &lt;")
    'A &amp; B &lt;!channel&gt; <https://a.example|go> &lt;'
    """
    parts = LINK.split(BARE.sub("&amp;", found))
    parts[::2] = [each.replace("<", "&lt;").replace(">", "&gt;") for each in parts[::2]]
    return "".join(parts)
