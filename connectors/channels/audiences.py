"""What audiences of advertisers have in common: whom to add or remove, as a hash only.

Under `meta_audience` and `google_audience`. The address of a message is the person's e-mail, its
`data` is `{operation: add | remove, audience: id}`.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from schemas.errors import Unsendable

CHANNEL = "audience"
GMAIL = frozenset({"gmail.com", "googlemail.com"})
MAX_ADDRESS_CHARS = 320


class Change(NamedTuple):
    """What is to be done to an audience."""

    is_addition: bool
    audience: str
    """The service's id of it."""


def change(data: Mapping[str, Any]) -> Change:
    """Returns what a message is to do.

    Raises:
        Unsendable: it does not say so; an id has digits only.
    """
    operation, audience = data.get("operation"), data.get("audience")
    if operation not in ("add", "remove"):
        raise Unsendable("operation-invalid")
    if not isinstance(audience, str) or not audience.isascii() or not audience.isdigit():
        raise Unsendable("audience-invalid")
    return Change(operation == "add", audience)


def hashed(address: str, *, without_dots: bool = False) -> str:
    """Returns the SHA-256 of an e-mail address in its normal form, in hex.

    Args:
        address: as it was given.
        without_dots: whether dots before gmail.com count for nothing, as Google has it.

    Raises:
        Unsendable: it is no address.

    >>> hashed(" Ada@Example.com ") == hashed("ada@example.com")
    True
    """
    found = address.strip().lower()
    name, at, domain = found.rpartition("@")
    if not at or not name or "." not in domain or " " in found or len(found) > MAX_ADDRESS_CHARS:
        raise Unsendable("address-invalid")
    if without_dots and domain in GMAIL:
        found = f"{name.replace('.', '')}@{domain}"
    return hashlib.sha256(found.encode()).hexdigest()
