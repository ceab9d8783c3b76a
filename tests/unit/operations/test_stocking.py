"""Items of a file: checked first, then written, and ended only where that is asked."""

import json
from pathlib import Path
from typing import Any

import pytest
import zstandard

from processors.operations import stocking
from processors.operations.errors import OperationFailed
from processors.operations.stocking import MAX_NAMED, Stocked
from tests.embedded import Broker


def written(folder: Path, name: str, content: str | bytes) -> str:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(file)


def read(source: str) -> dict[str, Any]:
    return {item: json.loads(value) for _, item, value in stocking.read(source)}


def refusal(source: str) -> str:
    with pytest.raises(OperationFailed) as caught:
        stocking.checked(source)
    return str(caught.value)


def test_csv_has_names_first_prices_as_numbers_and_no_empty_cells(tmp_path: Path) -> None:
    text = (
        '\ufeffid, title ,price,url\nlamp,"Lamp, ""big""",49.90,https://s.example/l\n7, Chair ,,\n'
    )
    assert read(written(tmp_path, "a.csv", text)) == {
        "lamp": {"title": 'Lamp, "big"', "price": 49.9, "url": "https://s.example/l"},
        "7": {"title": "Chair"},
    }


def test_json_lines_have_anything_beside_and_may_be_packed(tmp_path: Path) -> None:
    lines = b'{"id":"lamp","title":"Lamp","tags":["a"],"price":null}\n\n{"id":7,"title":"Chair"}\n'
    wanted = {"lamp": {"title": "Lamp", "tags": ["a"]}, "7": {"title": "Chair"}}
    assert read(written(tmp_path, "a.jsonl", lines)) == wanted
    assert read(written(tmp_path, "a.jsonl.zst", zstandard.compress(lines))) == wanted


def test_all_that_is_wrong_is_named_with_its_line(tmp_path: Path) -> None:
    lines = [
        '{"id":"a","title":"A"}',
        "{",
        "[]",
        '{"title":"A"}',
        '{"id":"b"}',
        '{"id":"a","title":"B"}',
    ]
    source = written(tmp_path, "a.jsonl", "\n".join(lines))
    assert refusal(source).splitlines() == [
        f"{source}:2: is not JSON",
        f"{source}:3: must be a JSON object",
        f"{source}:4: needs the text id",
        f"{source}:5: title must be a text of 1 to 1000 characters",
        f"{source}:6: there is an item a already",
        "nothing is written",
    ]


def test_csv_that_is_wrong_is_named_too(tmp_path: Path) -> None:
    source = written(tmp_path, "a.csv", "id,title,price\na,A,cheap\nb,B,1,more\n,C,1\n")
    assert refusal(source).splitlines() == [
        f"{source}:2: price must be a number",
        f"{source}:3: has more cells than the first line has names",
        f"{source}:4: needs the text id",
        "nothing is written",
    ]
    assert "is no CSV" in refusal(written(tmp_path, "b.csv", 'id,title\na,"A'))


def test_many_mistakes_are_counted(tmp_path: Path) -> None:
    told = refusal(written(tmp_path, "a.jsonl", "[]\n" * (MAX_NAMED + 7))).splitlines()
    assert len(told) == MAX_NAMED + 2
    assert told[-2:] == ["and 7 more", "nothing is written"]


def test_file_of_another_kind_or_of_too_many_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "must be named *.csv or *.jsonl" in refusal("items.xlsx")
    assert "can not read" in refusal(str(tmp_path / "none.csv"))
    monkeypatch.setattr(stocking, "MAX_ITEMS", 1)
    source = written(tmp_path, "a.csv", "id,title\na,A\nb,B\n")
    assert "has more than 1 items" in refusal(source)


def stock(broker: Broker, source: str, *, prune: bool = False) -> tuple[Stocked, list[int]]:
    told = list[int]()
    found = stocking.stock(
        broker.cluster, broker.prefix, "shop", source=source, prune=prune, progress=told.append
    )
    return found, told


def latest(broker: Broker) -> dict[bytes | None, bytes | None]:
    return {one.key(): one.value() for one in broker.records(f"{broker.prefix}items")}


def test_items_are_written_and_those_that_are_gone_stay_until_they_are_pruned(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stocking, "STEP", 2)
    topic = broker.topic("items")
    broker.produce(topic, (b"books/b", b"{}"), (b"nonsense", b"{}"), (b"shop/old", None))
    first = written(tmp_path, "a.csv", "id,title\na,A\nb,B\nc,C\n")
    assert stock(broker, first) == (Stocked(3, 0), [2, 3])
    second = written(tmp_path, "b.csv", "id,title\na,AA\n")
    assert stock(broker, second) == (Stocked(1, 0), [1])
    assert latest(broker)[b"shop/b"] is not None
    assert stock(broker, second, prune=True) == (Stocked(1, 2), [1])
    assert latest(broker) == {
        b"books/b": b"{}",
        b"nonsense": b"{}",
        b"shop/old": None,
        b"shop/a": b'{"title":"AA"}',
        b"shop/b": None,
        b"shop/c": None,
    }


def test_nothing_is_written_where_a_line_is_wrong(broker: Broker, tmp_path: Path) -> None:
    broker.topic("items")
    with pytest.raises(OperationFailed, match="nothing is written"):
        stock(broker, written(tmp_path, "a.csv", "id,title\na,A\nb,\n"), prune=True)
    assert latest(broker) == {}
