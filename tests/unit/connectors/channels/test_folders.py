"""Files that are there as a whole or not at all, and for their owner only."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.channels import folders
from connectors.errors import BadSetting


def test_names_can_not_lead_out_of_the_folder() -> None:
    for key in ("../c-1", "a/b", ".", "", "c:2,S", "x" * 65, "Köln", "a\0b"):
        name = folders.name_of(key)
        assert len(name) == 40
        assert name.isalnum()
    assert folders.name_of("c_0-1") == "c_0-1"
    assert folders.name_of("a/b") != folders.name_of("a.b")


def test_what_is_made_is_closed_to_others(tmp_path: Path) -> None:
    folder = folders.made(tmp_path / "a" / "b")
    folders.lay(b"hello", folder / "c-1", by=folder)
    for made in (folder, folder.parent):
        assert made.stat().st_mode & 0o077 == 0
    assert (folder / "c-1").stat().st_mode & 0o077 == 0
    assert (folder / "c-1").read_bytes() == b"hello"
    assert folders.made(folder) == folder


def test_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadSetting, match="can not make the folder"):
        folders.made(tmp_path / "file")


def test_full_disk_leaves_nothing_behind(
    tmp_path: Path, limit_file_size: Callable[[int], None]
) -> None:
    folder = folders.made(tmp_path / "kept")
    limit_file_size(3)
    with pytest.raises(OSError, match="large") as problem:
        folders.lay(b"hello", folder / "c-1", by=folder)
    limit_file_size(-1)
    assert problem.value.errno == errno.EFBIG
    assert list(folder.iterdir()) == []


def test_files_that_are_being_written_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / ".abc").touch()
    (tmp_path / "inside").mkdir()
    (tmp_path / "c-1").touch()
    assert list(folders.files(tmp_path)) == [tmp_path / "c-1"]
    assert list(folders.files(tmp_path / "absent")) == []
