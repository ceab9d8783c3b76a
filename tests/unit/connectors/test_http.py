"""What is called at all, for how long is waited, and that a checked address is the one called."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import http
from connectors.errors import AddressRefused
from tests.certificates import Authority

OPEN = http.Options(allow_http=True, allow_private=True, ports=frozenset())


def refusal(url: str, options: http.Options | None = None) -> str:
    with pytest.raises(AddressRefused) as caught:
        http.checked_url(url, options or http.Options())
    return caught.value.reason


class TestCheckedUrl:
    @pytest.mark.parametrize(
        "url",
        ["https://example.com/hook?a=b", "https://example.com:8443/", "https://bücher.example"],
    )
    def test_https_is_allowed(self, url: str) -> None:
        assert http.checked_url(url, http.Options()).scheme == "https"

    @pytest.mark.parametrize(
        "url",
        ["http://example.com", "ftp://example.com", "gopher://example.com", "http+unix://x/"],
    )
    def test_other_schemes_are_refused(self, url: str) -> None:
        assert refusal(url) == "scheme-refused"

    def test_http_is_allowed_by_the_setting_only(self) -> None:
        assert http.checked_url("http://example.com", http.Options(allow_http=True)).host
        assert refusal("ftp://example.com", http.Options(allow_http=True)) == "scheme-refused"

    @pytest.mark.parametrize("url", ["https://a:b@example.com/", "https://a@example.com/"])
    def test_credentials_in_the_address_are_refused(self, url: str) -> None:
        assert refusal(url) == "userinfo-refused"

    @pytest.mark.parametrize("port", [22, 25, 5432, 6379, 9092, 8081])
    def test_ports_of_other_services_are_refused(self, port: int) -> None:
        assert refusal(f"https://example.com:{port}/") == "port-refused"

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "/path",
            "example.com",
            "https://",
            "https:///path",
            "https://exa mple.com",
            "https://example.com/\r\nHost: other",
            "https://example.com\\@other",
            "https://[::1",
            "https://xn--a.com/",
            "file:///etc/passwd",
            "https://example.com/" + "x" * 2_048,
        ],
    )
    def test_what_is_no_address_is_refused(self, url: str) -> None:
        assert refusal(url) in {"url-invalid", "scheme-refused"}

    @pytest.mark.parametrize("port", [0, 65_536, 99_999])
    def test_port_that_there_is_not_is_refused_even_where_all_are_allowed(self, port: int) -> None:
        assert refusal(f"https://example.com:{port}/", OPEN) in {"port-refused", "url-invalid"}

    @given(st.text())
    def test_any_text_is_an_address_or_refused(self, url: str) -> None:
        try:
            found = http.checked_url(url, http.Options())
        except AddressRefused:
            return
        assert (found.scheme, found.user, found.password) == ("https", None, None)


class TestWaits:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("120", 120_000),
            (" 1 ", 1_000),
            ("0", 0),
            ("99999999999999999999", 9_999_999_999_000),
            ("Thu, 01 Jan 1970 00:02:00 GMT", 20_000),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Thu, 01 Jan 1970 00:02:00", 20_000),
            (None, None),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("²", None),
            ("Thu, 99 Foo 1970", None),
        ],
    )
    def test_retry_after_is_seconds_or_a_date(
        self, value: str | None, expected: int | None
    ) -> None:
        assert http.retry_after_ms(value, 100_000) == expected


def posted(
    url: str, answers: Sequence[list[str]], options: http.Options
) -> tuple[http.Attempt, list[str]]:
    """Posts with a resolver that gives one answer after the other, the last for ever."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    async def run() -> http.Attempt:
        client = http.Client(options, resolve=resolve)
        try:
            return await client.ask("POST", url, b"{}", headers={})
        finally:
            await client.close()

    return asyncio.run(run()), asked


class TestGuard:
    @pytest.mark.parametrize(
        "addresses",
        [
            ["127.0.0.1"],
            ["169.254.169.254"],
            ["::ffff:10.0.0.1"],
            ["93.184.216.34", "10.0.0.1"],
        ],
    )
    def test_name_that_leads_inside_is_refused_at_once(self, addresses: list[str]) -> None:
        reply, asked = posted("https://example.com/", [addresses], http.Options())

        assert (reply.detail, reply.is_open, reply.passing) == ("address-refused", False, False)
        assert asked == ["example.com"]

    @pytest.mark.parametrize(
        "url",
        [
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:7f00:1]/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://localhost/",
            "https://localhost./",
        ],
    )
    def test_every_way_to_write_this_machine_is_refused(self, url: str) -> None:
        async def run() -> http.Attempt:
            client = http.Client(http.Options())
            try:
                return await client.ask("POST", url, b"{}", headers={})
            finally:
                await client.close()

        assert asyncio.run(run()).detail in {"address-refused", "url-invalid", "connect-failed"}

    @pytest.mark.parametrize("host", ["a" * 64 + ".com", "a..b", ".", "-", "%"])
    def test_name_that_can_not_be_is_a_failure_not_a_crash(self, host: str) -> None:
        async def run() -> http.Attempt:
            client = http.Client(http.Options())
            try:
                return await client.ask("POST", f"https://{host}/", b"{}", headers={})
            finally:
                await client.close()

        found = asyncio.run(run())
        assert (found.sent, found.is_open) == (False, False)

    def test_cloud_metadata_is_refused_even_where_private_addresses_are_not(self) -> None:
        reply, _ = posted("http://meta.example/", [["169.254.169.254"]], OPEN)

        assert reply.detail == "address-refused"

    def test_name_is_asked_once_for_each_connection_and_its_answer_is_what_is_called(self) -> None:
        async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            await writer.drain()
            writer.close()

        async def resolve(host: str, port: int) -> list[str]:
            asked.append(host)
            return ["127.0.0.1"]

        async def run() -> http.Attempt:
            async with await asyncio.start_server(hear, "127.0.0.1", 0) as server:
                port = server.sockets[0].getsockname()[1]
                client = http.Client(OPEN, resolve=resolve)
                url = f"http://shop.example:{port}/hook"
                reply = await client.ask("POST", url, b"{}", headers={})
                await client.close()
                return reply

        heard: list[bytes] = []
        asked: list[str] = []

        reply = asyncio.run(run())

        assert (reply.sent, reply.status, asked) == (True, 204, ["shop.example"])
        assert b"\r\nHost: shop.example:" in heard[0]
        assert heard[0].startswith(b"POST /hook HTTP/1.1\r\n")

    def test_name_without_an_address_is_a_passing_failure(self) -> None:
        reply, asked = posted("https://example.com/", [[]], http.Options())

        assert (reply.detail, reply.is_open, reply.passing) == ("connect-failed", False, True)
        assert len(asked) == 1


@pytest.mark.parametrize("is_known", [True, False])
def test_receiver_with_a_strange_certificate_gets_nothing(tmp_path: Path, is_known: bool) -> None:
    heard: list[bytes] = []
    authority = Authority(tmp_path)
    trusted = authority.for_client() if is_known else None

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    async def run() -> http.Attempt:
        secured = authority.for_server()
        async with await asyncio.start_server(hear, "127.0.0.1", 0, ssl=secured) as server:
            port = server.sockets[0].getsockname()[1]
            client = http.Client(replace(OPEN, ssl_context=trusted))
            found = await client.ask("POST", f"https://127.0.0.1:{port}/", b"{}", headers={})
            await client.close()
            return found

    found = asyncio.run(run())

    expected = ("http-204", False) if is_known else ("tls-failed", True)
    assert (found.detail, found.passing) == expected
    assert len(heard) == is_known
