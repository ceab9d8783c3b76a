"""The sender that writes files."""

import asyncio
import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.channels import jsonl
from connectors.channels.jsonl import JsonlSender
from connectors.errors import BadSetting
from schemas.commands import Command
from schemas.outcomes import Outcome
from tests import builders


def command(number: int, channel: str = "email") -> Command:
    return builders.command(
        id=f"c-{number}",
        channel=channel,
        definition_id="d",
        at=1_714_566_896_789,
        traits={"city": "Köln"},
    )


def send(sender: JsonlSender, *commands: Command) -> list[Outcome]:
    async def run() -> list[Outcome]:
        try:
            return list(await asyncio.gather(*(sender.send(one) for one in commands)))
        finally:
            await sender.close()

    return asyncio.run(run())


def test_each_channel_has_its_file(tmp_path: Path) -> None:
    send(JsonlSender(tmp_path, now_ms=lambda: 5), command(1), command(2, "sms"), command(3))

    emails = (tmp_path / "commands.email.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["id"] for line in emails] == ["c-1", "c-3"]
    assert (tmp_path / "commands.sms.jsonl").read_text("utf-8").count("\n") == 1


def test_commands_that_overlap_and_repeat_are_each_written_once(tmp_path: Path) -> None:
    many = [command(number % 20) for number in range(40)]

    outcomes = send(JsonlSender(tmp_path, now_ms=lambda: 5), *many)

    lines = (tmp_path / "commands.email.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == [f"c-{number}" for number in range(20)]
    assert [one.command_id for one in outcomes] == [one.id for one in many]
    assert {one.result for one in outcomes} == {"sent"}
    assert len({one.id for one in outcomes}) == 20


def test_line_has_the_command_with_its_time_for_people(tmp_path: Path) -> None:
    send(JsonlSender(tmp_path, now_ms=lambda: 5), command(1))

    line = json.loads((tmp_path / "commands.email.jsonl").read_text("utf-8"))
    assert line["at"] == "2024-05-01T12:34:56.789Z"
    assert line["traits"] == {"city": "Köln"}


def test_next_run_adds_to_the_files(tmp_path: Path) -> None:
    send(JsonlSender(tmp_path, now_ms=lambda: 5), command(1))
    send(JsonlSender(tmp_path, now_ms=lambda: 5), command(2))

    assert (tmp_path / "commands.email.jsonl").read_text("utf-8").count("\n") == 2


@pytest.mark.parametrize("channel", ["../email", "", "a/b", "E", "x" * 65, "a.b"])
def test_channel_that_is_no_file_name_fails(tmp_path: Path, channel: str) -> None:
    [outcome] = send(JsonlSender(tmp_path, now_ms=lambda: 5), command(1, channel))

    assert (outcome.result, outcome.detail) == ("failed", "bad-channel")
    assert list(tmp_path.iterdir()) == []


def test_only_the_latest_ids_are_known_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jsonl, "MAX_IDS", 2)
    sender = JsonlSender(tmp_path, now_ms=lambda: 5)

    async def run() -> None:
        for number in (1, 2, 3, 3, 1):
            await sender.send(command(number))
        await sender.close()

    asyncio.run(run())

    lines = (tmp_path / "commands.email.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["c-1", "c-2", "c-3", "c-1"]


def test_full_disk_raises_and_leaves_no_half_line(
    tmp_path: Path, limit_file_size: Callable[[int], None]
) -> None:
    sender = JsonlSender(tmp_path, now_ms=lambda: 5)
    path = tmp_path / "commands.email.jsonl"

    async def run() -> int:
        await sender.send(command(1))
        written = path.stat().st_size
        limit_file_size(written + 10)
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC) + "|part|large"):
            await sender.send(command(2))
        assert path.stat().st_size == written
        limit_file_size(-1)
        await sender.send(command(2))
        await sender.close()
        return written

    written = asyncio.run(run())

    assert path.stat().st_size == 2 * written


def test_directory_that_can_not_be_made_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(BadSetting, match="can not make the directory"):
        JsonlSender(tmp_path / "file" / "sub", now_ms=lambda: 5)
