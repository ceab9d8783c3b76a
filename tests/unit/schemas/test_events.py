from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from schemas import events
from schemas.errors import BadEvent
from schemas.events import Event

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
NOON_MS = 1_714_564_800_000


def event(**fields: Any) -> Event:
    return Event(**{"message_id": "m", "type": "track", "timestamp": NOON, **fields})


def reason(function: Any, subject: Event) -> str:
    with pytest.raises(BadEvent) as caught:
        function(subject)
    return caught.value.reason


def test_profile_id_is_the_user_id_before_the_anonymous_id() -> None:
    assert events.profile_id(event(user_id="u", anonymous_id="a")) == "u"
    assert events.profile_id(event(anonymous_id="a")) == "a"
    assert events.profile_id(event(user_id="", anonymous_id="a")) == "a"


def test_event_of_nobody_is_refused() -> None:
    assert reason(events.profile_id, event()) == "id-missing"


@pytest.mark.parametrize("bad", ["a\nb", "\0", "a\u2028", "\x7f"])
def test_id_with_control_characters_is_refused(bad: str) -> None:
    assert reason(events.profile_id, event(user_id=bad)) == "id-unprintable"


def test_track_is_named_by_its_event_and_the_others_by_their_type() -> None:
    assert events.name(event(event="Order Completed")) == "Order Completed"
    assert events.name(event(type="page", name="Home")) == "page.viewed"
    assert events.name(event(type="identify", event="x")) == "user.profile_updated"


@pytest.mark.parametrize("missing", [None, ""])
def test_track_without_a_name_is_refused(missing: str | None) -> None:
    assert reason(events.name, event(event=missing)) == "name-missing"


def test_time_is_the_timestamp_in_ms() -> None:
    assert events.time_ms(event()) == NOON_MS
    assert events.time_ms(event(timestamp=NOON + timedelta(microseconds=123_400))) == NOON_MS + 123


def test_time_does_not_depend_on_the_zone_it_is_written_in() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=9)))
    assert events.time_ms(event(timestamp=there)) == NOON_MS


def test_time_is_corrected_by_the_senders_clock() -> None:
    late_by = timedelta(hours=1)
    assert events.time_ms(event(sent_at=NOON, received_at=NOON + late_by)) == NOON_MS + 3_600_000


def test_time_stands_as_it_is_where_one_of_the_two_is_unknown() -> None:
    assert events.time_ms(event(sent_at=NOON - timedelta(hours=1))) == NOON_MS
    assert events.time_ms(event(received_at=NOON + timedelta(hours=1))) == NOON_MS


def test_time_is_at_most_five_minutes_after_receipt() -> None:
    received = NOON - timedelta(hours=1)
    assert events.time_ms(event(received_at=received)) == NOON_MS - 3_600_000 + 300_000


@pytest.mark.parametrize(
    "broken",
    [
        datetime(1969, 12, 31, 23, 59, 59, 999_000, UTC),
        datetime(2100, 1, 1, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=23))),
        datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-23))),
    ],
)
def test_time_before_1970_or_after_2100_is_refused(broken: datetime) -> None:
    assert reason(events.time_ms, event(timestamp=broken)) == "time-out-of-range"


def test_bounds_of_time_are_1970_and_the_last_ms_of_2099() -> None:
    assert events.time_ms(event(timestamp=datetime(1970, 1, 1, tzinfo=UTC))) == 0
    last = datetime(2099, 12, 31, 23, 59, 59, 999_000, UTC)
    assert events.time_ms(event(timestamp=last)) == events.LATEST_MS - 1


def test_properties_are_those_of_the_event_with_the_pages_name() -> None:
    page = event(type="page", name="Home", properties=msgspec.Raw(b'{"path":"/"}'))
    assert events.properties(page) == {"path": "/", "name": "Home"}


def test_properties_keep_their_own_name() -> None:
    page = event(type="page", name="Home", properties=msgspec.Raw(b'{"name":"Start"}'))
    assert events.properties(page) == {"name": "Start"}


@pytest.mark.parametrize("kind", ["identify", "group"])
def test_properties_of_identify_and_group_are_the_traits(kind: str) -> None:
    subject = event(type=kind, traits=msgspec.Raw(b'{"a":1}'), properties=msgspec.Raw(b'{"b":2}'))
    assert events.properties(subject) == {"a": 1}


def test_traits_of_the_event_win_over_those_of_its_context() -> None:
    subject = event(
        traits=msgspec.Raw(b'{"a":1}'), context=msgspec.Raw(b'{"traits":{"a":0,"b":2}}')
    )
    assert events.traits(subject) == {"a": 1, "b": 2}


@pytest.mark.parametrize("context", [b"{}", b"null", b'{"traits":7}', b'{"traits":null}'])
def test_context_without_traits_gives_none(context: bytes) -> None:
    assert events.traits(event(context=msgspec.Raw(context))) == {}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"[]", "not-an-object"),
        (b"7", "not-an-object"),
        (b'{"a":', "not-json"),
        (b'{"a":NaN}', "not-json"),
        (b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "not-json"),
        (b'{"a":"\xff"}', "not-utf8"),
        (b'{"a":1e999}', "number-out-of-range"),
        (b'{"a":9223372036854775808}', "number-out-of-range"),
        (b'{"a":[{"b":-9223372036854775809}]}', "number-out-of-range"),
        (b'{"a":' + b"9" * 5_000 + b"}", "number-out-of-range"),
    ],
)
@pytest.mark.parametrize("part", ["properties", "traits", "context"])
def test_free_form_part_that_can_not_be_kept_is_refused(
    raw: bytes, expected: str, part: str
) -> None:
    subject = event(**{part: msgspec.Raw(raw)})
    read = events.properties if part == "properties" else events.traits
    assert reason(read, subject) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b'"12345678901234567890123"', "12345678901234567890123"),
        (b"0.1234567890123456789012", 0.1234567890123456789012),
        (b"[1234567890123456789]", [1234567890123456789]),
        (b"true", True),
    ],
)
def test_numbers_that_fit_and_digits_in_text_stay(raw: bytes, expected: object) -> None:
    found = events.properties(event(properties=msgspec.Raw(b'{"a":' + raw + b"}")))
    assert found == {"a": expected}
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(found)) == found


def test_of_a_key_that_occurs_twice_the_last_counts() -> None:
    assert events.properties(event(properties=msgspec.Raw(b'{"a":1,"a":2}'))) == {"a": 2}


def test_ten_thousand_properties_are_read() -> None:
    raw = msgspec.json.encode({f"k{n}": n for n in range(10_000)})
    assert len(events.properties(event(properties=msgspec.Raw(raw)))) == 10_000


def test_iso_has_ms_and_utc() -> None:
    assert events.iso(NOON_MS + 7) == "2024-05-01T12:00:00.007Z"
    assert events.iso(0) == "1970-01-01T00:00:00.000Z"
