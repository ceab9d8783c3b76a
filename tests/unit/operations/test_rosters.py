"""Ids of people from a file: one a line or a column, all that is wrong told at once."""

import io
import sys
from pathlib import Path

import pytest
import zstandard

from processors.operations import rosters
from processors.operations.errors import OperationFailed
from processors.operations.rosters import checked, given, of_file


def written(folder: Path, content: bytes, name: str = "people") -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


def read(source: str, column: str | None = None) -> list[str]:
    return checked(of_file(source, column))


def test_lines_are_ids_without_what_is_blank(tmp_path: Path) -> None:
    file = written(tmp_path, "\ufeffada\r\n\n  bob \n\tÅsa\nada,ada".encode())
    assert read(file) == ["ada", "bob", "Åsa", "ada,ada"]


def test_who_is_there_twice_is_one(tmp_path: Path) -> None:
    assert read(written(tmp_path, b"bob\nada\nbob\n")) == ["bob", "ada"]


def test_file_may_be_packed_or_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read(written(tmp_path, zstandard.compress(b"ada\n"), "people.zst")) == ["ada"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"bob\ncid")))
    assert read("-") == ["bob", "cid"]


def test_file_without_a_line_names_nobody(tmp_path: Path) -> None:
    assert read(written(tmp_path, b"")) == []


def test_column_of_a_csv_file_has_the_ids(tmp_path: Path) -> None:
    text = '\ufeffname,"id"\r\n"Lovelace, ""Ada""",ada\r\n\r\n"two\nlines", bob\r\n'
    assert read(written(tmp_path, text.encode()), "id") == ["ada", "bob"]


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("name,id\n", "ids", "has no column ids; did you mean id?"),
        ("name;mail\nx;y\n", "id", "has no column id; it has name;mail"),
        ("", "id", "has no column id; it has none"),
        ('id\n"a"b\n', "id", "people:2: is no CSV: "),
        ('id\n"ab\n', "id", "people:2: is no CSV: unexpected end of data"),
    ],
)
def test_file_without_the_column_is_told(tmp_path: Path, text: str, column: str, said: str) -> None:
    with pytest.raises(OperationFailed) as failure:
        read(written(tmp_path, text.encode()), column)
    assert said in str(failure.value)


def test_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OperationFailed, match="can not read"):
        read(str(tmp_path / "absent"))


def test_all_bad_lines_are_told_with_their_numbers(tmp_path: Path) -> None:
    file = written(tmp_path, b"ada\na\tb\nbob\n\xff\n" + b"x" * 257 + b"\n")
    with pytest.raises(OperationFailed) as failure:
        read(file)
    long = "x" * 257
    assert str(failure.value).replace(file, "people").splitlines() == [
        "people:2: 'a\\tb' is no profile id: the id holds control characters",
        "people:4: '\\udcff' is no profile id: it is not UTF-8",
        f"people:5: '{long}' is no profile id: it has more than 256 characters",
        "nothing was sent",
    ]


def test_empty_cells_are_bad_lines_and_empty_lines_are_not(tmp_path: Path) -> None:
    file = written(tmp_path, b"name,id\nAda\n\nBob,\nCid,cid\n")
    with pytest.raises(OperationFailed) as failure:
        read(file, "id")
    told = [line.partition(":")[2] for line in str(failure.value).splitlines()[:-1]]
    said = "'' is no profile id: the event has neither a userId nor an anonymousId"
    assert told == [f"2: {said}", f"4: {said}"]


def test_of_very_many_bad_lines_the_first_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rosters, "MAX_NAMED", 2)
    with pytest.raises(OperationFailed) as failure:
        read(written(tmp_path, b"a\tb\n" * 5))
    assert str(failure.value).splitlines()[2:] == ["and 3 more", "nothing was sent"]


def test_given_ids_are_told_without_a_line() -> None:
    assert checked(given(["ada", "bob", "ada"])) == ["ada", "bob"]
    with pytest.raises(OperationFailed) as failure:
        checked(given(["ada", ""]))
    assert str(failure.value).startswith("'' is no profile id: ")
