"""Messages of other channels than mail in a folder of this machine."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from connectors.channels import recorder
from connectors.channels.recorder import Recorder
from schemas.messages import Message, Reply
from tests.providers.messengers import message

NOW = 1_767_225_600_000


def send(folder: Path, *messages: Message) -> list[Reply]:
    found = Recorder(folder, now_ms=lambda: NOW)

    async def run() -> list[Reply]:
        return [await found.send(one) for one in messages]

    return asyncio.run(run())


def read(folder: Path, channel: str, id: str) -> dict[str, Any]:
    found = json.loads((folder / channel / f"{id}.json").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def test_message_is_recorded_with_all_that_it_says_and_nothing_else(tmp_path: Path) -> None:
    send(tmp_path, message("push", "c-1", text="Grüße", data={"order": 7}, parameters=("a",)))
    assert read(tmp_path, "push", "c-1") == {
        "id": "c-1",
        "channel": "push",
        "profile_id": "ada",
        "to": message("push", "c-1").to,
        "definition_id": "welcome",
        "step": "0",
        "text": "Grüße",
        "data": {"order": 7},
        "parameters": ["a"],
        "transactional": False,
        "is_viewable": False,
        "method": "POST",
        "recorded_at": "2026-01-01T00:00:00.000Z",
    }


def test_each_channel_has_its_folder_which_others_can_not_look_into(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    send(folder, *(message(channel, "c-1") for channel in Recorder.channels))
    assert {path.name for path in folder.iterdir()} == set(Recorder.channels)
    for path in folder.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0


def test_repeat_changes_nothing_of_the_first(tmp_path: Path) -> None:
    send(tmp_path, message("sms", "c-1", text="one"), message("sms", "c-1", text="two"))
    assert read(tmp_path, "sms", "c-1")["text"] == "one"


def test_full_disk_is_passing_and_leaves_nothing(
    tmp_path: Path, limit_file_size: Callable[[int], None]
) -> None:
    limit_file_size(10)
    [reply] = send(tmp_path, message("sms", "c-1"))
    limit_file_size(-1)
    assert (reply.fate, reply.detail) == ("passing", "folder-away")
    assert list((tmp_path / "sms").iterdir()) == []


def test_messages_are_listed_by_what_they_say_first(tmp_path: Path) -> None:
    send(
        tmp_path,
        message("push", "c-1", subject="Hello"),
        message("sms", "c-2", text="x" * 200),
        message("whatsapp", "c-3", text=None, template="welcome"),
        message("webhook", "c-4", text=None, url="https://example.com/a"),
        message("audience", "c-5", text=None),
    )
    (tmp_path / "sms" / "notes.txt").touch()
    found = {one.id: (one.channel, one.title) for one in recorder.kept(tmp_path)}
    assert found == {
        "c-1": ("push", "Hello"),
        "c-2": ("sms", "x" * 80),
        "c-3": ("whatsapp", "welcome"),
        "c-4": ("webhook", "https://example.com/a"),
        "c-5": ("audience", ""),
    }


def test_message_is_opened_by_its_id_whatever_its_channel(tmp_path: Path) -> None:
    send(tmp_path, message("sms", "c-1"), message("slack", "c/2", text="hi"))
    [odd] = [one.id for one in recorder.kept(tmp_path) if one.channel == "slack"]
    for id in ("c/2", odd):
        opened = recorder.opened(tmp_path, id)
        assert opened is not None
        assert json.loads(opened)["text"] == "hi"
    assert recorder.opened(tmp_path, "c-3") is None
