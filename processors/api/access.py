"""Who asks for an inbox: a server by a key, or a person's browser by a token that a server made.

Before the routes of `inboxes`. A key may ask for everybody, a token for its person only.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

import jwt

AUDIENCE = "beckon-inbox"
"""What a token must be for."""
MAX_LIFE_S = 86_400
"""As long as a token may count, from when it was made."""
AHEAD_S = 60
"""As far as the clock of who made it may be ahead of ours."""
MAX_TOKEN_CHARS = 4_096
MAX_PROFILE_CHARS = 512
MIN_SECRET_BYTES = 32
"""Source: RFC 7518, 3.2: a key of HS256 has as many bytes as its hash."""
MAX_SECRETS = 8

_BY_OUR_CLOCK: Any = {
    "require": ["exp", "iat", "sub", "aud"],
    **dict.fromkeys(("verify_exp", "verify_iat", "verify_nbf"), False),
}
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")


class BadAccess(Exception):
    """A key, secret or origin that can not be used; the message holds none."""


class Access:
    """Knows keys of servers, secrets of tokens, and the origins of pages.

    Guarantees:
        Takes as long whatever is wrong. Whoever is refused learns nothing.
    """

    def __init__(
        self, keys: Sequence[str], secrets: Sequence[str], origins: Sequence[str] = ()
    ) -> None:
        """Checks them.

        Raises:
            BadAccess: one is too short, there are too many, or an origin is none.
        """
        for name, held in (("key", keys), ("secret", secrets)):
            if any(len(each.encode()) < MIN_SECRET_BYTES for each in held):
                raise BadAccess(f"a {name} has fewer than {MIN_SECRET_BYTES} bytes")
            if len(held) > MAX_SECRETS:
                raise BadAccess(f"there are more than {MAX_SECRETS} of one sort")
        for each in origins:
            if _ORIGIN.fullmatch(each) is None:
                raise BadAccess("an origin must be such as https://shop.example.com")
        self._keys = [_hashed(each) for each in keys]
        self._secrets = list(secrets)
        self.origins = frozenset(origins)

    def person(self, authorization: str, named: str, *, now_s: int) -> str | None:
        """Returns whose inbox is asked for; None where nobody's may be.

        Args:
            authorization: the header: `Bearer`, then a key or a token.
            named: the header by which a server names a person, percent-encoded.
            now_s: the wall clock, s since the epoch.
        """
        scheme, _, shown = authorization.partition(" ")
        if scheme.lower() != "bearer" or not 0 < len(shown) <= MAX_TOKEN_CHARS:
            return None
        hashed = _hashed(shown)
        is_server = sum(hmac.compare_digest(hashed, each) for each in self._keys) > 0
        return _profile(unquote(named)) if is_server else self._subject(shown, now_s)

    def _subject(self, token: str, now_s: int) -> str | None:
        for secret in self._secrets:
            try:
                claims: dict[str, Any] = jwt.decode(
                    token,
                    secret,
                    algorithms=["HS256"],
                    audience=AUDIENCE,
                    options=_BY_OUR_CLOCK,
                )
            except (jwt.InvalidTokenError, ValueError, RecursionError):
                continue
            return _profile(claims["sub"]) if _counts(claims, now_s) else None
        return None


def _counts(claims: dict[str, Any], now_s: int) -> bool:
    made, ends = claims["iat"], claims["exp"]
    if type(made) is not int or type(ends) is not int:
        return False
    return made <= now_s + AHEAD_S and now_s < ends <= made + MAX_LIFE_S


def _profile(found: object) -> str | None:
    is_id = isinstance(found, str) and 0 < len(found) <= MAX_PROFILE_CHARS and "\0" not in found
    return str(found) if is_id else None


def _hashed(shown: str) -> bytes:
    return hashlib.sha256(shown.encode("utf-8", "replace")).digest()
