"""The profile: all that is remembered of one person, and its bytes in the changelog.

Kept in the table as bytes, decoded at the first touch in a batch; `decide` changes it in place.
"""

from typing import Any

import msgspec

from processors.state.adjustments import Adjustments
from processors.state.amounts import Measured
from processors.state.contacts import Contact
from processors.state.errors import UnreadableProfile
from processors.state.runs import Journeys
from processors.state.swings import Swings

FORMAT = 2
"""Version of the layout; a reader refuses what it does not know."""

NEVER = 1 << 62
"""An instant that does not come, in ms."""

MAX_TRAITS = 200
"""How many traits one profile holds; further keys are left out."""

MAX_MEMBERSHIPS = 200
"""How many segments, and how many lists, templates are told of: the first in the order of ids."""


class ScoreState(msgspec.Struct, array_like=True, gc=False):
    """One score of one profile."""

    value: int | float | None = None
    """As last told: a score whose points fade has another one now. None where it never was, since
    it is what it would be if nothing counted."""
    added: int | float = 0
    """Points given by triggers, outside of the groups, those for a time included; whole where none
    of the rules' points fade."""
    points: dict[int, int | float] = {}
    """What each rule holds now by its number, but for points that fade; absent is 0. Of a combined
    score: the values of the two."""
    sums: list[int | float] = []
    """The sum of each group's rules, before it is held between its bounds."""


class Belonging(msgspec.Struct, array_like=True, gc=False):
    """Which account a person belongs to, and what they have told each other."""

    account: str
    at: int
    """Event time of the latest `group` that said so."""
    told: dict[str, bool | int | float] | None = None
    """What the account knows of the person, by what is asked; None: not even that there is one."""
    answers: dict[str, tuple[bool, bool] | int] | None = None
    """Whether something holds for any, and for all, of the account's people, or what their scores
    come to; None: not known."""


class Profile(msgspec.Struct, array_like=True, gc=False):
    """One person. All instants are ms since the epoch."""

    format: int = FORMAT
    id: str = ""
    """Left out of its bytes: they stand under it."""
    clock: int = 0
    """The largest `now` it has seen."""
    offset: int = -1
    """Offset of the last record applied to it, in its partition of `events`."""
    definitions: str = ""
    """Id of the definition set by which it was last evaluated; empty for a new one."""
    due: int = NEVER
    """The earliest of its timers."""
    seen: bytearray = msgspec.field(default_factory=bytearray)
    seen_at: bytearray = msgspec.field(default_factory=bytearray)
    traits: dict[str, tuple[Any, int]] = {}
    """Value and event time by top-level key."""
    account: dict[str, tuple[Any, int]] = {}
    """The same for the account's traits."""
    counts: dict[str, int] = {}
    """How often, by feature."""
    times: dict[str, list[int]] = {}
    """The latest times, oldest first, by feature."""
    segments: dict[str, int] = {}
    """Since when it is in."""
    scores: dict[str, ScoreState] = {}
    """Those of which something has counted once: they have been told, so they can be told again."""
    tags: list[str] = []
    lists: list[str] = []
    status: str | None = None
    fired: dict[str, list[int]] = {}
    """When each trigger with a limit fired, oldest first."""
    timers: dict[int, int] = {}
    """When each definition is to be looked at again, by the number of its timer."""
    pages: int = 0
    """How many pages of message ids have left it so far (see duplicates)."""
    measured: Measured | None = None
    """Amounts; None as long as there are none."""
    decays: dict[str, tuple[int, float]] | None = None
    """By feature, how many occurrences are left of those that fade, as of the latest of them."""
    active: int = 0
    """The latest event time, where a definition asks for it."""
    ticked: int = 0
    """The latest tick of a schedule that has come."""
    swings: dict[str, Swings] | None = None
    """How scores moved lately, where a definition asks for it."""
    adjustments: dict[str, Adjustments] | None = None
    """By score, the points that triggers gave for a time; None as long as there are none."""
    listed: dict[str, int] | None = None
    """Since when it is on each of its lists; a list is missing where that was not kept yet."""
    journeys: Journeys | None = None
    """None as long as there was none."""
    belongs: Belonging | None = None
    """None as long as there is no account."""
    contact: Contact | None = None
    """What may be sent; None as long as nothing was said of it, and nothing counts."""

    @property
    def is_new(self) -> bool:
        """Whether no event has been applied to it yet."""
        return not self.definitions


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Profile)


def encode(profile: Profile) -> bytes:
    """Returns the bytes of a profile, which are all of it but its id."""
    profile_id, profile.id = profile.id, ""
    data = _encoder.encode(profile)
    profile.id = profile_id
    return data


def decode(profile_id: str, data: bytes | memoryview) -> Profile:
    """Returns the profile of a changelog record.

    Raises:
        UnreadableProfile: the bytes are no profile, or of another layout.
    """
    try:
        profile = _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise _unreadable(data) from error
    if profile.format != FORMAT:
        raise _unreadable(data)
    profile.id = profile_id
    return profile


class _Layout(msgspec.Struct, array_like=True):
    """What begins the bytes of a profile, whatever the layout."""

    format: int


_layout_decoder = msgspec.msgpack.Decoder(_Layout)


def _unreadable(data: bytes | memoryview) -> UnreadableProfile:
    try:
        found = _layout_decoder.decode(data).format
    except msgspec.DecodeError:
        found = FORMAT
    if found == FORMAT:
        return UnreadableProfile("a profile in the changelog can not be read")
    return UnreadableProfile(f"a profile has layout {found}, known is {FORMAT}")


def trait(held: dict[str, tuple[Any, int]], path: tuple[str, ...]) -> Any:
    """Returns the value at a path of traits; None where there is none.

    >>> trait({"company": ({"size": 5}, 0)}, ("company", "size"))
    5
    """
    entry = held.get(path[0])
    value = entry[0] if entry is not None else None
    for key in path[1:]:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def known(profile: Profile) -> dict[str, Any]:
    """Returns what a command says of the person: traits, segments and lists."""
    return {
        "traits": {key: held[0] for key, held in profile.traits.items()},
        "segments": sorted(profile.segments)[:MAX_MEMBERSHIPS],
        "lists": sorted(profile.lists)[:MAX_MEMBERSHIPS],
    }


def note_list(profile: Profile, list_id: str, at_ms: int | None) -> None:
    """Keeps since when a person is on a list; None: no longer."""
    if profile.listed is None:
        profile.listed = {}
    if at_ms is None:
        profile.listed.pop(list_id, None)
    else:
        profile.listed[list_id] = at_ms


def put_trait(held: dict[str, tuple[Any, int]], key: str, value: Any, at_ms: int) -> bool:
    """Lays a value over a trait unless a later one stands; returns whether it may have changed."""
    entry = held.get(key)
    if entry is None:
        if len(held) >= MAX_TRAITS:
            return False
        held[key] = (value, at_ms)
        return value is not None
    if at_ms < entry[1]:
        return False
    held[key] = (value, at_ms)
    old = entry[0]
    # Inside of lists and objects Python holds 1 and True for the same, conditions do not.
    return isinstance(value, list | dict) or type(old) is not type(value) or bool(old != value)
