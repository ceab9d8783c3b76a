"""What free-form JSON may hold, so that whatever was read can be kept and handed on.

Asked wherever such JSON enters: of events, of items, of definitions.
"""

from typing import Any

MIN_INTEGER = -(2**63)
MAX_INTEGER = 2**63 - 1
"""What msgpack, Avro and SQL can hold: a larger integer could be read, but never be stored."""

_DIGITS_AS_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_NINETEEN_DIGITS = b"0" * 19


def fits(raw: bytes, value: Any) -> bool:
    """Returns whether all integers of a value can be stored.

    Args:
        raw: the JSON.
        value: what was decoded from it.

    >>> fits(b"[9223372036854775807]", [2**63 - 1]), fits(b"[9223372036854775808]", [2**63])
    (True, False)
    """
    # One pass in C over the bytes; what has so many digits in a row is looked at in Python.
    return raw.translate(_DIGITS_AS_ZEROS).find(_NINETEEN_DIGITS) < 0 or _fits(value)


def _fits(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_fits, value.values()))
    if isinstance(value, list):
        return all(map(_fits, value))
    return not isinstance(value, int) or MIN_INTEGER <= value <= MAX_INTEGER
