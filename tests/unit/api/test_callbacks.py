"""What providers tell of messages, posted over real HTTP."""

import asyncio
import hashlib
import hmac
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from connectors.stores import tables
from processors.api import callbacks
from processors.api.callbacks import EARLY_MS, MAX_BODY_BYTES, MAX_REPORTS
from processors.metrics import Counter
from schemas.errors import BadRecord, Forged
from schemas.messages import CallbackRequest, Report
from tests import sites
from tests.builders import T0
from tests.sites import Site

KEY = b"a secret of the pigeon post"
WINDOW_MS = 300_000


class PigeonPost:
    """A provider that signs what it posts: a list of reports, as JSON."""

    name = "pigeon"

    def __init__(self) -> None:
        self.seen: list[CallbackRequest] = []

    def read(self, request: CallbackRequest) -> Sequence[Report]:
        self.seen.append(request)
        stamp = request.headers.get("x-time", "")
        right = signature(stamp, request.body)
        if not hmac.compare_digest(request.headers.get("x-signature", ""), right):
            raise Forged("the signature is wrong")
        if abs(request.at - int(stamp)) > WINDOW_MS:
            raise Forged("it is too old")
        try:
            return msgspec.json.decode(request.body, type=list[Report])
        except msgspec.DecodeError as error:
            raise BadRecord("callback-invalid", "it is no list of reports") from error


class Owl(PigeonPost):
    """One that tries an address first, and needs something fetched."""

    name = "owl"

    def __init__(self) -> None:
        super().__init__()
        self.prepared = 0

    def challenge(self, request: CallbackRequest) -> str:
        if request.query.get("word") != "hoot":
            raise Forged("the word is wrong")
        return request.query.get("answer", "")

    async def prepare(self, request: CallbackRequest) -> None:
        self.prepared += 1


def signature(stamp: str, body: bytes) -> str:
    return hmac.digest(KEY, stamp.encode() + body, hashlib.sha256).hex()


def report(result: str = "delivered", **fields: Any) -> dict[str, Any]:
    found = {"id": f"r-{result}", "provider": "pigeon", "result": result, "at": T0 - 1_000}
    return found | {"provider_id": "c-1@mail"} | fields


def headers(body: bytes, at: int = T0) -> dict[str, str]:
    stamp = str(at)
    return {
        "X-Time": stamp,
        "X-Signature": signature(stamp, body),
        "Content-Type": "application/json",
    }


async def post(site: Site, *reports: dict[str, Any], at: int = T0) -> httpx2.Response:
    body = msgspec.json.encode(reports)
    return await site.client.post("/callbacks/pigeon", content=body, headers=headers(body, at))


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the desk look again at once."""
    monkeypatch.setattr(callbacks, "LOOK_AGAIN_S", (0.0, 0.0))


def test_report_becomes_an_outcome_and_an_event(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[httpx2.Response, list[Any], list[Any]]:
        await site.sent(provider="pigeon")
        answer = await post(site, report(detail="250"))
        outbox = await site.rows(tables.OUTBOX)
        outcomes = [row for row in outbox if row["topic"] == "outcomes"]
        return answer, await site.events(), outcomes

    answer, [event], [row] = sites.run(tmp_path, use, known=[PigeonPost()])
    assert (answer.status_code, answer.content) == (200, b"")
    assert (event["event"], event["userId"]) == ("email.delivered", "ada")
    assert event["properties"]["definition_id"] == "welcome"
    outcome = msgspec.json.decode(row["value"])
    assert row["key"] == "ada"
    assert (outcome["result"], outcome["command_id"], outcome["detail"]) == (
        "delivered",
        "c-1",
        "250",
    )
    assert event["messageId"] == f"outcome-{outcome['id']}"


def test_request_reaches_the_reader_as_the_provider_made_it(tmp_path: Path) -> None:
    known = PigeonPost()

    async def use(site: Site) -> None:
        await site.client.post(
            "/callbacks/pigeon?b=%20x&a=1",
            content=b"\x00raw",
            headers={"Host": "evil.example", "X-Forwarded-Proto": "ftp", "X-Twice": "a"},
        )

    sites.run(tmp_path, use, known=[known])
    [seen] = known.seen
    assert seen.url == "https://mail.shop.example/callbacks/pigeon?b=%20x&a=1"
    assert (seen.query, seen.body, seen.at) == ({"b": " x", "a": "1"}, b"\x00raw", T0)
    assert seen.headers["x-twice"] == "a"


@pytest.mark.parametrize(
    "forged",
    [
        {},
        {"X-Time": str(T0)},
        {"X-Time": str(T0), "X-Signature": "0" * 64},
        {"X-Time": str(T0), "X-Signature": ",".join(["0" * 64] * 100)},
        headers(b"[]", T0 - WINDOW_MS - 1),
        headers(b"[ ]"),
    ],
    ids=["none", "missing", "wrong", "a hundred", "old", "of another body"],
)
def test_forged_request_is_refused_alike_and_changes_nothing(
    tmp_path: Path, forged: dict[str, str]
) -> None:
    async def use(site: Site) -> tuple[httpx2.Response, list[Any], float]:
        answer = await site.client.post("/callbacks/pigeon", content=b"[]", headers=forged)
        refused = site.metrics.read(Counter.CALLBACKS_REFUSED, "pigeon", "forged")
        return answer, [*await site.rows(tables.OUTBOX), *site.dead], refused

    answer, rows, refused = sites.run(tmp_path, use, known=[PigeonPost()])
    assert (answer.status_code, answer.content, rows, refused) == (401, b"", [], 1)


def test_unknown_provider_is_not_there(tmp_path: Path) -> None:
    async def use(site: Site) -> int:
        return (await site.client.post("/callbacks/raven", content=b"[]")).status_code

    assert sites.run(tmp_path, use, known=[PigeonPost()]) == 404


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"content": b"x" * (MAX_BODY_BYTES + 1)}, 413),
        ({"headers": {"Content-Type": "application/xml"}}, 415),
        ({"headers": {"Content-Encoding": "gzip"}}, 415),
        ({"params": {"q": "x" * 5_000}}, 414),
        ({"params": {str(n): "" for n in range(60)}}, 400),
    ],
    ids=["body", "type", "encoding", "query", "fields"],
)
def test_limits_are_kept_before_anything_is_read(
    tmp_path: Path, changes: dict[str, Any], status: int
) -> None:
    known = PigeonPost()

    async def use(site: Site) -> int:
        return (await site.client.post("/callbacks/pigeon", **changes)).status_code

    assert sites.run(tmp_path, use, known=[known]) == status
    assert known.seen == []


def test_too_many_headers_end_at_the_server(tmp_path: Path) -> None:
    many = {f"X-{n}": "x" for n in range(10_000)}
    known = PigeonPost()

    async def use(site: Site) -> int:
        try:
            return (await site.client.post("/callbacks/pigeon", headers=many)).status_code
        except httpx2.TransportError:
            return 431

    assert sites.run(tmp_path, use, known=[known]) in (400, 431)
    assert known.seen == []


def test_body_that_does_not_come_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "BODY_S", 0.1)
    known = PigeonPost()

    async def use(site: Site) -> bytes:
        url = site.client.base_url
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(b"POST /callbacks/pigeon HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n[")
        await writer.drain()
        async with asyncio.timeout(10):
            answer = await reader.readuntil(b"\r\n")
        writer.close()
        return answer

    assert sites.run(tmp_path, use, known=[known]).startswith(b"HTTP/1.1 408 ")
    assert known.seen == []


def test_too_many_at_once_are_asked_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "MAX_AT_ONCE", 0)

    async def use(site: Site) -> tuple[int, float]:
        answer = await post(site, report())
        refused = site.metrics.read(Counter.CALLBACKS_REFUSED, "pigeon", "too-many")
        return answer.status_code, refused

    assert sites.run(tmp_path, use, known=[PigeonPost()]) == (503, 1)


def test_what_can_not_be_read_is_a_dead_letter(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[int, list[Any]]:
        body = b'{"no": "list"}'
        answer = await site.client.post("/callbacks/pigeon", content=body, headers=headers(body))
        return answer.status_code, site.dead

    status, [letter] = sites.run(tmp_path, use, known=[PigeonPost()])
    assert (status, letter.reason) == (400, "callback-invalid")
    assert (letter.record.topic, letter.value()) == ("callbacks.pigeon", b'{"no": "list"}')


def test_more_reports_than_one_request_may_have_are_a_dead_letter(tmp_path: Path) -> None:
    many = [report(id=str(n)) for n in range(MAX_REPORTS + 1)]

    async def use(site: Site) -> tuple[int, list[str], list[Any]]:
        answer = await post(site, *many)
        return answer.status_code, [each.reason for each in site.dead], await site.events()

    assert sites.run(tmp_path, use, known=[PigeonPost()]) == (400, ["too-many"], [])


def test_what_can_not_be_laid_with_the_dead_comes_again(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[int, str | None]:
        site.is_kafka_away = True
        answer = await site.client.post("/callbacks/pigeon", content=b"{", headers=headers(b"{"))
        return answer.status_code, answer.headers.get("retry-after")

    assert sites.run(tmp_path, use, known=[PigeonPost()]) == (503, "5")


def test_address_is_tried_by_its_challenge(tmp_path: Path) -> None:
    async def use(site: Site) -> list[tuple[int, str]]:
        answers = [
            await site.client.get("/callbacks/owl", params={"word": word, "answer": "<42>"})
            for word in ("hoot", "bark")
        ]
        answers.append(await site.client.get("/callbacks/pigeon"))
        assert answers[0].headers["content-type"].startswith("text/plain")
        return [(one.status_code, one.text) for one in answers]

    found = sites.run(tmp_path, use, known=[Owl(), PigeonPost()])
    assert found == [(200, "<42>"), (401, ""), (405, "")]


def test_what_a_reader_needs_is_fetched_first(tmp_path: Path) -> None:
    known = Owl()

    async def use(site: Site) -> int:
        answer = await site.client.post("/callbacks/owl", content=b"[]", headers=headers(b"[]"))
        return answer.status_code

    assert (sites.run(tmp_path, use, known=[known]), known.prepared) == (200, 1)


def test_repeated_report_counts_once(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[list[int], int, float, float]:
        await site.sent(provider="pigeon")
        answers = [await post(site, report(), report()), await post(site, report())]
        return (
            [one.status_code for one in answers],
            len(await site.events()),
            site.metrics.read(Counter.REPORTS, "pigeon", "delivered"),
            site.metrics.read(Counter.REPORTS_LEFT, "pigeon", "repeated"),
        )

    assert sites.run(tmp_path, use, known=[PigeonPost()]) == ([200, 200], 1, 1, 2)


@pytest.mark.parametrize(
    ("told", "domain", "arrival"),
    [
        ({"result": "bounced", "kind": "hard"}, "gmail.com", "hard-bounce"),
        ({"result": "complained"}, "other", "complaint"),
        ({"result": "bounced", "kind": "soft", "detail": "blocked"}, "other", "blocked"),
    ],
)
def test_report_of_a_mail_is_counted_by_who_keeps_the_mailbox(
    tmp_path: Path, told: dict[str, Any], domain: str, arrival: str
) -> None:
    async def use(site: Site) -> float:
        await site.sent(provider="pigeon", domain=domain)
        for _ in range(2):
            await post(site, report(**told))
        return site.metrics.read(Counter.MAILS, "pigeon", domain, arrival)

    assert sites.run(tmp_path, use, known=[PigeonPost()]) == 1


def test_repeats_at_the_same_moment_count_once(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[set[int], int, int]:
        await site.sent(provider="pigeon")
        many = [report(result, id=f"{n}") for n in range(20) for result in ("opened", "clicked")]
        answers = await asyncio.gather(*(post(site, *many) for _ in range(20)))
        statuses = {one.status_code for one in answers}
        return statuses, len(await site.events()), len(await site.rows(tables.REPORTS))

    assert sites.run(tmp_path, use, known=[PigeonPost()]) == ({200}, 20, 20)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (report("bounced", kind="hard"), "hard-bounce"),
        (report("complained"), "complaint"),
        (report("unsubscribed"), "unsubscribe"),
    ],
    ids=["hard bounce", "complaint", "unsubscribe"],
)
def test_report_that_stops_a_channel_does_so_at_once(
    tmp_path: Path, told: dict[str, Any], reason: str
) -> None:
    async def use(site: Site) -> tuple[list[Any], dict[str, str]]:
        await site.sent(provider="pigeon")
        await site.sent("next", state="claimed", provider=None, provider_id=None)
        await site.sent("sms", state="claimed", channel="sms", provider=None, provider_id=None)
        await post(site, told)
        rows = await site.rows(tables.LEDGER)
        return await site.rows(tables.SUPPRESSIONS), {
            row["command_id"]: row["state"] for row in rows
        }

    [stopped], states = sites.run(tmp_path, use, known=[PigeonPost()])
    assert (stopped["profile_id"], stopped["channel"], stopped["reason"]) == (
        "ada",
        "email",
        reason,
    )
    assert states == {"c-1": "sent", "next": "dropped", "sms": "claimed"}


@pytest.mark.parametrize("told", [report("bounced", kind="soft"), report("delivered")])
def test_other_reports_stop_nothing(tmp_path: Path, told: dict[str, Any]) -> None:
    async def use(site: Site) -> list[Any]:
        await site.sent(provider="pigeon")
        await post(site, told)
        return await site.rows(tables.SUPPRESSIONS)

    assert sites.run(tmp_path, use, known=[PigeonPost()]) == []


def test_report_of_one_topic_denies_that_topic(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[list[Any], list[Any]]:
        await site.sent(provider="pigeon")
        await post(site, report("unsubscribed", topic="tips"))
        return await site.rows(tables.SUPPRESSIONS), await site.rows(tables.CONSENTS)

    stopped, [denied] = sites.run(tmp_path, use, known=[PigeonPost()])
    assert stopped == []
    assert (denied["topic"], denied["state"]) == ("tips", "denied")


def test_bounce_before_its_message_comes_again_and_counts_then(tmp_path: Path) -> None:
    early = report("bounced", kind="hard")

    async def use(site: Site) -> tuple[list[int], int, list[Any]]:
        answers = [await post(site, early)]
        await site.sent(provider="pigeon")
        answers.append(await post(site, early))
        statuses = [one.status_code for one in answers]
        return statuses, len(await site.events()), await site.rows(tables.SUPPRESSIONS)

    statuses, told, stopped = sites.run(tmp_path, use, known=[PigeonPost()])
    assert (statuses, told, len(stopped)) == ([503, 200], 1, 1)


def test_what_else_is_told_beside_an_early_report_counts_at_once(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[int, list[str]]:
        await site.sent(provider="pigeon")
        answer = await post(site, report(), report(id="early", provider_id="nobody"))
        return answer.status_code, [one["event"] for one in await site.events()]

    found = sites.run(tmp_path, use, known=[PigeonPost()])
    assert found == (503, ["email.delivered"])


@pytest.mark.parametrize("at", [T0 - EARLY_MS, T0 + EARLY_MS + 1])
def test_report_of_no_message_of_ours_is_let_go_after_a_minute(tmp_path: Path, at: int) -> None:
    async def use(site: Site) -> tuple[int, list[Any], float]:
        answer = await post(site, report(at=at))
        left = site.metrics.read(Counter.REPORTS_LEFT, "pigeon", "unmatched")
        return answer.status_code, await site.events(), left

    assert sites.run(tmp_path, use, known=[PigeonPost()]) == (200, [], 1)


def test_report_that_names_a_command_that_there_is_not_is_let_go_at_once(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[int, float]:
        answer = await post(site, report(command_id="c-9", provider_id="x", at=T0))
        return answer.status_code, site.metrics.read(Counter.REPORTS_LEFT, "pigeon", "unmatched")

    assert sites.run(tmp_path, use, known=[PigeonPost()]) == (200, 1)


def test_report_of_what_another_provider_sent_is_none(tmp_path: Path) -> None:
    async def use(site: Site) -> list[Any]:
        await site.sent(provider="smtp")
        await post(site, report("complained", command_id="c-1", provider_id=None, at=T0 - EARLY_MS))
        return [*await site.events(), *await site.rows(tables.SUPPRESSIONS)]

    assert sites.run(tmp_path, use, known=[PigeonPost()]) == []


def test_nothing_is_taken_while_the_database_is_away_and_nothing_lost(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[list[int], list[int]]:
        await site.sent(provider="pigeon")
        engine = site.database.engine
        dialect_connect = engine.dialect.connect

        def away(*_: Any, **__: Any) -> Any:
            raise OperationalError("away")

        engine.dispose()
        engine.dialect.connect = away  # type: ignore[method-assign]
        first = (await post(site, report())).status_code
        engine.dialect.connect = dialect_connect  # type: ignore[method-assign]
        second = (await post(site, report())).status_code
        return [first, second], [len(await site.events())]

    from sqlite3 import OperationalError

    assert sites.run(tmp_path, use, known=[PigeonPost()]) == ([503, 200], [1])
