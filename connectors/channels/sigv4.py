"""Signs requests to AWS: Signature Version 4.

Under the providers that call AWS. The time, an argument, is part of what is signed.
Source: docs.aws.amazon.com, IAM user guide, "Create a signed AWS API request".
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Who signs, for what."""

    key_id: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    """Of credentials that were given for a time."""
    region: str
    service: str


def stamp(now_ms: int) -> str:
    """Returns a time as AWS writes it.

    >>> stamp(1440938160000)
    '20150830T123600Z'
    """
    return datetime.fromtimestamp(now_ms // 1000, UTC).strftime("%Y%m%dT%H%M%SZ")


def authorization(
    credentials: Credentials,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str],
    content: bytes,
    query: Mapping[str, str] | None = None,
) -> str:
    """Returns the Authorization header of a request.

    Args:
        credentials: who signs.
        method: in capitals.
        path: not encoded, with neither `.` nor `//` in it.
        headers: all that are signed, `host` and `x-amz-date` among them; names in any case.
        content: the body.
        query: not encoded.
    """
    values = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    names = ";".join(sorted(values))
    at = values["x-amz-date"]
    scope = f"{at[:8]}/{credentials.region}/{credentials.service}/aws4_request"
    request = "\n".join(
        [
            method,
            quote(path, safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in _pairs(query or {})),
            *(f"{name}:{values[name]}" for name in sorted(values)),
            "",
            names,
            hashlib.sha256(content).hexdigest(),
        ]
    )
    digest = hashlib.sha256(request.encode()).hexdigest()
    signature = _mac(_key(credentials, at[:8]), "\n".join([ALGORITHM, at, scope, digest])).hex()
    return (
        f"{ALGORITHM} Credential={credentials.key_id}/{scope}, SignedHeaders={names},"
        f" Signature={signature}"
    )


def _pairs(query: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted((quote(name, safe="-_.~"), quote(query[name], safe="-_.~")) for name in query)


def _key(credentials: Credentials, day: str) -> bytes:
    found = f"AWS4{credentials.secret}".encode()
    for part in (day, credentials.region, credentials.service, "aws4_request"):
        found = _mac(found, part)
    return found


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
