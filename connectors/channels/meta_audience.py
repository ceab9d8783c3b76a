"""Meta's custom audiences: people put on a list for advertisements, or taken off it.

Last in the flow. Source: developers.facebook.com/docs/marketing-api/reference/custom-audience/users
and /docs/marketing-api/audiences/guides/custom-audiences (normal form: trimmed, small letters;
SHA-256 in hex).

Promise: key. A list has each person once, so that a repeat changes nothing.
"""

from collections.abc import Callable
from urllib.parse import urlencode

import msgspec

from connectors.channels import audiences, replies
from connectors.channels.meta import CODES as GRAPH
from connectors.channels.meta import URL, VERSION, graph_error
from connectors.channels.replies import Codes
from connectors.http import Client
from schemas.errors import Unsendable
from schemas.messages import Message, Promise, Reply

CODES = Codes(passing=GRAPH.passing, refused=frozenset({"100", "2650"}))


class MetaAudience:
    """Adds people to custom audiences and removes them, a `Provider` by shape."""

    name = "meta_audience"
    channels = (audiences.CHANNEL,)
    promise: Promise = "key"

    def __init__(
        self, client: Client, token: str, *, now_ms: Callable[[], int], url: str = URL
    ) -> None:
        """Takes whom to be.

        Args:
            client: closed with the provider.
            token: of a system user, with `ads_management`.
            now_ms: the wall clock.
            url: of the service.
        """
        self._client = client
        self._url = f"{url}/{VERSION}"
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        self._now_ms = now_ms

    async def send(self, message: Message) -> Reply:
        """Returns what came of one request."""
        try:
            change = audiences.change(message.data, "meta")
            person = audiences.hashed(message.to)
        except Unsendable as error:
            return replies.refused(error.reason)
        payload = msgspec.json.encode({"schema": ["EMAIL"], "data": [[person]]}).decode()
        attempt = await self._client.ask(
            "POST" if change.is_addition else "DELETE",
            f"{self._url}/{change.audience}/users",
            urlencode({"payload": payload}).encode(),
            headers=self._headers,
        )
        found = replies.fields(attempt.body)
        code = None if attempt.sent else graph_error(attempt.body)
        if attempt.sent and found.get("num_invalid_entries"):
            code = "invalid-entry"
        provider_id = replies.text(found, "session_id")
        return replies.judge(attempt, CODES, self._now_ms(), code=code, provider_id=provider_id)

    async def look_up(self, message: Message) -> Reply | None:
        """Returns None: a repeat does no harm."""
        return None

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()
