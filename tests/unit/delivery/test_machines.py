"""Who opened or clicked: a person or a program."""

import pytest

from processors.delivery.machines import SOON_MS, is_machine, is_too_soon

PEOPLE = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.0",
    "Microsoft Office/16.0 (Microsoft Outlook 16.0.17928; Pro)",
]
PROGRAMS = [
    "",
    "Mozilla/5.0",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
    "Mozilla/5.0 (compatible; Googlebot/2.1)",
    "Slackbot-LinkExpanding 1.0",
    "facebookexternalhit/1.1",
    "BarracudaCentral",
    "Mozilla/5.0 HeadlessChrome/140.0",
    "curl/8.9",
    "python-httpx/0.28",
    "Go-http-client/2.0",
]


@pytest.mark.parametrize("agent", PEOPLE)
def test_browsers_and_mail_programs_are_people(agent: str) -> None:
    assert not is_machine("GET", {"user-agent": agent})


@pytest.mark.parametrize("agent", PROGRAMS)
def test_proxies_and_scanners_are_machines(agent: str) -> None:
    assert is_machine("GET", {"user-agent": agent})


def test_request_for_the_head_is_of_a_machine() -> None:
    assert is_machine("HEAD", {"user-agent": PEOPLE[0]})


@pytest.mark.parametrize("name", ["purpose", "sec-purpose", "x-purpose", "x-moz"])
def test_what_is_fetched_ahead_is_of_a_machine(name: str) -> None:
    assert is_machine("GET", {"user-agent": PEOPLE[0], name: "prefetch;prerender"})
    assert not is_machine("GET", {"user-agent": PEOPLE[0], name: ""})


def test_nobody_reads_within_a_second() -> None:
    assert is_too_soon(SOON_MS - 1, 0)
    assert not is_too_soon(SOON_MS, 0)
    assert not is_too_soon(0, None)
