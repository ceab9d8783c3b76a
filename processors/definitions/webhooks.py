"""Where values may stand in what webhooks say: in addresses, headers and bodies, as `{{ … }}`.

Beside `actions`. What stands in the braces is Liquid, which `processors.content` reads and fills
in; here is only where it stands, so that no value can lead a request elsewhere.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import PlainValidator

from processors.definitions import values
from processors.definitions.errors import Path
from schemas import headers

MAX_URL_CHARS = 2_048

_OUTPUT = re.compile(r"(\{\{(?:(?!\{\{|\}\}).)*\}\})", re.S)
_BEGINNING = re.compile(r"https?://[^/?#\\]+[/?]")
_HALF_ESCAPE = re.compile(r"%[0-9A-Fa-f]?\Z")
_MARKS = ("{{", "}}", "{%", "%}")
_NO_TAGS = "takes values as {{ … }}, and nothing else of Liquid"


def has_liquid(text: str) -> bool:
    """Returns whether a text is more than it says: an output or a tag begins in it.

    >>> has_liquid("{{ plan }}"), has_liquid('{"a": {"b": 1}}')
    (True, False)
    """
    return "{{" in text or "{%" in text


def parts(text: str) -> tuple[list[str], list[str]]:
    """Returns the texts around the outputs, one more than these, and the outputs.

    >>> parts("/{{ a }}/b{{ c }}")
    (['/', '/b', ''], ['{{ a }}', '{{ c }}'])
    """
    found = _OUTPUT.split(text)
    return found[::2], found[1::2]


def wrong_url(text: str) -> str | None:
    """Returns what is wrong with the values in an address; None where they can do no harm."""
    around, _ = parts(text)
    if len(text) > MAX_URL_CHARS:
        return f"must have at most {MAX_URL_CHARS} characters"
    if _has_marks(around):
        return _NO_TAGS
    if len(around) > 1 and _BEGINNING.match(around[0]) is None:
        return "must name scheme and host as they are: values stand after https://example.com/"
    for place in range(1, len(around)):
        if not _has_place("x".join(around[:place])):
            return "takes values in its path, and after the = of a parameter"
    return None


def wrong_header(value: str) -> str | None:
    """Returns what is wrong with a header that may hold secrets and values; None: nothing."""
    pieces = headers.SECRET.split(value)[::2]
    if not any(map(has_liquid, pieces)):
        return headers.wrong_value(value)
    if any(_has_marks(parts(each)[0]) for each in pieces):
        return _NO_TAGS
    return headers.wrong_line(value)


def url(value: Any) -> str:
    """Returns an address to ask, as `values.url`, which may hold values after its host."""
    if not isinstance(value, str) or not has_liquid(value):
        return values.url(value)
    said = wrong_url(value)
    if said is not None:
        raise values.fault(said, value)
    values.url("x".join(parts(value)[0]))
    return value


Url = Annotated[str, PlainValidator(url)]


def texts(url: str, given: Mapping[str, str], body: Any) -> Iterator[tuple[Path, str]]:
    """Yields each text that is Liquid, with its place; of headers what stands around secrets."""
    if has_liquid(url):
        yield ("url",), url
    for name, value in given.items():
        for piece in headers.SECRET.split(value)[::2]:
            if has_liquid(piece):
                yield ("headers", name), piece
    yield from _inside(body, ("body",))


def _inside(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        if has_liquid(value):
            yield path, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _inside(each, (*path, key))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _inside(each, (*path, place))


def _has_marks(around: list[str]) -> bool:
    return any(mark in each for each in around for mark in _MARKS)


def _has_place(before: str) -> bool:
    """Returns whether a value may follow: as a part of the path, or of a parameter's value."""
    if "#" in before or _HALF_ESCAPE.search(before) is not None:
        return False
    _, mark, query = before.partition("?")
    return not mark or "=" in query.rpartition("&")[2]
