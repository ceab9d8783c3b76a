"""Tokens in the addresses of a message: whom it went to and what for, sealed and signed.

Between the senders, whose `links` makes them, and `api.tracking`, which believes nothing else.
"""

import base64
import hmac
import re
from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.topics import DAY_MS

Purpose = Literal["open", "click", "unsubscribe", "preferences", "confirm", "view"]

MIN_SECRET_BYTES = 32
MAX_TOKEN_CHARS = 4_096
MAX_KEYS = 20
TAG_BYTES = 16
"""Of the HMAC; the seal has as many of its own."""

LIVES_MS: dict[Purpose, int | None] = {
    "open": 400 * DAY_MS,
    "click": 400 * DAY_MS,
    "unsubscribe": None,
    "preferences": None,
    "confirm": 30 * DAY_MS,
    "view": 400 * DAY_MS,
}
"""How long a token counts from the instant of its command; None: for ever."""

_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,16}")


class BadKeys(Exception):
    """Signing keys that can not be used; the message holds no key."""


class Claims(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What a token says of the message that it stands in."""

    profile_id: str
    channel: str
    command_id: str
    at: int
    """Of the command, ms since the epoch."""
    topic: str | None = None
    definition_id: str = ""
    step: str = ""
    url: str | None = None
    """Where a click leads."""


class _Keys(NamedTuple):
    """The keys of one purpose, made of one secret."""

    sign: hmac.HMAC
    """To be copied: what signs in one call lets go of the interpreter's lock, and beside a busy
    thread waits milliseconds for it, with each link."""
    seal: AESSIV


class Keyring:
    """Makes tokens with the first of its keys, reads those of all.

    Guarantees:
        The same claims give the same token. Nothing of them can be read without the key: a person's
        id may be an address. A token of one purpose or workspace is none of another.
    """

    def __init__(self, secrets: Sequence[tuple[str, bytes]], *, workspace: str) -> None:
        """Takes ids and secrets, the newest first, and what tells installations apart.

        Raises:
            BadKeys: none, an id twice or of other characters, or a secret below 32 bytes.
        """
        _check(secrets)
        self._first = secrets[0][0]
        self._keys = {
            (id_, purpose): _derived(secret, f"beckon {workspace} {purpose}")
            for id_, secret in secrets
            for purpose in get_args(Purpose)
        }

    def make(self, purpose: Purpose, claims: Claims) -> str:
        """Returns the token: key id, dot, base64url; safe within an address."""
        keys = self._keys[self._first, purpose]
        sealed = keys.seal.encrypt(msgspec.msgpack.encode(claims), None)
        body = _text(_tag(keys, self._first, sealed) + sealed)
        return f"{self._first}.{body}"

    def read(self, purpose: Purpose, token: str, *, now_ms: int) -> Claims | None:
        """Returns what a token says; None where it is forged, of another purpose, or too old.

        It does not say which: whoever tries learns nothing.
        """
        id_, _, text = token.partition(".")
        keys = self._keys.get((id_, purpose))
        body = _bytes(text) if len(token) <= MAX_TOKEN_CHARS else None
        if keys is None or body is None:
            return None
        tag, sealed = body[:TAG_BYTES], body[TAG_BYTES:]
        if not hmac.compare_digest(tag, _tag(keys, id_, sealed)):
            return None
        try:
            claims = msgspec.msgpack.decode(keys.seal.decrypt(sealed, None), type=Claims)
        except (InvalidTag, ValueError, msgspec.DecodeError):
            return None
        life_ms = LIVES_MS[purpose]
        return claims if life_ms is None or now_ms < claims.at + life_ms else None


def parse_keys(text: str) -> list[tuple[str, bytes]]:
    """Returns the keys of a setting: `id:base64,id:base64`, the newest first.

    Raises:
        BadKeys: it is written otherwise.
    """
    found = []
    for place, part in enumerate(each for each in text.split(",") if each.strip()):
        id_, colon, secret = part.strip().partition(":")
        try:
            found.append((id_, base64.b64decode(secret, validate=True)))
        except ValueError as error:
            raise BadKeys(f"key {place + 1} is not written as id:base64") from error
        if not colon:
            raise BadKeys(f"key {place + 1} is not written as id:base64")
    return found


def _check(secrets: Sequence[tuple[str, bytes]]) -> None:
    if not secrets:
        raise BadKeys("there is no key")
    if len(secrets) > MAX_KEYS:
        raise BadKeys(f"there are {len(secrets)} keys; {MAX_KEYS} are allowed")
    for place, (id_, secret) in enumerate(secrets):
        if not _KEY_ID.fullmatch(id_):
            raise BadKeys(f"the id of key {place + 1} is not 1 to 16 of A-Z a-z 0-9 _ -")
        if len(secret) < MIN_SECRET_BYTES:
            raise BadKeys(f"key {place + 1} has {len(secret)} bytes; at least {MIN_SECRET_BYTES}")
    if len({id_ for id_, _ in secrets}) < len(secrets):
        raise BadKeys("two keys have the same id")


def _derived(secret: bytes, use: str) -> _Keys:
    """Source: RFC 5869 (HKDF); RFC 5297 (AES-SIV), whose key is 64 bytes."""
    found = HKDF(hashes.SHA256(), length=96, salt=None, info=use.encode()).derive(secret)
    return _Keys(sign=hmac.new(found[:32], digestmod="sha256"), seal=AESSIV(found[32:]))


def _tag(keys: _Keys, id_: str, sealed: bytes) -> bytes:
    found = keys.sign.copy()
    found.update(id_.encode() + b"." + sealed)
    return found.digest()[:TAG_BYTES]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes | None:
    """Returns what a text encodes; None where it is not the one way to write that."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    return raw if _text(raw) == text else None
