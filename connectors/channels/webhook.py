"""Posts messages to the addresses that marketers wrote, signed after Standard Webhooks.

Last in the flow. The command's id is the message's id and its idempotency key: a receiver that
remembers ids gets each message once, however often it is posted.
Source: https://www.standardwebhooks.com, specification 1.0.
"""

from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from standardwebhooks import Webhook as Signer

from connectors import http
from connectors.errors import BadSetting
from connectors.http import Attempt, Client
from schemas import headers
from schemas.errors import Unsendable
from schemas.events import iso
from schemas.messages import Fate, Message, Promise, Reply

SECRET_BYTES = range(24, 65)
MAX_SECRETS = 4
METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE", "GET"})


class WebhookProvider:
    """Posts messages to the addresses they name, a `Provider` by shape.

    Guarantees:
        Every repeat of a message has the same body, byte for byte, and the same id: a receiver
        that keeps to Standard Webhooks drops it. Only an answer of 2xx is success; all other
        statuses but 408, 425, 429 and 5xx are final, redirects too.
    """

    name = "webhook"
    channels = ("webhook",)
    promise: Promise = "key"

    def __init__(
        self,
        client: Client,
        secrets: Sequence[str],
        named: Mapping[str, str] | None = None,
        *,
        now_ms: Callable[[], int],
    ) -> None:
        """Checks the secrets.

        Args:
            client: closed with the provider.
            secrets: `whsec_…`, the newest first; each signs, so that one can be replaced by the
                next while receivers still know the last.
            named: what the headers of messages name as `{{ secrets.NAME }}`; see `checked`.
            now_ms: the wall clock; receivers refuse a signature that is older than minutes.

        Raises:
            BadSetting: no secret, or one that is not 24 to 64 bytes in base64.
        """
        self._signers = _signers(secrets)
        self._named = dict(named or {})
        self._client = client
        self._now_ms = now_ms

    async def send(self, message: Message) -> Reply:
        """Returns what came of posting the message to its `url`, with what was answered."""
        if message.url is None:
            return Reply(fate="refused", detail="url-missing")
        if message.method not in METHODS:
            return Reply(fate="refused", detail="method-invalid")
        try:
            own = self._own(message.headers)
        except Unsendable as error:
            return Reply(fate="refused", detail=error.reason)
        content = b"" if message.method == "GET" else posted(message)
        ours = signed(self._signers, message.id, content, now_ms=self._now_ms)
        attempt = await self._client.ask(
            message.method, message.url, content, headers={**own, **ours}
        )
        return Reply(
            fate=_fate(attempt),
            detail=attempt.detail,
            retry_after_ms=http.retry_after_ms(attempt.retry_after, self._now_ms()),
            answer=answer(attempt.body),
        )

    def _own(self, given: Mapping[str, str]) -> Mapping[str, str]:
        """Returns the headers that the message has of its own, their secrets filled in."""
        for name, value in given.items():
            if headers.wrong_name(name) or headers.wrong_value(value):
                raise Unsendable("header-invalid")
        try:
            return {name: headers.filled(value, self._named) for name, value in given.items()}
        except KeyError as error:
            raise Unsendable("secret-unknown") from error

    async def look_up(self, message: Message) -> Reply | None:
        """Returns None: receivers can not be asked."""
        return None

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()


def signed(
    signers: Sequence[Signer], id_: str, content: bytes, *, now_ms: Callable[[], int]
) -> dict[str, str]:
    """Returns the headers of a request: made anew for each, the time in them must be fresh."""
    seconds = now_ms() // 1000
    at = datetime.fromtimestamp(seconds, UTC)
    text = content.decode()
    kind = {"Content-Type": "application/json"} if content else {}
    return {
        **kind,
        "Idempotency-Key": id_,
        "webhook-id": id_,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(one.sign(id_, at, text) for one in signers),
    }


def posted(message: Message) -> bytes:
    """Returns what is posted for a message: JSON, the same bytes every time."""
    found: dict[str, Any] = {
        "id": message.id,
        "type": "command",
        "profile_id": message.profile_id,
        "definition_id": message.definition_id,
        "step": message.step,
        "data": message.data,
    }
    if message.at is not None:
        found["timestamp"] = iso(message.at)
    if message.version:
        found["version"] = message.version
    if message.traits:
        found["traits"] = message.traits
    return msgspec.json.encode(found, order="deterministic")


def answer(body: bytes) -> str | None:
    """Returns what a receiver answered if it is JSON, in its shortest form; None where it is not.

    >>> answer(b'{ "a": 1 }'), answer(b"OK")
    ('{"a":1}', None)
    """
    try:
        return msgspec.json.encode(msgspec.json.decode(body)).decode()
    except (msgspec.DecodeError, RecursionError):
        return None


def _fate(attempt: Attempt) -> Fate:
    if attempt.sent:
        return "accepted"
    if attempt.is_open:
        return "unknown"
    return "passing" if attempt.passing else "refused"


def checked(named: Mapping[str, str]) -> Mapping[str, str]:
    """Returns secrets that headers can name and hold.

    Raises:
        BadSetting: one can not be; it says nothing of the value.
    """
    for name, value in named.items():
        if headers.SECRET.fullmatch(f"{{{{ secrets.{name} }}}}") is None:
            raise BadSetting(f"{name[:100]!r} is no name such as CRM_TOKEN")
        if headers.VALUE.fullmatch(value) is None:
            raise BadSetting(f"the value of {name} must be a line of ASCII")
    return named


def _signers(secrets: Sequence[str]) -> list[Signer]:
    if not 1 <= len(secrets) <= MAX_SECRETS:
        raise BadSetting(f"webhooks need 1 to {MAX_SECRETS} secrets (whsec_…)")
    return [_signer(secret) for secret in secrets]


def _signer(secret: str) -> Signer:
    """Says nothing of the secret in its errors: they are read by people, and logged."""
    text = secret.removeprefix("whsec_")
    try:
        key = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise BadSetting("a webhook secret must be whsec_ and base64") from None
    if len(key) not in SECRET_BYTES:
        raise BadSetting("a webhook secret must have 24 to 64 bytes")
    return Signer(key)
