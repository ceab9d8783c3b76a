"""Mails in a folder of this machine, as any mail reader finds them."""

import asyncio
import mailbox
from collections.abc import Callable
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

import pytest

from connectors.channels import mailbox as boxes
from connectors.channels.mailbox import MailboxProvider
from connectors.errors import BadSetting
from schemas.messages import Message, Reply
from tests.providers.cases import mail

NOW = 1_767_225_600_000


def provider(folder: Path) -> MailboxProvider:
    return MailboxProvider(folder, "Shop Köln <news@shop.example.com>", now_ms=lambda: NOW)


def send(folder: Path, *messages: Message) -> list[Reply]:
    found = provider(folder)

    async def run() -> list[Reply]:
        return [await found.send(one) for one in messages]

    return asyncio.run(run())


def read(folder: Path) -> list[EmailMessage]:
    """Returns the mails that any other reader finds."""
    found = mailbox.Maildir(folder, create=False)
    parser = BytesParser(EmailMessage, policy=policy.default)
    return [parser.parsebytes(found.get_bytes(key)) for key in found.keys()]  # noqa: SIM118


def test_mail_is_read_by_the_standard_library_as_it_was_written(tmp_path: Path) -> None:
    [reply] = send(tmp_path, mail("c-1"))
    assert reply.provider_id == "c-1@shop.example.com"
    [found] = read(tmp_path)
    assert found["Message-ID"] == "<c-1@shop.example.com>"
    assert (found["To"], found["Subject"]) == ("ada@example.com", "Grüße aus Köln")
    assert found["From"] == "Shop Köln <news@shop.example.com>"
    assert found["List-Unsubscribe"] == "<https://example.com/u/abc>"
    text, html = found.get_body(("plain",)), found.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content() == "Guten Tag, Ada\n"
    assert "<b>Ada</b>" in html.get_content()
    assert (tmp_path / "new" / "c-1").stat().st_mode & 0o077 == 0


def test_mail_to_an_address_in_unicode_is_written(tmp_path: Path) -> None:
    send(tmp_path, mail("c-1", to="köln@example.com"))
    assert [found["To"] for found in read(tmp_path)] == ["köln@example.com"]


def test_repeat_of_a_mail_that_was_read_meanwhile_is_known(tmp_path: Path) -> None:
    send(tmp_path, mail("c-1"))
    (tmp_path / "new" / "c-1").rename(tmp_path / "cur" / "c-1:2,RS")
    [reply] = send(tmp_path, mail("c-1"))
    assert reply.fate == "accepted"
    assert len(read(tmp_path)) == 1


def test_repeat_changes_nothing_of_the_first(tmp_path: Path) -> None:
    send(tmp_path, mail("c-1"), mail("c-1", subject="Another"))
    assert [found["Subject"] for found in read(tmp_path)] == ["Grüße aus Köln"]


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"to": "nobody"}, "address-invalid"),
        ({"text": None, "html": None}, "body-missing"),
        ({"subject": "a\nBcc: b@example.com"}, "header-invalid"),
    ],
)
def test_what_can_be_no_mail_is_refused(
    tmp_path: Path, changes: dict[str, str | None], detail: str
) -> None:
    [reply] = send(tmp_path, mail("c-1", **changes))
    assert (reply.fate, reply.detail) == ("refused", detail)
    assert list(tmp_path.iterdir()) == []


def test_folder_that_was_cleared_away_is_made_again(tmp_path: Path) -> None:
    found = provider(tmp_path / "kept")
    (tmp_path / "kept").rmdir()
    assert asyncio.run(found.send(mail("c-1"))).fate == "accepted"
    assert len(read(tmp_path / "kept")) == 1


def test_full_disk_is_passing_and_the_mail_is_there_once_it_is_not(
    tmp_path: Path, limit_file_size: Callable[[int], None]
) -> None:
    limit_file_size(10)
    [reply] = send(tmp_path, mail("c-1"))
    limit_file_size(-1)
    assert (reply.fate, reply.detail) == ("passing", "folder-away")
    assert (read(tmp_path), list((tmp_path / "tmp").iterdir())) == ([], [])
    assert [one.fate for one in send(tmp_path, mail("c-1"))] == ["accepted"]


def test_sender_that_is_no_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="one address"):
        MailboxProvider(tmp_path, "Shop", now_ms=lambda: NOW)


def test_mails_are_listed_and_opened_by_their_id(tmp_path: Path) -> None:
    assert boxes.kept(tmp_path) == []
    send(tmp_path, mail("c-1"), mail("c-2"))
    (tmp_path / "new" / "c-1").rename(tmp_path / "cur" / "c-1:2,S")
    found = {one.id: one for one in boxes.kept(tmp_path)}
    assert found.keys() == {"c-1", "c-2"}
    assert (found["c-1"].to, found["c-1"].title) == ("ada@example.com", "Grüße aus Köln")
    for one in found:
        opened = boxes.opened(tmp_path, one)
        assert opened is not None
        assert opened["Message-ID"] == f"<{one}@shop.example.com>"
    assert boxes.opened(tmp_path, "c-3") is None


def test_mail_whose_id_is_no_name_is_opened_by_either(tmp_path: Path) -> None:
    send(tmp_path, mail("c/1"))
    [listed] = boxes.kept(tmp_path)
    for id in ("c/1", listed.id):
        opened = boxes.opened(tmp_path, id)
        assert opened is not None
        assert opened["Subject"] == listed.title
