"""The server that tells how the process is."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from processors.api.health import MAX_CONNECTIONS, Health, Options
from processors.metrics import Counter, Metrics
from processors.ports import Status

RUNNING = Status(state="running")
RESTORING = Status(state="restoring", progress={"done": 5, "of": 20})
GET = "GET {} HTTP/1.1\r\nHost: x\r\n\r\n"


async def exchange(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    await writer.drain()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def served(
    use: Callable[[int], Awaitable[bytes]],
    status: Status = RUNNING,
    metrics: Metrics | None = None,
    *,
    timeout_ms: int = 5_000,
) -> tuple[int, dict[str, str], bytes]:
    """Returns the status, the headers and the body of one answer."""

    async def run() -> bytes:
        options = Options(port=0, timeout_ms=timeout_ms)
        async with Health(lambda: status, metrics or Metrics(), options=options) as health:
            return await use(health.port)

    head, _, body = asyncio.run(run()).partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(first.split(" ")[1]), headers, body


def get(path: str, status: Status = RUNNING) -> tuple[int, dict[str, str], bytes]:
    return served(lambda port: exchange(port, GET.format(path).encode()), status)


def test_ready_while_running() -> None:
    status, headers, body = get("/ready")

    assert (status, json.loads(body)["state"]) == (200, "running")
    assert headers["content-type"] == "application/json"
    assert headers["content-length"] == str(len(body))


def test_not_ready_while_restoring_with_the_progress() -> None:
    status, _, body = get("/ready", RESTORING)

    assert (status, json.loads(body)) == (
        503,
        {"state": "restoring", "progress": {"done": 5, "of": 20}},
    )


def test_alive_while_restoring() -> None:
    status, _, body = get("/health", RESTORING)

    assert (status, json.loads(body)["state"]) == (200, "restoring")


def test_metrics_are_served_as_prometheus_reads_them() -> None:
    metrics = Metrics()
    metrics.add(Counter.EVENTS, 7)

    status, headers, body = served(
        lambda port: exchange(port, GET.format("/metrics?x=1").encode()), metrics=metrics
    )

    assert status == 200
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    assert b"beckon_events_total 7.0" in body
    assert b"beckon_ready 1.0" in body


def test_head_has_the_headers_only() -> None:
    status, headers, body = served(
        lambda port: exchange(port, b"HEAD /ready HTTP/1.0\r\n\r\n"),
    )

    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 0


@pytest.mark.parametrize("path", ["/", "/metrics/", "/..", "/etc/passwd", "http://x/ready", "*"])
def test_other_paths_are_not_there(path: str) -> None:
    assert get(path)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "TRACE", "get"])
def test_nothing_can_be_changed(method: str) -> None:
    request = f"{method} /ready HTTP/1.1\r\nContent-Length: 0\r\n\r\n".encode()

    status, headers, _ = served(lambda port: exchange(port, request))

    assert (status, headers["allow"]) == (405, "get, head")


@pytest.mark.parametrize(
    "request_bytes",
    [b"\r\n\r\n", b"GET /ready\r\n\r\n", b"\xff\xfe\x00\r\n\r\n", b"GET  /ready HTTP/1.1\r\n\r\n"],
)
def test_nonsense_is_a_bad_request(request_bytes: bytes) -> None:
    assert served(lambda port: exchange(port, request_bytes))[0] == 400


def test_long_head_is_refused() -> None:
    request = b"GET /ready HTTP/1.1\r\nX: " + b"x" * 20_000

    assert served(lambda port: exchange(port, request))[0] == 431


def test_slow_caller_is_sent_away() -> None:
    assert served(lambda port: exchange(port, b"GET /re"), timeout_ms=20)[0] == 408


def test_caller_who_leaves_does_no_harm() -> None:
    async def leave_then_ask(port: int) -> bytes:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /")
        writer.close()
        await writer.wait_closed()
        return await exchange(port, GET.format("/health").encode())

    assert served(leave_then_ask)[0] == 200


def test_callers_at_once_are_bounded() -> None:
    async def crowd(port: int) -> bytes:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MAX_CONNECTIONS)]
        for _, writer in held:
            writer.write(b"GET ")
        try:
            refused = await exchange(port, GET.format("/health").encode())
        except ConnectionError:
            refused = b""
        for reader, writer in held:
            writer.write(b"/health HTTP/1.1\r\n\r\n")
            await reader.read()
            writer.close()
            await writer.wait_closed()
        assert refused == b""
        return await exchange(port, GET.format("/health").encode())

    assert served(crowd)[0] == 200


def test_stop_does_not_wait_for_those_who_are_still_asking() -> None:
    async def run() -> bytes:
        async with Health(lambda: RUNNING, Metrics(), options=Options(port=0)) as health:
            reader, writer = await asyncio.open_connection("127.0.0.1", health.port)
            writer.write(b"GET ")
            await exchange(health.port, GET.format("/health").encode())
        try:
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()

    async def in_time() -> bytes:
        return await asyncio.wait_for(run(), 2)

    assert asyncio.run(in_time()) == b""


def test_port_that_is_taken_is_an_error_at_once() -> None:
    async def twice() -> None:
        async with Health(lambda: RUNNING, Metrics(), options=Options(port=0)) as first:
            taken = Health(lambda: RUNNING, Metrics(), options=Options(port=first.port))
            with pytest.raises(OSError, match="in use"):
                await taken.__aenter__()

    asyncio.run(twice())
