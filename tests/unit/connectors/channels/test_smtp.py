"""Mail goes over SMTP once, whole, and what a relay says of it is understood."""

import asyncio
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.channels import smtp as channel
from connectors.channels.mails import mail as parts
from connectors.channels.smtp import SmtpProvider
from connectors.errors import BadSetting
from schemas.errors import Unsendable
from schemas.messages import Fate, Message, Reply
from tests.certificates import Authority
from tests.providers.cases import mail
from tests.providers.relay import HANG_UP, SENDER, Relay, options, relay, smtp
from tests.providers.servers import Fault

NOW_MS = 1_714_566_896_789
PRINTED = st.characters(exclude_categories=["Cc", "Cs"])
HEADERS = [
    "content-type",
    "date",
    "from",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "message-id",
    "mime-version",
    "subject",
    "to",
]


def send(provider: SmtpProvider, *messages: Message) -> list[Reply]:
    async def run() -> list[Reply]:
        try:
            return [await provider.send(message) for message in messages]
        finally:
            await provider.close()

    return asyncio.run(run())


def sent(message: Message) -> tuple[Reply, Relay]:
    with relay() as found:
        [reply] = send(smtp(found.port, now_ms=lambda: NOW_MS), message)
        return reply, found


def test_mail_has_text_and_html_and_all_headers_that_a_relay_signs() -> None:
    reply, found = sent(mail("c-1", reply_to="Hilfe <help@shop.example.com>"))

    [letter] = found.mails
    assert reply.provider_id == "c-1@shop.example.com"
    assert letter["From"] == SENDER
    assert letter["To"] == "ada@example.com"
    assert letter["Reply-To"] == "Hilfe <help@shop.example.com>"
    assert letter["Subject"] == "Grüße aus Köln"
    assert letter["Date"] == "Wed, 01 May 2024 12:34:56 +0000"
    assert letter["Message-ID"] == "<c-1@shop.example.com>"
    assert letter["MIME-Version"] == "1.0"
    assert letter["List-Unsubscribe"] == "<https://example.com/u/abc>"
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert letter.get_content_type() == "multipart/alternative"
    text, html = letter.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert text.get_content() == "Guten Tag, Ada\r\n"
    assert html.get_content() == "<p>Guten Tag, <b>Ada</b></p>\r\n"
    assert found.envelopes == [("news@shop.example.com", ["ada@example.com"], [])]


@pytest.mark.parametrize("kind", ["text", "html"])
def test_mail_of_one_part_has_no_other(kind: str) -> None:
    changes: dict[str, Any] = {"text": None, "html": None, kind: "Grüße"}

    _, found = sent(mail(**changes))

    [letter] = found.mails
    assert letter.get_content_type() == ("text/plain" if kind == "text" else "text/html")
    assert letter.get_content() == "Grüße\r\n"


@pytest.mark.parametrize("text", ["ß", "ß" * 5_000, "a\n" * 5_000, "ß\n" * 5_000, "🎉" * 300])
def test_every_byte_is_ascii_and_no_line_is_too_long(text: str) -> None:
    _, found = sent(mail(subject="ü" * 500, text=text, html="<p>" + "x" * 5_000 + "</p>"))

    [raw] = found.raw
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert found.mails[0]["Subject"] == "ü" * 500


def test_lines_that_begin_with_a_dot_arrive_as_they_were() -> None:
    text = "one\n.\n..two\n.three\n"

    _, found = sent(mail(text=text, html=None))

    assert found.mails[0].get_content() == text.replace("\n", "\r\n")


def test_long_address_to_unsubscribe_is_not_encoded() -> None:
    url = f"<https://example.com/u/{'a' * 400}>"

    _, found = sent(mail(headers={"List-Unsubscribe": url}))

    assert f"List-Unsubscribe: {url}\r\n".encode() in found.raw[0]


def test_repeat_is_the_same_mail() -> None:
    with relay() as found:
        send(smtp(found.port, now_ms=lambda: NOW_MS), mail("c-1"), mail("c-1"))

        assert found.raw[0] == found.raw[1]


@pytest.mark.parametrize("key", ["a@b", "a b", "ä", ".a", "x" * 65, "a\r\nb", ""])
def test_id_that_can_not_stand_in_a_message_id_is_hashed(key: str) -> None:
    found = channel.message_id_of(key, "example.com")

    assert found != channel.message_id_of(key + "-", "example.com")
    assert len(found) == 40 + len("@example.com")


def test_domain_in_unicode_goes_out_in_ascii() -> None:
    _, found = sent(mail(to="ada@köln.example.com"))

    assert found.envelopes[0][1] == ["ada@xn--kln-sna.example.com"]
    assert found.envelopes[0][2] == []


def test_address_in_unicode_is_sent_where_the_relay_can() -> None:
    reply, found = sent(mail(to="jürgen@example.com"))

    assert reply.fate == "accepted"
    _, recipients, given = found.envelopes[0]
    assert (recipients, "SMTPUTF8" in given) == (["jürgen@example.com"], True)
    assert "To: jürgen@example.com\r\n".encode() in found.raw[0]


def test_address_in_unicode_is_refused_where_the_relay_can_not() -> None:
    with relay(utf8=False) as found:
        refused, taken = send(smtp(found.port), mail(to="jürgen@example.com"), mail("c-2"))

        assert (refused.fate, refused.detail) == ("refused", "smtputf8-missing")
        assert (taken.fate, len(found.sessions)) == ("accepted", 1)


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"to": "ada@example.com, eve@example.com"}, "address-invalid"),
        ({"subject": "Hello\r\nBcc: eve@example.com"}, "header-invalid"),
        ({"headers": {"Bcc": "eve@example.com"}}, "header-invalid"),
        ({"text": None, "html": None}, "body-missing"),
    ],
)
def test_message_that_can_be_no_mail_is_refused_without_asking(
    changes: dict[str, Any], detail: str
) -> None:
    [reply] = send(smtp(1), mail(**changes))

    assert (reply.fate, reply.detail) == ("refused", detail)


@pytest.mark.parametrize(
    ("step", "said", "fate", "detail", "suppresses"),
    [
        ("rcpt", "550 5.1.1 no such user", "refused", "smtp-550-5.1.1", "hard-bounce"),
        ("rcpt", "551 5.1.6 moved", "refused", "smtp-551-5.1.6", "hard-bounce"),
        ("rcpt", "553 5.1.3 bad address", "refused", "smtp-553-5.1.3", "hard-bounce"),
        ("data", "550 5.1.1 no such user", "refused", "smtp-550-5.1.1", "hard-bounce"),
        ("mail", "553 5.1.8 bad sender", "refused", "smtp-553-5.1.8", None),
        ("rcpt", "553 5.1.7 bad sender", "refused", "smtp-553-5.1.7", None),
        ("rcpt", "550 no relaying", "refused", "smtp-550", None),
        ("rcpt", "550 5.7.1 blocked", "refused", "smtp-550-5.7.1", None),
        ("rcpt", "552 5.2.2 full", "refused", "smtp-552-5.2.2", None),
        ("data", "554 5.6.0 bad content", "refused", "smtp-554-5.6.0", None),
        ("mail", "452 4.3.1 no space", "passing", "smtp-452-4.3.1", None),
        ("rcpt", "450 4.2.1 greylisted", "passing", "smtp-450-4.2.1", None),
        ("data", "451 4.3.0 later", "passing", "smtp-451-4.3.0", None),
    ],
)
def test_fate_by_what_the_relay_says(
    step: str, said: str, fate: Fate, detail: str, suppresses: str | None
) -> None:
    with relay() as found:
        found.refusals[step] = said
        [reply] = send(smtp(found.port), mail())

    assert (reply.fate, reply.detail, reply.suppresses) == (fate, detail, suppresses)


def test_refused_mail_leaves_the_connection_for_the_next() -> None:
    with relay() as found:
        found.faults.append("refused")
        replies = send(smtp(found.port), mail("c-1"), mail("c-2"))

        assert [reply.fate for reply in replies] == ["refused", "accepted"]
        assert len(found.sessions) == 1


def test_connection_that_was_closed_meanwhile_is_no_fault_of_the_mail() -> None:
    with relay() as found:
        found.faults += ["none", "broken", "none"]
        replies = send(smtp(found.port), mail("c-1"), mail("c-2"))

        assert [reply.fate for reply in replies] == ["accepted", "accepted"]
        assert (found.ids, len(found.sessions)) == (["c-1", "c-2"], 2)


def test_relay_that_hangs_up_before_the_mail_was_written_is_asked_once_more() -> None:
    async def twice(provider: SmtpProvider, found: Relay) -> list[Reply]:
        first = await provider.send(mail("c-1"))
        found.refusals["mail"] = HANG_UP
        second = await provider.send(mail("c-2"))
        await provider.close()
        return [first, second]

    with relay() as found:
        replies = asyncio.run(twice(smtp(found.port), found))

        assert [reply.fate for reply in replies] == ["accepted", "accepted"]
        assert (found.ids, len(found.sessions)) == (["c-1", "c-2"], 2)


@pytest.mark.parametrize(("fault", "fate"), [("reset", "unknown"), ("refused", "refused")])
def test_what_came_of_a_mail_over_a_kept_connection_is_not_tried_again(
    fault: Fault, fate: Fate
) -> None:
    with relay() as found:
        found.faults += ["none", fault]
        replies = send(smtp(found.port), mail("c-1"), mail("c-2"))

        assert [reply.fate for reply in replies] == ["accepted", fate]
        assert (found.ids, len(found.sessions)) == (["c-1"], 1)


def test_relay_that_hangs_up_at_once_is_passing() -> None:
    with relay() as found:
        found.refusals["mail"] = HANG_UP
        [reply] = send(smtp(found.port), mail())

        assert (reply.fate, reply.detail, found.raw) == ("passing", "connection-lost", [])


def test_relay_that_asks_for_nobody_gets_no_password() -> None:
    with relay() as found:
        [reply] = send(smtp(found.port, username=None), mail(to="jürgen@example.com"))

        assert (reply.fate, bool(found.sessions[-1].authenticated)) == ("accepted", False)


@pytest.mark.parametrize("username", ["shop", "somebody"])
def test_wrong_password_is_told_as_such(username: str) -> None:
    with relay() as found:
        [reply] = send(smtp(found.port, username=username, password="another"), mail())

        assert (reply.fate, reply.detail, found.raw) == ("passing", "smtp-535", [])


@pytest.mark.parametrize(
    ("changes", "connections"),
    [({}, 1), ({"messages": 2}, 2), ({"lifetime_ms": 0}, 4), ({"idle_ms": 0}, 4)],
)
def test_connections_have_a_bounded_life(changes: dict[str, Any], connections: int) -> None:
    with relay() as found:
        send(smtp(found.port, **changes), *(mail(f"c-{number}") for number in range(4)))

        assert len(found.ids) == 4
        assert len(found.sessions) == connections


def test_no_more_connections_than_allowed() -> None:
    async def many(provider: SmtpProvider) -> None:
        await asyncio.gather(*(provider.send(mail(f"c-{number}")) for number in range(12)))
        await provider.close()

    with relay() as found:
        asyncio.run(many(smtp(found.port, connections=3)))

        assert len(found.ids) == 12
        assert len(found.sessions) <= 3


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_goes_encrypted(security: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = authority.for_server()
    with relay(**{security: context}) as found:  # type: ignore[arg-type]
        provider = smtp(
            found.port,
            security=security,
            allow_plain=False,
            ssl_context=authority.for_client(),
        )
        [reply] = send(provider, mail())

        assert reply.fate == "accepted"
        assert found.sessions[-1].ssl is not None or security == "tls"


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_relay_with_a_strange_certificate_gets_nothing(security: str, tmp_path: Path) -> None:
    context = Authority(tmp_path).for_server()
    with relay(**{security: context}) as found:  # type: ignore[arg-type]
        [reply] = send(smtp(found.port, security=security), mail())

        assert (reply.fate, reply.detail) == ("passing", "tls-failed")
        assert found.raw == []


def test_relay_without_tls_gets_nothing_that_was_to_be_encrypted() -> None:
    with relay() as found:
        [reply] = send(smtp(found.port, security="starttls"), mail())

        assert (reply.fate, reply.detail, found.raw) == ("passing", "not-supported", [])


def test_mail_without_tls_must_be_allowed() -> None:
    with pytest.raises(BadSetting, match="without TLS"):
        SmtpProvider(options(25, allow_plain=False), now_ms=lambda: NOW_MS)


def test_sender_must_be_an_address() -> None:
    with pytest.raises(BadSetting, match="one address"):
        SmtpProvider(options(25, sender="Shop"), now_ms=lambda: NOW_MS)


def test_password_is_not_shown() -> None:
    assert "a-very-secret-password" not in repr(options(25))


def test_mime_is_made_of_its_arguments_alone() -> None:
    found = parts(mail(), SENDER)

    first, second = (channel.mime(found, "<c-1@example.com>", NOW_MS) for _ in range(2))

    assert first == second


@given(
    subject=st.text(PRINTED, max_size=200),
    name=st.text(PRINTED, max_size=60),
    body=st.text(max_size=200),
    local=st.sampled_from(["ada", "jürgen"]),
)
def test_no_text_adds_a_header_or_an_address(
    subject: str, name: str, body: str, local: str
) -> None:
    message = mail(subject=subject, text=body, html=body, sender=f"{name} <{local}@example.com>")
    try:
        found = parts(message, SENDER)
    except Unsendable:
        return
    raw = channel.mime(found, "<c-1@example.com>", NOW_MS, utf8=local != "ada")

    letter = message_from_bytes(raw, policy=policy.default)
    [sender] = letter["From"].addresses
    spelled = sender.addr_spec.encode("utf-8", "surrogateescape").decode()
    assert spelled == f"{local}@example.com"
    assert sorted(name.lower() for name in letter.keys()) == HEADERS  # noqa: SIM118
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
