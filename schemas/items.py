"""Items of catalogues, as they travel on the topic `items` and as templates see them.

One record an item, under the key `<catalogue>/<item id>`; a tombstone ends one. The value is one
JSON object: `title`, and if there are such `price`, `url` and `image`; anything else may be there.
"""

from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from schemas import bounds
from schemas.errors import BadRecord

MAX_ITEM_BYTES = 16_384
MAX_ITEM_ID_CHARS = 200
MAX_CATALOGUE_CHARS = 64
MAX_TITLE_CHARS = 1_000
MAX_URL_CHARS = 2_000
URLS = ("url", "image")


class Item(NamedTuple):
    """One record of the topic."""

    catalogue: str
    id: str
    value: str | None
    """JSON; None: it is offered no more."""


def key(catalogue: str, item: str) -> bytes:
    """Returns the record's key.

    >>> key("shop", "L-1")
    b'shop/L-1'
    """
    return f"{catalogue}/{item}".encode()


def read(record_key: bytes | None, value: bytes | None) -> Item:
    """Returns the item of a record.

    Raises:
        BadRecord: `bad-key`, or as `decode` does.
    """
    catalogue, item = parse_key(record_key)
    if value is None:
        return Item(catalogue, item, None)
    return Item(catalogue, item, encode(decode(value)))


def parse_key(record_key: bytes | None) -> tuple[str, str]:
    """Returns the catalogue and the item's id.

    Raises:
        BadRecord: `bad-key`.
    """
    try:
        catalogue, _, item = (record_key or b"").decode().partition("/")
    except UnicodeDecodeError:
        catalogue = item = ""
    if not 0 < len(catalogue) <= MAX_CATALOGUE_CHARS or fault_of_id(item) is not None:
        raise BadRecord("bad-key", "the key is not a catalogue and an item's id")
    return catalogue, item


def decode(value: bytes) -> dict[str, Any]:
    """Returns the properties of an item.

    Raises:
        BadRecord: `too-large`, `not-json`, `number-out-of-range` or `field-invalid`.
    """
    if len(value) > MAX_ITEM_BYTES:
        raise BadRecord("too-large", f"the item is larger than {MAX_ITEM_BYTES} bytes")
    try:
        found = msgspec.json.decode(value)
    except msgspec.ValidationError:
        raise BadRecord("number-out-of-range", "the item has a number too large") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRecord("not-json", "the value is not JSON") from None
    if not bounds.fits(value, found):
        raise BadRecord("number-out-of-range", "the item has an integer of more than 64 bits")
    if not isinstance(found, dict):
        raise BadRecord("field-invalid", "an item must be a JSON object")
    said = fault(found)
    if said is not None:
        raise BadRecord("field-invalid", said)
    return found


def encode(properties: dict[str, Any]) -> str:
    """Returns the properties as they are stored: without what is null."""
    return msgspec.json.encode(
        {name: each for name, each in properties.items() if each is not None}
    ).decode()


def fault_of_id(item: str) -> str | None:
    """Returns why a text is no item's id; None where it is one."""
    if 0 < len(item) <= MAX_ITEM_ID_CHARS and item.isprintable():
        return None
    return f"an item's id has 1 to {MAX_ITEM_ID_CHARS} characters, all of them printable"


def fault(properties: dict[str, Any]) -> str | None:
    """Returns what is wrong with an item's properties; None where nothing is."""
    title, price = properties.get("title"), properties.get("price")
    if not isinstance(title, str) or not 0 < len(title.strip()) <= MAX_TITLE_CHARS:
        return f"title must be a text of 1 to {MAX_TITLE_CHARS} characters"
    if price is not None and (isinstance(price, bool) or not isinstance(price, int | float)):
        return "price must be a number"
    for name in URLS:
        if properties.get(name) is not None and not _is_url(properties[name]):
            return f"{name} must be an address that begins with http:// or https://"
    return None


def _is_url(value: Any) -> bool:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_URL_CHARS:
        return False
    if not value.isprintable() or " " in value:
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)
