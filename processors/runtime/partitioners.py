"""Which partition a key lies in: what librdkafka's and Java's producers agree on."""

_SEED = 0x9747B28C
_FACTOR = 0x5BD1E995
_MASK = 0xFFFFFFFF


def partition(key: bytes, count: int) -> int:
    """Returns the partition of a key among so many (`murmur2_random` in librdkafka).

    Source: Kafka, `Utils.murmur2` and `toPositive`; MurmurHash2 by Austin Appleby.

    >>> partition(b"kafka", 100)
    80
    """
    return (murmur2(key) & 0x7FFFFFFF) % count


def murmur2(data: bytes) -> int:
    """Returns the hash as an unsigned number of 32 bits."""
    whole = len(data) & ~3
    found = _SEED ^ len(data)
    for at in range(0, whole, 4):
        found = (found * _FACTOR & _MASK) ^ _mixed(int.from_bytes(data[at : at + 4], "little"))
    if len(data) > whole:
        found = (found ^ int.from_bytes(data[whole:], "little")) * _FACTOR & _MASK
    found = (found ^ found >> 13) * _FACTOR & _MASK
    return found ^ found >> 15


def _mixed(word: int) -> int:
    word = word * _FACTOR & _MASK
    return (word ^ word >> 24) * _FACTOR & _MASK
