"""Addresses of mails: which of them are as plain as most.

Beside `headers`. Whether any other address is one, a library says (RFC 5321, 5322, 6531):
that takes as long as all else that a provider is asked with.
"""

import re

MAX_CHARS = 254
"""Source: RFC 5321, 4.5.3.1.3, without the brackets."""
_PLAIN = re.compile(
    r"(?=[^@]{1,64}@)[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*"
    r"@(?:[a-z0-9](?:-?[a-z0-9]){0,31}\.){1,8}(?:com|net|org|[a-z]{2})"
)
"""Domains of countries and the three oldest ones: none of them is set apart for tests, or to be
looked at any closer. No label has two hyphens in a row, as encoded ones have."""


def is_plain(address: str) -> bool:
    """Returns whether every reader takes an address, as it is, for the one address that it is.

    >>> is_plain("ada.l+news@mail.example.com"), is_plain("ada@example.test"), is_plain("ada@b")
    (True, False, False)
    """
    return len(address) <= MAX_CHARS and _PLAIN.fullmatch(address) is not None
