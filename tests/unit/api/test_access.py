"""Who may ask for whose inbox."""

import base64
import json
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.api.access import AHEAD_S, AUDIENCE, MAX_LIFE_S, Access, BadAccess

KEY = "server-key-of-thirty-two-characters"
SECRET = "secret-of-at-least-thirty-two-bytes"
OLD = "an-older-secret-of-thirty-two-bytes-"
NOW_S = 1_767_225_600
ACCESS = Access([KEY], [SECRET, OLD])


def token(secret: str = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    said = {"sub": "ada", "aud": AUDIENCE, "iat": NOW_S, "exp": NOW_S + 600, **claims}
    return jwt.encode(
        {name: value for name, value in said.items() if value is not None},
        secret,
        algorithm=algorithm,
    )


def asked(shown: str, named: str = "", now_s: int = NOW_S) -> str | None:
    return ACCESS.person(f"Bearer {shown}", named, now_s=now_s)


def unsigned() -> str:
    parts = [{"alg": "none", "typ": "JWT"}, {"sub": "ada", "aud": AUDIENCE, "iat": 0, "exp": 2**40}]
    texts = [
        base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in parts
    ]
    return f"{texts[0]}.{texts[1]}."


def test_key_may_ask_for_whom_it_names() -> None:
    assert asked(KEY, "J%C3%BCrgen%2F%40example.org") == "Jürgen/@example.org"
    assert ACCESS.person(f"bearer {KEY}", "ada", now_s=NOW_S) == "ada"
    assert asked(KEY) is None
    assert asked(KEY, "a%00") is None
    assert asked(KEY, "x" * 513) is None


def test_token_may_ask_for_its_person_only() -> None:
    assert asked(token()) == "ada"
    assert asked(token(), "bob") == "ada"
    assert asked(token(OLD)) == "ada"


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 513},
        {"aud": None},
        {"aud": "other"},
        {"exp": None},
        {"iat": None},
        {"exp": NOW_S},
        {"exp": NOW_S + MAX_LIFE_S + 1},
        {"exp": NOW_S + 600.5},
        {"iat": True},
        {"iat": NOW_S + AHEAD_S + 1},
        {"iat": NOW_S - MAX_LIFE_S, "exp": NOW_S + 1},
    ],
)
def test_token_that_is_incomplete_too_old_or_too_long_is_none(claims: dict[str, Any]) -> None:
    assert asked(token(**claims)) is None


@pytest.mark.parametrize(
    "shown",
    [
        token("some-other-secret-of-thirty-two-bytes"),
        token("k" * 64, "HS512"),
        token(KEY),
        unsigned(),
        "",
        "x",
        "a.b.c",
        KEY[:-1],
        KEY + "x",
        SECRET,
        "." * 5_000,
        "ü.ü.ü",
    ],
)
def test_forged_is_nobody(shown: str) -> None:
    assert asked(shown, "ada") is None


@pytest.mark.parametrize("header", ["", KEY, f"Basic {KEY}", f"Bearer  {KEY}", "Bearer"])
def test_only_a_bearer_is_one(header: str) -> None:
    assert ACCESS.person(header, "ada", now_s=NOW_S) is None


@given(st.text(), st.text())
def test_any_text_is_nobody(header: str, named: str) -> None:
    assert ACCESS.person(f"Bearer {header}", named, now_s=NOW_S) is None


@pytest.mark.parametrize(
    "given_",
    [
        (["short"], [], []),
        ([], ["short"], []),
        ([KEY] * 9, [], []),
        ([KEY], [], ["*"]),
        ([KEY], [], ["null"]),
        ([KEY], [], ["https://a.example/"]),
        ([KEY], [], ["https://A.example"]),
    ],
)
def test_what_can_not_be_used_is_refused_and_not_shown(given_: tuple[list[str], ...]) -> None:
    with pytest.raises(BadAccess) as caught:
        Access(*given_)
    assert "short" not in str(caught.value)
    assert KEY not in str(caught.value)
