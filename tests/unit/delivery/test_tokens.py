"""Tokens in the addresses of a message: nobody else can make, change or read them."""

import base64
import string
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.delivery.tokens import (
    LIVES_MS,
    MAX_TOKEN_CHARS,
    BadKeys,
    Claims,
    Keyring,
    Purpose,
    parse_keys,
)
from schemas.topics import DAY_MS

OLD, NEW = ("k1", b"1" * 32), ("k2", b"2" * 32)
RING = Keyring([NEW, OLD], workspace="beckon.")
CLAIMS = Claims(
    profile_id="ada@example.com",
    channel="email",
    command_id="c-1",
    at=1_000,
    topic="news",
    definition_id="welcome",
    step="0",
    url="https://shop.example/a?b=c#d",
)
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
ALPHABET = string.ascii_letters + string.digits + "-_"

texts = st.text(max_size=40)
claims = st.builds(
    Claims,
    profile_id=texts,
    channel=texts,
    command_id=texts,
    at=st.integers(0, 2**50),
    topic=st.none() | texts,
    definition_id=texts,
    step=texts,
    url=st.none() | texts,
)


@given(claims, st.sampled_from(PURPOSES))
def test_token_says_what_was_put_into_it(said: Claims, purpose: Purpose) -> None:
    token = RING.make(purpose, said)

    assert RING.read(purpose, token, now_ms=said.at) == said
    assert RING.make(purpose, said) == token
    assert set(token) <= set(ALPHABET + ".")


@given(st.data())
def test_token_with_any_character_changed_is_none(data: st.DataObject) -> None:
    token = RING.make("click", CLAIMS)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from([each for each in ALPHABET + ".=" if each != token[place]]))

    assert RING.read("click", token[:place] + other + token[place + 1 :], now_ms=1_000) is None


@given(st.text(max_size=300))
def test_anything_else_is_no_token(text: str) -> None:
    assert RING.read("open", text, now_ms=0) is None
    assert RING.read("open", f"k2.{text}", now_ms=0) is None


@pytest.mark.parametrize("made", PURPOSES)
@pytest.mark.parametrize("read", PURPOSES)
def test_token_counts_for_its_purpose_alone(made: Purpose, read: Purpose) -> None:
    found = RING.read(read, RING.make(made, CLAIMS), now_ms=1_000)

    assert (found == CLAIMS) == (made == read)


def test_token_of_another_workspace_is_none() -> None:
    other = Keyring([NEW], workspace="other.")

    assert RING.read("open", other.make("open", CLAIMS), now_ms=1_000) is None


def test_nothing_of_the_person_can_be_read_in_a_token() -> None:
    body = RING.make("unsubscribe", CLAIMS).partition(".")[2]
    raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))

    assert b"ada" not in raw
    assert b"shop.example" not in raw


def test_tokens_of_an_old_key_count_as_long_as_it_is_kept() -> None:
    before = Keyring([OLD], workspace="beckon.").make("unsubscribe", CLAIMS)

    assert RING.read("unsubscribe", before, now_ms=1_000) == CLAIMS
    assert Keyring([NEW], workspace="beckon.").read("unsubscribe", before, now_ms=1_000) is None
    assert RING.make("unsubscribe", CLAIMS).startswith("k2.")


@pytest.mark.parametrize("purpose", PURPOSES)
def test_token_counts_until_its_time_is_over(purpose: Purpose) -> None:
    token, life_ms = RING.make(purpose, CLAIMS), LIVES_MS[purpose]
    if life_ms is None:
        assert RING.read(purpose, token, now_ms=CLAIMS.at + 36_500 * DAY_MS) == CLAIMS
    else:
        assert RING.read(purpose, token, now_ms=CLAIMS.at + life_ms - 1) == CLAIMS
        assert RING.read(purpose, token, now_ms=CLAIMS.at + life_ms) is None


def test_token_that_is_too_long_is_none() -> None:
    long = Claims(profile_id="p" * MAX_TOKEN_CHARS, channel="email", command_id="c", at=0)

    assert RING.read("open", RING.make("open", long), now_ms=0) is None


def test_keys_are_read_in_their_order() -> None:
    text = ", ".join(f"{id_}:{base64.b64encode(secret).decode()}" for id_, secret in (NEW, OLD))

    assert parse_keys(text) == [NEW, OLD]


@pytest.mark.parametrize("text", ["k1", "k1:***", "k1:AAAA,k2"])
def test_keys_that_are_written_otherwise_are_refused(text: str) -> None:
    with pytest.raises(BadKeys, match="id:base64"):
        parse_keys(text)


@pytest.mark.parametrize(
    ("secrets", "said"),
    [
        ([], "no key"),
        ([("k", b"s" * 31)], "31 bytes"),
        ([("", b"s" * 32)], "id of key 1"),
        ([("a.b", b"s" * 32)], "id of key 1"),
        ([NEW, NEW], "same id"),
        ([(str(n), b"s" * 32) for n in range(21)], "20 are allowed"),
    ],
)
def test_keys_that_can_not_be_used_are_refused(secrets: list[tuple[str, bytes]], said: str) -> None:
    with pytest.raises(BadKeys, match=said) as raised:
        Keyring(secrets, workspace="")
    assert "sss" not in str(raised.value)
