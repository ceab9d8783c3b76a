"""How many messages a text is on its way to a telephone.

Source: 3GPP TS 23.038, 6.2.1 (the alphabet and its extension) and 23.040, 9.2.3.24.1
(concatenation takes 6 bytes: 7 of 160 characters of 7 bits, 3 of 70 of 16 bits).
"""

import re

import msgspec

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")
"""Each takes two places: an escape stands before it."""
LENGTHS = {"GSM-7": (160, 153), "UCS-2": (70, 67)}
"""Of a text that is alone, and of each part of a longer one."""

_TAGS = re.compile(r"</?[a-zA-Z][^<>]{0,1000}>")


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """What a text takes."""

    encoding: str
    units: int
    """Places of 7 bits, or of 16."""
    segments: int
    odd: str
    """Characters because of which it is UCS-2, each once, the first ten."""


def size(text: str) -> Size:
    """Returns how many messages a text is.

    >>> size("a" * 160).segments, size("a" * 161).segments, size("ё" * 71).segments
    (1, 2, 2)
    """
    odd = [each for each in dict.fromkeys(text) if each not in BASIC and each not in EXTENDED]
    encoding = "UCS-2" if odd else "GSM-7"
    widths = [_width(each, is_wide=bool(odd)) for each in text]
    alone, part = LENGTHS[encoding]
    units = sum(widths)
    segments = 1 if units <= alone else _parts(widths, part)
    return Size(encoding=encoding, units=units, segments=segments, odd="".join(odd[:10]))


def bare(text: str) -> str:
    """Returns a text without tags of HTML: a telephone would show them."""
    return _TAGS.sub("", text)


def has_tags(text: str) -> bool:
    """Returns whether there is HTML in a text."""
    return _TAGS.search(text) is not None


def _width(char: str, *, is_wide: bool) -> int:
    if is_wide:
        return 2 if ord(char) > 0xFFFF else 1
    return 2 if char in EXTENDED else 1


def _parts(widths: list[int], length: int) -> int:
    """Returns the number of parts: what takes two places is not torn."""
    count, used = 1, 0
    for width in widths:
        if used + width > length:
            count, used = count + 1, 0
        used += width
    return count
