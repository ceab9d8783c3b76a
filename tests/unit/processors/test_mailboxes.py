"""`beckon mailbox` shows what went into the local folder."""

import asyncio
import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connectors.channels.mailbox import MailboxProvider
from connectors.channels.recorder import Recorder
from processors.cli import cli
from schemas.messages import Message
from tests.providers.cases import mail
from tests.providers.messengers import message

NOW = 1_767_225_600_000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BECKON_MAILBOX__FOLDER", str(tmp_path / "kept"))
    return tmp_path / "kept"


def put(folder: Path, *messages: Message) -> None:
    mails = MailboxProvider(folder / "email", "news@example.com", now_ms=lambda: NOW)
    others = Recorder(folder, now_ms=lambda: NOW)
    for number, one in enumerate(messages):
        asyncio.run((mails if one.channel == "email" else others).send(one))
        [path] = [each for each in folder.rglob(f"{one.id}*") if each.is_file()]
        os.utime(path, (NOW / 1000 + number, NOW / 1000 + number))


def beckon(*arguments: str) -> str:
    found = CliRunner().invoke(cli, ["mailbox", *arguments])
    assert found.exit_code == 0, found.output
    return found.output


def test_empty_folder_is_said_to_be_empty(folder: Path) -> None:
    assert beckon() == f"nothing is in {folder}/ yet\n"


def test_messages_of_all_channels_are_listed_the_latest_first(folder: Path) -> None:
    put(folder, mail("c-1"), message("sms", "c-2", text="Your parcel is here"))
    _, first, second = beckon().splitlines()
    for word in ("2026-01-01T00:00:01.000Z", "sms", "Your parcel is here", "c-2"):
        assert word in first
    for word in ("email", "ada@example.com", "Grüße aus Köln", "c-1"):
        assert word in second


def test_no_more_are_listed_than_asked_for(folder: Path) -> None:
    put(folder, *(message("sms", f"c-{number}") for number in range(5)))
    said = beckon("--most", "2")
    assert [f"c-{number}" in said for number in range(5)] == [False, False, False, True, True]
    assert "and 3 more" in said


def test_one_mail_is_shown_as_it_is_read(folder: Path) -> None:
    put(folder, mail("c-1"))
    head, _, body = beckon("c-1").partition("\n\n")
    assert "To: ada@example.com" in head.splitlines()
    assert "Subject: Grüße aus Köln" in head.splitlines()
    assert body == "Guten Tag, Ada\n"
    assert beckon("c-1", "--html") == "<p>Guten Tag, <b>Ada</b></p>\n"


def test_mail_without_the_part_that_was_asked_for(folder: Path) -> None:
    put(folder, mail("c-1", text=None), mail("c-2", html=None))
    assert "<b>Ada</b>" in beckon("c-1")
    assert beckon("c-2", "--html") == "\n"


def test_one_message_of_another_channel_is_shown_as_it_was_recorded(folder: Path) -> None:
    put(folder, message("push", "c-1", subject="Hello"))
    assert json.loads(beckon("c-1"))["subject"] == "Hello"


def test_what_a_message_says_does_not_reach_the_terminal_as_a_command(folder: Path) -> None:
    put(folder, mail("c-1", text="a\x1b[2Jb"), message("sms", "c-2", text="a\x1b[2Jb"))
    assert "\x1b" not in beckon() + beckon("c-1") + beckon("c-2")
    assert "a\\x1b[2Jb" in beckon("c-1")


def test_message_that_is_not_there_and_one_that_can_not_be_read_are_told(folder: Path) -> None:
    found = CliRunner().invoke(cli, ["mailbox", "c-9"])
    assert (found.exit_code, found.output) == (1, f"there is no message c-9 in {folder}/\n")
    put(folder, mail("c-2"))
    (folder / "email" / "new" / "c-2").unlink()
    (folder / "email" / "new" / "c-2").symlink_to("/proc/self/mem")  # fails for everybody
    found = CliRunner().invoke(cli, ["mailbox"])
    assert found.exit_code == 1
    assert f"BECKON_MAILBOX__FOLDER: {folder} can not be read" in found.output
