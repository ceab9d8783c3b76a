"""How a service account comes to its token."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connectors import google
from connectors.errors import BadSetting
from connectors.google import Account, Tokens
from schemas.messages import Reply
from tests.providers.cases import client
from tests.providers.messengers import KEY
from tests.providers.pushers import PEM, TokenService
from tests.providers.scripted import Scripted
from tests.providers.servers import Answer, Fake, answer, serving

SCOPE = "https://example.com/scope"


class Clock:
    """A clock that is moved by hand."""

    now = 1_700_000_000_000

    def now_ms(self) -> int:
        return self.now


@contextlib.asynccontextmanager
async def tokens(fake: Fake, clock: Clock) -> AsyncIterator[Tokens]:
    one = client()
    account = Account(
        client_email="a@example.com",
        private_key=PEM,
        private_key_id="k-1",
        token_uri=f"{fake.url}/token",
    )
    yield Tokens(one, account, SCOPE, now_ms=clock.now_ms)
    await one.close()


async def ask(fake: Fake) -> str | Reply:
    async with tokens(fake, Clock()) as one:
        return await one.get()


def test_token_is_asked_for_once_however_many_need_it() -> None:
    with serving(TokenService(SCOPE)) as fake:

        async def run() -> list[str | Reply]:
            async with tokens(fake, Clock()) as one:
                return list(await asyncio.gather(*(one.get() for _ in range(10))))

        assert len(set(asyncio.run(run()))) == 1
        assert len(fake.requests) == 1


def test_token_is_renewed_before_its_end_and_after_it_was_refused() -> None:
    clock = Clock()
    with serving(TokenService(SCOPE)) as fake:

        async def run() -> list[int]:
            asked = []
            async with tokens(fake, clock) as one:
                for later_ms, forgotten in ((0, ""), (3_200_000, ""), (200_000, "x"), (0, KEY)):
                    clock.now += later_ms
                    assert await one.get() == KEY
                    asked.append(len(fake.requests))
                    one.forget(forgotten)
                await one.get()
            return [*asked, len(fake.requests)]

        assert asyncio.run(run()) == [1, 1, 2, 2, 3]


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        (answer(400, {"error": "invalid_grant"}), "token-http-400"),
        (answer(200, {"access_token": "t"}), "token-http-200"),
        (Answer(200, b"{"), "token-http-200"),
    ],
)
def test_without_a_token_the_message_waits(given: Answer, detail: str) -> None:
    with serving(Scripted([given])) as fake:
        found = asyncio.run(ask(fake))

    assert found == Reply(fate="passing", detail=detail)


def test_those_who_wait_together_are_refused_together() -> None:
    with serving(Scripted([answer(503, {}), answer(503, {})])) as fake:

        async def run() -> list[str | Reply]:
            async with tokens(fake, Clock()) as one:
                first = await asyncio.gather(*(one.get() for _ in range(10)))
                return [*first, await one.get()]

        found = asyncio.run(run())

    assert {each.detail for each in found if isinstance(each, Reply)} == {"token-http-503"}
    assert (len(found), len(fake.requests)) == (11, 2)


def test_wait_that_google_asks_for_is_told() -> None:
    with serving(Scripted([answer(503, {}, Retry_After="30")])) as fake:
        found = asyncio.run(ask(fake))

    assert isinstance(found, Reply)
    assert found.retry_after_ms == 30_000


def key_file(path: Path, **changes: str) -> Path:
    found = {"client_email": "a@example.com", "private_key": PEM, "project_id": "shop", **changes}
    path.write_text(json.dumps({"type": "service_account", **found}))
    return path


def test_key_file_is_read_and_not_shown(tmp_path: Path) -> None:
    found = google.read_account(key_file(tmp_path / "key.json"))

    assert (found.project_id, found.token_uri) == ("shop", google.TOKEN_URL)
    assert "PRIVATE" not in repr(found)


def test_file_that_is_no_key_is_refused_and_not_shown(tmp_path: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    curve = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    empty = tmp_path / "empty.json"
    empty.write_text("{}")
    for path in (
        tmp_path / "missing.json",
        empty,
        key_file(tmp_path / "curve.json", private_key=curve),
        key_file(tmp_path / "none.json", private_key="s3cret"),
    ):
        with pytest.raises(BadSetting) as caught:
            google.read_account(path)
        assert "s3cret" not in f"{caught.value!r} {caught.value.__cause__!r}"
