"""What the addresses in messages lead to, asked for over real HTTP."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from connectors.stores import tables
from connectors.stores.views import Views
from processors.api import pages
from processors.api.tracking import MAX_BODY_BYTES, PIXEL
from processors.delivery.links import Links
from processors.delivery.tokens import Keyring
from processors.delivery.topics import Topic
from processors.metrics import Counter
from schemas.commands import Command
from schemas.intents import View
from tests import sites
from tests.builders import T0, command
from tests.sites import Site

NEWS = Topic("news", "News & more", None, True)
TIPS = Topic("tips", "Tips", ("email", "sms"), False)
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
HTML = "text/html; charset=utf-8"


def mail(**fields: Any) -> Command:
    return command(**{"at": T0, "channel": "email", "topic": "news", "profile_id": "ada"} | fields)


def test_pixel_is_shown_and_told(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[httpx2.Response, list[dict[str, Any]]]:
        await site.sent()
        answer = await site.client.get(site.path(site.links.pixel(mail())))
        await site.flush()
        return answer, await site.events()

    answer, [event] = sites.run(tmp_path, use)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    assert answer.content == PIXEL
    assert answer.headers["cache-control"] == "no-store"
    assert (event["event"], event["userId"]) == ("email.opened", "ada")
    assert event["properties"] == {
        "command_id": "c-1",
        "definition_id": "welcome",
        "step": "0",
        "provider": "smtp",
        "result": "opened",
        "detail": "own-link",
    }


@pytest.mark.parametrize("token", ["x", "k1.AAAA", "k9.AAAA", "." * 9_000])
def test_pixel_is_shown_for_any_token_and_only_right_ones_are_told(
    tmp_path: Path, token: str
) -> None:
    async def use(site: Site) -> tuple[httpx2.Response, int, float]:
        answer = await site.client.get(f"/t/o/{token}")
        refused = site.metrics.read(Counter.TOKENS_REFUSED, "open")
        return answer, len(site.notebook), refused

    answer, noted, refused = sites.run(tmp_path, use)
    assert (answer.status_code, answer.content, noted, refused) == (200, PIXEL, 0, 1)


def test_click_leads_to_the_address_in_its_token(tmp_path: Path) -> None:
    target = "https://shop.example/grün?a=b&c=%20d#e"

    async def use(site: Site) -> tuple[httpx2.Response, list[dict[str, Any]]]:
        await site.sent()
        answer = await site.client.get(site.path(site.links.click(mail(), target)))
        await site.flush()
        return answer, await site.events()

    answer, [event] = sites.run(tmp_path, use)
    assert answer.status_code == 302
    assert answer.headers["location"] == "https://shop.example/gr%C3%BCn?a=b&c=%20d#e"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert (event["event"], event["properties"]["url"]) == ("email.clicked", target)


def test_click_leads_nowhere_without_its_token(tmp_path: Path) -> None:
    async def use(site: Site) -> list[httpx2.Response]:
        right = site.path(site.links.click(mail(), "https://shop.example/"))
        wrong = [
            f"{right[:-1]}{'A' if right[-1] != 'A' else 'B'}",
            f"{right}?url=https://evil.example/",
            "/t/c/https://evil.example/",
            "/t/c/%2F%2Fevil.example",
            site.path(site.links.pixel(mail())).replace("/t/o/", "/t/c/"),
        ]
        return [await site.client.get(each) for each in wrong]

    flipped, queried, *others = sites.run(tmp_path, use)
    assert queried.headers["location"] == "https://shop.example/"
    for answer in (flipped, *others):
        assert answer.status_code == 404
        assert "location" not in answer.headers


PROXY = "Mozilla/5.0 (Windows NT 5.1) Firefox/11.0 (via ggpht.com GoogleImageProxy)"


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("HEAD", {}),
        ("GET", {"User-Agent": PROXY}),
        ("GET", {"User-Agent": "Mozilla/5.0"}),
        ("GET", {"User-Agent": ""}),
        ("GET", {"Sec-Purpose": "prefetch"}),
    ],
    ids=["head", "google", "apple", "nobody", "prefetch"],
)
def test_what_programs_open_and_click_is_told_as_theirs(
    tmp_path: Path, method: str, headers: dict[str, str]
) -> None:
    async def use(site: Site) -> list[Any]:
        await site.sent()
        for address in (
            site.links.pixel(mail()),
            site.links.click(mail(), "https://shop.example/"),
        ):
            await site.client.request(method, site.path(address), headers=headers)
        await site.flush()
        return await site.events()

    events = sites.run(tmp_path, use)
    assert {one["event"] for one in events} == {"email.opened", "email.clicked"}
    assert all(one["properties"]["machine"] is True for one in events)


def test_answer_that_never_arrived_is_asked_for_again_and_told_once(tmp_path: Path) -> None:
    async def use(site: Site) -> int:
        await site.sent()
        path = site.path(site.links.click(mail(), "https://shop.example/"))
        for _ in range(3):
            await site.client.get(path)
        await site.flush()
        return len(await site.events())

    assert sites.run(tmp_path, use) == 1


def test_what_a_token_lacks_is_answered_alike(tmp_path: Path) -> None:
    async def use(site: Site) -> set[tuple[int, bytes]]:
        right = site.path(site.links.unsubscribe(mail()))
        old = Keyring([("k0", sites.SECRET)], workspace="beckon.")
        foreign = Links(old, "https://x.example").unsubscribe(mail())
        wrong = [right[:-2], right + "A", site.path(foreign), right.replace("/u/k1.", "/u/k2.")]
        wrong.append(site.path(site.links.pixel(mail())).replace("/t/o/", "/t/u/"))
        return {
            (answer.status_code, answer.content)
            for path in wrong
            for answer in (await site.client.get(path), await site.client.post(path))
        }

    assert len(sites.run(tmp_path, use)) == 1


def test_looking_at_the_page_changes_nothing(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[list[httpx2.Response], list[Any]]:
        path = site.path(site.links.unsubscribe(mail()))
        answers = [await site.client.get(path), await site.client.head(path)]
        return answers, [
            *await site.rows(tables.OUTBOX),
            *await site.rows(tables.SUPPRESSIONS),
            *await site.rows(tables.CONSENTS),
        ]

    (page, head), rows = sites.run(tmp_path, use, topics=[NEWS])
    assert (page.status_code, page.headers["content-type"], rows) == (200, HTML, [])
    assert head.status_code == 200
    assert '<form method="post">' in page.text
    assert "News &amp; more" in page.text
    assert page.headers["content-security-policy"] == pages.POLICY
    assert "set-cookie" not in page.headers


BODIES: dict[str, dict[str, Any]] = {
    "urlencoded": {"data": ONE_CLICK},
    "multipart": {"files": {"List-Unsubscribe": (None, "One-Click")}},
    "empty": {},
    "other type": {"content": b"List-Unsubscribe=One-Click", "headers": {"Content-Type": "x/y"}},
    "more fields": {"data": {**ONE_CLICK, "a": "b", "url": "https://evil.example"}},
    "cookies": {"data": ONE_CLICK, "headers": {"Cookie": "session=1"}},
    "no agent": {"data": ONE_CLICK, "headers": {"User-Agent": ""}},
}


@pytest.mark.parametrize("form", BODIES.values(), ids=BODIES)
def test_one_click_unsubscribes_whatever_its_form(tmp_path: Path, form: dict[str, Any]) -> None:
    async def use(site: Site) -> tuple[httpx2.Response, list[Any], list[Any]]:
        await site.sent()
        answer = await site.client.post(site.path(site.links.unsubscribe(mail())), **form)
        return answer, await site.rows(tables.CONSENTS), await site.events()

    answer, [denied], [event] = sites.run(tmp_path, use)
    assert (answer.status_code, answer.history) == (200, [])
    assert "set-cookie" not in answer.headers
    assert denied == {
        "profile_id": "ada",
        "channel": "email",
        "topic": "news",
        "state": "denied",
        "at": T0,
    }
    assert event["event"] == "email.unsubscribed"
    assert event["properties"]["topic"] == "news"


def test_unsubscribing_again_is_answered_alike_and_told_once(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[set[tuple[int, bytes]], int]:
        path = site.path(site.links.unsubscribe(mail()))
        answers = [await site.client.post(path, data=ONE_CLICK) for _ in range(5)]
        return {(one.status_code, one.content) for one in answers}, len(await site.events())

    answers, told = sites.run(tmp_path, use)
    assert (len(answers), told) == (1, 1)


def test_unsubscribing_without_a_topic_stops_the_channel(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[list[Any], list[Any]]:
        path = site.path(site.links.unsubscribe(mail(topic=None)))
        await site.client.post(path, data=ONE_CLICK)
        return await site.rows(tables.SUPPRESSIONS), await site.events()

    [stopped], [event] = sites.run(tmp_path, use)
    assert (stopped["channel"], stopped["reason"], stopped["at"]) == ("email", "unsubscribe", T0)
    assert "topic" not in event["properties"]


def test_a_thousand_queued_messages_end_with_the_unsubscribing(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[int, dict[str, str]]:
        for number in range(1_000):
            await site.sent(f"q-{number}", state="claimed", provider=None, provider_id=None)
        await site.sent("going", state="dispatching")
        await site.sent("other-topic", state="claimed", topic="tips")
        await site.sent("other-person", state="claimed", profile_id="bob")
        await site.sent("receipt", state="claimed", transactional=True)
        answer = await site.client.post(site.path(site.links.unsubscribe(mail())), data=ONE_CLICK)
        return answer.status_code, {
            row["command_id"]: row["state"] for row in await site.rows(tables.LEDGER)
        }

    status, states = sites.run(tmp_path, use)
    assert status == 200
    assert {state for id_, state in states.items() if id_.startswith("q-")} == {"dropped"}
    assert states["going"] == "dispatching"
    assert {states[each] for each in ("other-topic", "other-person", "receipt")} == {"claimed"}


def test_unsubscribing_works_ten_years_later_and_after_the_ledger_forgot(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[int, list[Any]]:
        path = site.path(site.links.unsubscribe(mail()))
        site.clock.now += 10 * 365 * 86_400_000
        return (await site.client.post(path)).status_code, await site.events()

    status, [event] = sites.run(tmp_path, use)
    assert (status, event["properties"]["definition_id"]) == (200, mail().definition_id)


def test_too_large_a_body_is_refused(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[int, list[Any]]:
        path = site.path(site.links.unsubscribe(mail()))
        answer = await site.client.post(path, content=b"x" * (MAX_BODY_BYTES + 1))
        return answer.status_code, await site.events()

    assert sites.run(tmp_path, use) == (413, [])


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_do_nothing(tmp_path: Path, method: str) -> None:
    async def use(site: Site) -> tuple[int, list[Any]]:
        path = site.path(site.links.unsubscribe(mail()))
        return (await site.client.request(method, path)).status_code, await site.events()

    status, events = sites.run(tmp_path, use)
    assert events == []
    assert status in ({204} if method == "OPTIONS" else {405})


@pytest.mark.parametrize(
    ("accepted", "said"),
    [("de-AT,de;q=0.9", "Abmelden"), ("fr", "Se désabonner"), ("xx", "Unsubscribe")],
)
def test_page_is_in_the_language_of_the_reader(tmp_path: Path, accepted: str, said: str) -> None:
    async def use(site: Site) -> httpx2.Response:
        path = site.path(site.links.unsubscribe(mail()))
        return await site.client.get(path, headers={"Accept-Language": accepted})

    answer = sites.run(tmp_path, use)
    assert f"<h1>{said}</h1>" in answer.text
    assert answer.headers["vary"] == "Accept-Language"


def test_preferences_show_what_stands(tmp_path: Path) -> None:
    async def use(site: Site) -> str:
        await site.client.post(site.path(site.links.unsubscribe(mail())))
        return (await site.client.get(site.path(site.links.preferences(mail())))).text

    text = sites.run(tmp_path, use, topics=[NEWS, TIPS])
    assert 'value="email/news"> News &amp; more' in text
    assert 'value="sms/news" checked> News &amp; more' in text
    assert 'value="sms/tips"> Tips' in text
    assert 'value="email/*"> Nothing at all by e-mail' in text


def test_preferences_are_taken(tmp_path: Path) -> None:
    form = {"on": ["email/tips", "sms/*"], "was": ["email/news", "sms/news"]}

    async def use(site: Site) -> tuple[str, list[Any], list[Any], list[Any]]:
        await site.sent()
        path = site.path(site.links.preferences(mail()))
        answer = await site.client.post(path, data=form)
        return (
            answer.text,
            await site.events(),
            await site.rows(tables.CONSENTS),
            await site.rows(tables.SUPPRESSIONS),
        )

    text, events, denied, stopped = sites.run(tmp_path, use, topics=[NEWS, TIPS])
    told = {
        (one["event"], one["properties"].get("channel"), one["properties"].get("topic"))
        for one in events
    }
    assert told == {
        ("consent.denied", "email", "news"),
        ("consent.granted", "email", "tips"),
        ("consent.denied", "sms", "news"),
        ("consent.denied", "sms", "tips"),
        ("sms.unsubscribed", None, None),
    }
    assert {(one["channel"], one["topic"], one["state"]) for one in denied} == {
        ("email", "news", "denied"),
        ("sms", "news", "denied"),
        ("sms", "tips", "denied"),
    }
    assert [(one["channel"], one["reason"]) for one in stopped] == [("sms", "unsubscribe")]
    assert "Your settings are saved." in text
    assert 'value="email/tips" checked' in text


def test_preferences_take_back_what_a_person_said_and_nothing_else(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[str, list[Any]]:
        held = [
            {"profile_id": "ada", "channel": channel, "reason": reason, "at": 1}
            for channel, reason in (("email", "unsubscribe"), ("sms", "complaint"))
        ]
        await site.database.run(
            lambda connection: connection.execute(tables.SUPPRESSIONS.insert(), held)
        )
        path = site.path(site.links.preferences(mail()))
        page = (await site.client.get(path)).text
        await site.client.post(path, data={"was": ["email/*", "sms/*"]})
        return page, await site.events()

    page, [event] = sites.run(tmp_path, use)
    assert 'value="email/*" checked> ' in page
    assert 'value="sms/*" checked disabled> ' in page
    assert (event["event"], event["properties"]["channel"]) == ("suppression.removed", "email")


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "application/json", ""])
def test_preferences_are_taken_from_our_own_form_only(tmp_path: Path, kind: str) -> None:
    async def use(site: Site) -> tuple[int, list[Any]]:
        path = site.path(site.links.preferences(mail()))
        answer = await site.client.post(path, content=b"{}", headers={"Content-Type": kind})
        return answer.status_code, await site.events()

    assert sites.run(tmp_path, use, topics=[NEWS]) == (415, [])


def test_consent_is_confirmed_by_the_button_alone(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[str, list[Any], str, list[Any]]:
        path = site.path(site.links.confirm(mail()))
        page, before = (await site.client.get(path)).text, await site.events()
        return page, before, (await site.client.post(path)).text, await site.events()

    page, before, done, [event] = sites.run(tmp_path, use, topics=[NEWS])
    assert ("Yes, I want them" in page, before) == (True, [])
    assert "Thank you" in done
    assert event["event"] == "consent.confirmed"
    assert event["properties"] == {
        "channel": "email",
        "topic": "news",
        "source": "confirmation",
        "evidence": "c-1",
    }


def test_confirming_ends_after_thirty_days(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[int, list[Any]]:
        site.clock.now += 30 * 86_400_000
        answer = await site.client.post(site.path(site.links.confirm(mail())))
        return answer.status_code, await site.events()

    assert sites.run(tmp_path, use) == (404, [])


def test_nothing_is_said_to_be_done_while_the_database_is_away(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[list[httpx2.Response], httpx2.Response, list[Any]]:
        await site.database.run(lambda connection: connection.exec_driver_sql("drop table reports"))
        answers = [
            await site.client.post(site.path(each(mail())))
            for each in (site.links.unsubscribe, site.links.confirm)
        ]
        click = await site.client.get(site.path(site.links.click(mail(), "https://shop.example/")))
        return answers, click, await site.rows(tables.CONSENTS)

    answers, click, denied = sites.run(tmp_path, use)
    assert [one.status_code for one in answers] == [503, 503]
    assert "Please try again" in answers[0].text
    assert answers[0].headers["retry-after"] == "60"
    assert (click.status_code, denied) == (302, [])


async def viewed(site: Site, token: str | None = None) -> httpx2.Response:
    mail_html = "<p>Hello</p><script>alert(1)</script>"
    kept = View(message_id="c-1", profile_id="ada", html=mail_html, until=site.clock.now_ms() + 9)
    await Views(site.database).keep([kept])
    address = site.path(site.links.view(mail()))
    return await site.client.get(f"/t/v/{token}" if token is not None else address)


def test_mail_is_seen_as_it_was_sent_and_nothing_in_it_runs(tmp_path: Path) -> None:
    answer = sites.run(tmp_path, viewed)
    assert (answer.status_code, answer.headers["content-type"]) == (200, HTML)
    assert answer.text == "<p>Hello</p><script>alert(1)</script>"
    policy = answer.headers["content-security-policy"]
    assert {"default-src 'none'", "form-action 'none'", "base-uri 'none'"} <= set(
        policy.split("; ")
    )
    assert "script-src" not in policy
    assert "allow-scripts" not in policy
    assert "sandbox" in policy
    headers = ("referrer-policy", "x-robots-tag", "cache-control")
    assert [answer.headers[name] for name in headers] == ["no-referrer", "noindex", "no-store"]


def test_mail_that_is_gone_or_another_token_is_no_page(tmp_path: Path) -> None:
    async def use(site: Site) -> list[int]:
        found = [await viewed(site, token) for token in ("x", "k1.AAAA")]
        other = site.path(site.links.unsubscribe(mail())).replace("/t/u/", "/t/v/")
        found.append(await site.client.get(other))
        found.append(await site.client.get(site.path(site.links.view(mail(id="c-2")))))
        site.clock.now += 9
        found.append(await site.client.get(site.path(site.links.view(mail()))))
        return [each.status_code for each in found]

    assert sites.run(tmp_path, use) == [404] * 5


def test_mail_is_not_seen_while_the_database_is_away(tmp_path: Path) -> None:
    async def use(site: Site) -> httpx2.Response:
        await site.database.run(lambda one: one.exec_driver_sql("drop table views"))
        return await site.client.get(site.path(site.links.view(mail())))

    answer = sites.run(tmp_path, use)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
