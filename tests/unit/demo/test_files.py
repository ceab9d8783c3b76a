"""The folder holds what a person opens, and nothing of an earlier demo."""

import csv
from pathlib import Path

import msgspec
import pytest

from processors.definitions.sets import DefinitionSet
from processors.demo import files
from processors.demo.boards import Board
from processors.demo.files import Files
from processors.operations.errors import OperationFailed
from schemas import codec
from schemas.records import ScoreRecord, SegmentRecord
from tests.builders import T0


def lines(path: Path) -> list[dict[str, object]]:
    return [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]


def filled(shop: DefinitionSet) -> Board:
    board = Board(shop, T0)
    for member, name in ((True, "ann"), (False, "ben")):
        record = SegmentRecord(profile_id=name, segment_id="at-risk", member=member, since=T0)
        board.take("segments", f"{name}/at-risk", codec.encode(record))
    score = ScoreRecord(
        profile_id="ann", score_id="engagement", value=12.0, level="cold", grade=None, at=T0
    )
    board.take("scores", "ann/engagement", codec.encode(score))
    return board


def test_records_are_lines_with_readable_instants(tmp_path: Path) -> None:
    with Files(tmp_path) as found:
        found.add("decisions", {"at": T0, "reason": "fired"})
        found.add("scores", {"at": T0})

    assert lines(tmp_path / "decisions.jsonl") == [
        {"at": "2026-01-01T00:00:00.000Z", "reason": "fired"}
    ]


def test_tables_hold_members_and_scores(tmp_path: Path, shop: DefinitionSet) -> None:
    Files(tmp_path).write_tables(filled(shop))

    member = {
        "profile_id": "ann",
        "segment_id": "at-risk",
        "since": "2026-01-01T00:00:00.000Z",
    }
    assert lines(tmp_path / "segments.jsonl") == [member]
    with (tmp_path / "segments.csv").open() as file:
        assert list(csv.DictReader(file)) == [member]
    with (tmp_path / "scores.csv").open() as file:
        [score] = csv.DictReader(file)
    assert (score["profile_id"], score["value"], score["level"]) == ("ann", "12.0", "cold")


def test_commands_are_read_back_from_all_channels(tmp_path: Path) -> None:
    (tmp_path / "commands.email.jsonl").write_text('{"id":"a"}\n{"id":"b"}\n')
    (tmp_path / "commands.push.jsonl").write_text('{"id":"c"}\n')

    assert list(Files(tmp_path).command_ids()) == ["a", "b", "c"]


def test_earlier_demo_goes_and_what_is_not_ours_stays(tmp_path: Path) -> None:
    for name in (*files.OURS, "commands.email.jsonl", "notes.txt", "mine.jsonl"):
        if "*" not in name:
            (tmp_path / name).write_text("old")

    files.clear(tmp_path)

    assert {each.name for each in tmp_path.iterdir()} == {"notes.txt", "mine.jsonl"}


def test_folder_is_made(tmp_path: Path) -> None:
    files.clear(tmp_path / "a" / "b")

    assert (tmp_path / "a" / "b").is_dir()


def test_file_in_the_folder_s_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")

    with pytest.raises(OperationFailed, match="can not use the folder"):
        files.clear(tmp_path / "out")


def test_every_file_is_explained(tmp_path: Path) -> None:
    for name in files.OURS:
        if name not in ("README.txt", "segments.jsonl", "commands.*.jsonl"):
            assert name in files.README
