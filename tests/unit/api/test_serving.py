"""Serving routes over HTTP within the process."""

import asyncio
import logging
import socket
from typing import Any

import httpx2
import pytest
from litestar import Request, Response, Router, route
from litestar.exceptions import NotAuthorizedException

from processors.api.serving import HEADERS, Http, Options

SECRET = "ada@example.com"


@route("/hello", http_method=["GET", "HEAD"], status_code=200)
async def hello() -> Response[str]:
    return Response("hello", media_type="text/plain")


@route("/slow", http_method="GET", status_code=200)
async def slow() -> Response[str]:
    await asyncio.sleep(0.3)
    return Response("done", media_type="text/plain")


@route("/bug", http_method="GET", status_code=200)
async def bug(request: Request[Any, Any, Any]) -> None:
    raise ValueError(request.query_params["q"])


@route("/no", http_method="GET", status_code=200)
async def no() -> None:
    raise NotAuthorizedException(SECRET)


def served(*paths: str) -> list[httpx2.Response]:
    async def work() -> list[httpx2.Response]:
        router = Router("/", route_handlers=[hello, slow, bug, no])
        async with (
            Http([router], options=Options(port=0)) as server,
            httpx2.AsyncClient(
                base_url=f"http://127.0.0.1:{server.port}", trust_env=False
            ) as client,
        ):
            return [await client.get(path) for path in paths]

    return asyncio.run(work())


@pytest.mark.parametrize("path", ["/hello", "/nowhere", "/bug?q=x", "/no"])
def test_every_answer_is_kept_nowhere_and_tells_nobody_its_address(path: str) -> None:
    [answer] = served(path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value


@pytest.mark.parametrize(
    ("path", "status"), [(f"/nowhere/{SECRET}", 404), (f"/bug?q={SECRET}", 500), ("/no", 401)]
)
def test_problems_say_nothing_of_what_was_asked(
    path: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    [answer] = served(path)
    assert answer.status_code == status
    assert SECRET not in answer.text
    ours = [each for each in caplog.records if not each.name.startswith("http")]
    assert SECRET not in "\n".join(str(vars(record)) for record in ours)


def test_bug_is_logged_with_its_place(caplog: pytest.LogCaptureFixture) -> None:
    served("/bug?q=x")
    [record] = [each for each in caplog.records if each.getMessage() == "a request failed"]
    assert vars(record)["error_type"] == "ValueError"
    assert "test_serving.py" in vars(record)["where"]


def test_end_waits_for_what_is_under_way() -> None:
    async def work() -> httpx2.Response:
        router = Router("/", route_handlers=[slow])
        server = Http([router], options=Options(port=0))
        async with httpx2.AsyncClient(trust_env=False) as client:
            await server.__aenter__()
            asked = asyncio.ensure_future(client.get(f"http://127.0.0.1:{server.port}/slow"))
            await asyncio.sleep(0.1)
            await server.__aexit__()
            return await asked

    assert asyncio.run(work()).text == "done"


def test_port_that_is_taken_is_refused() -> None:
    async def work(port: int) -> None:
        async with Http([], options=Options(port=port)):
            pytest.fail("it listens")

    with socket.create_server(("127.0.0.1", 0)) as held, pytest.raises(OSError, match="in use"):
        asyncio.run(work(held.getsockname()[1]))


def test_nobody_answers_after_the_end() -> None:
    async def work() -> int:
        async with Http([], options=Options(port=0)) as server:
            port = server.port
        return port

    port = asyncio.run(work())
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), 1).close()
