"""Access to Google's services as a service account: a token that is asked for, kept and renewed.

Under the channels that speak to Google. Source: RFC 7523, 2.1;
developers.google.com/identity/protocols/oauth2/service-account.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from connectors import http
from connectors.channels import replies
from connectors.errors import BadSetting
from connectors.http import Client
from schemas.messages import Reply

TOKEN_URL = "https://oauth2.googleapis.com/token"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFE_S = 3_600
"""Of an assertion, as long as Google allows."""
MARGIN_MS = 300_000
"""A token is renewed so long before its end."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A service account, as the file of its key has it."""

    client_email: str
    private_key: str
    private_key_id: str = ""
    project_id: str = ""
    token_uri: str = TOKEN_URL

    def __repr__(self) -> str:
        return f"Account({self.client_email!r})"


def read_account(path: Path) -> Account:
    """Returns the service account of a JSON file.

    Raises:
        BadSetting: it can not be read, or has no RSA key.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Account)
        key = load_pem_private_key(found.private_key.encode(), password=None)
    except OSError as error:
        raise BadSetting(f"can not read {path}") from error
    except (ValueError, TypeError):  # the cause may hold the key
        raise BadSetting(f"{path} is no key file of a service account") from None
    if not isinstance(key, RSAPrivateKey):
        raise BadSetting(f"{path} has a key that is not RSA")
    return found


class Tokens:
    """The access token of one scope.

    Guarantees:
        However many ask at once, Google is asked once, and they all have its answer.
    """

    def __init__(
        self, client: Client, account: Account, scope: str, *, now_ms: Callable[[], int]
    ) -> None:
        self._client = client
        self._account = account
        self._scope = scope
        self._now_ms = now_ms
        self._token = ""
        self._until_ms = 0
        self._asking: asyncio.Future[str | Reply] | None = None

    async def get(self) -> str | Reply:
        """Returns a token that is good for minutes; where there is none, a reply that says why.

        Nothing was sent then, so that the reply is always one of a repeat that may do.
        """
        if self._now_ms() < self._until_ms - MARGIN_MS:
            return self._token
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(self._ask())
        return await asyncio.shield(self._asking)

    def forget(self, token: str) -> None:
        """Has the next one asked for, where this one was refused before its time."""
        if token == self._token:
            self._until_ms = 0

    async def _ask(self) -> str | Reply:
        content = urlencode({"grant_type": GRANT, "assertion": self._assertion()}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        attempt = await self._client.ask("POST", self._account.token_uri, content, headers=headers)
        found = replies.fields(attempt.body)
        token, life_s = replies.part(found, "access_token"), replies.part(found, "expires_in")
        if not attempt.sent or not isinstance(token, str) or not isinstance(life_s, int):
            after = http.retry_after_ms(attempt.retry_after, self._now_ms())
            return Reply(fate="passing", detail=f"token-{attempt.detail}", retry_after_ms=after)
        self._token, self._until_ms = token, self._now_ms() + life_s * 1000
        return token

    def _assertion(self) -> str:
        account, seconds = self._account, self._now_ms() // 1000
        claims = {
            "iss": account.client_email,
            "scope": self._scope,
            "aud": account.token_uri,
            "iat": seconds,
            "exp": seconds + LIFE_S,
        }
        headers = {"kid": account.private_key_id}
        return jwt.encode(claims, account.private_key, algorithm="RS256", headers=headers)
