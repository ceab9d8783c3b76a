"""Google's customer match: people put on a list for advertisements, or taken off it.

Last in the flow. Source: developers.google.com/data-manager/api: reference/rest/v1/audienceMembers
(`:ingest`, `:remove`), devguides/concepts/formatting (normal form; SHA-256 in hex).

Promise: key. A list has each person once, so that a repeat changes nothing. Whoever runs this has
accepted Google's terms of customer match, and sends consent for those people only who gave it.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from connectors.channels import audiences, replies
from connectors.channels.audiences import Change
from connectors.channels.replies import Codes
from connectors.google import Tokens
from connectors.http import Client
from schemas.errors import Unsendable
from schemas.messages import Message, Promise, Reply

URL = "https://datamanager.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/datamanager"

CODES = Codes(
    passing=frozenset(
        {
            *("RESOURCE_EXHAUSTED", "UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED"),
            *("UNAUTHENTICATED", "PERMISSION_DENIED"),
        }
    ),
    refused=frozenset({"INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION"}),
)


class GoogleAudience:
    """Adds people to audiences of Google Ads and removes them, a `Provider` by shape."""

    name = "google_audience"
    channels = (audiences.CHANNEL,)
    promise: Promise = "key"

    def __init__(
        self,
        client: Client,
        tokens: Tokens,
        account: str,
        *,
        now_ms: Callable[[], int],
        url: str = URL,
    ) -> None:
        """Takes whom to be.

        Args:
            client: closed with the provider.
            tokens: of the scope `SCOPE`.
            account: the number of the Google Ads account, digits only.
            now_ms: the wall clock.
            url: of the service.
        """
        self._client = client
        self._tokens = tokens
        self._account = account
        self._now_ms = now_ms
        self._url = f"{url}/v1/audienceMembers"

    async def send(self, message: Message) -> Reply:
        """Returns what came of one request."""
        try:
            change = audiences.change(message.data, "google")
            person = audiences.hashed(message.to, without_dots=True)
        except Unsendable as error:
            return replies.refused(error.reason)
        token = await self._tokens.get()
        if isinstance(token, Reply):
            return token
        attempt = await self._client.ask(
            "POST",
            f"{self._url}:{'ingest' if change.is_addition else 'remove'}",
            msgspec.json.encode(self._content(change, person)),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        if attempt.status == 401:
            self._tokens.forget(token)
        found = replies.fields(attempt.body)
        code = None if attempt.sent else replies.text(found, "error", "status")
        provider_id = replies.text(found, "requestId")
        return replies.judge(attempt, CODES, self._now_ms(), code=code, provider_id=provider_id)

    async def look_up(self, message: Message) -> Reply | None:
        """Returns None: a repeat does no harm."""
        return None

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    def _content(self, change: Change, person: str) -> dict[str, Any]:
        destination = {
            "operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": self._account},
            "productDestinationId": change.audience,
        }
        identifiers = {"userIdentifiers": [{"emailAddress": person}]}
        found: dict[str, Any] = {
            "destinations": [destination],
            "audienceMembers": [{"compositeData": {"userData": identifiers}}],
            "encoding": "HEX",
        }
        if change.is_addition:
            found["termsOfService"] = {"customerMatchTermsOfServiceStatus": "ACCEPTED"}
        return found
