"""Static lists from the shell: changed by events, and read from what workers have made of them."""

import json
from pathlib import Path

import pytest
from typer.testing import Result

from processors import app
from processors.operations import texts
from tests.builders import Document, segment, static_list, trigger
from tests.embedded import Broker
from tests.unit.operations.test_standings import commits
from tests.unit.processors.commands import beckon
from tests.unit.runtime.test_streams import Start, Worker, start

__all__ = ["start"]

pytestmark = pytest.mark.usefixtures("as_it_was")

DOCUMENTS: list[Document] = [
    static_list("calls") | {"name": "To be called"},
    static_list("vips"),
    segment({"list": "calls"}),
    trigger({"list": "calls", "change": "removed"}, {"add_to_list": "vips"}),
]


def said(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


def published(broker: Broker, folder: Path, *documents: Document) -> None:
    broker.topic("definitions")
    for each in documents:
        (folder / f"{each['kind']}-{each['id']}.yaml").write_text(texts.text(each))
    said(beckon("publish", "--yes", folder))


@pytest.fixture
def worker(
    on_broker: Broker, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Worker:
    """A worker on a broker where there are lists; its turns are taken by hand."""
    monkeypatch.setenv("BECKON_LOG__LEVEL", "error")  # commands' log ends before the worker
    monkeypatch.setattr(app, "cluster_of", lambda settings: on_broker.cluster)
    folder = tmp_path / "definitions"
    folder.mkdir()
    found = start(*DOCUMENTS)
    published(on_broker, folder, *DOCUMENTS)
    return found


def on(list_id: str) -> list[str]:
    return sorted(said(beckon("list", "show", list_id)).splitlines())


def test_people_are_put_on_a_list_and_taken_off_it(worker: Worker, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("name,id\nBob,bob\nCid,cid\n")
    assert "3 people are to be on list calls" in said(
        beckon("list", "add", "calls", "ada", "--file", file, "--column", "id")
    )
    worker.wait(3)
    assert (on("calls"), on("vips")) == (["ada", "bob", "cid"], [])
    assert len(worker.rows("segment-changes")) == 3
    assert "1 people are to be off list calls" in said(beckon("list", "remove", "calls", "bob"))
    worker.wait(4)
    assert (on("calls"), on("vips")) == (["ada", "cid"], ["bob"])


def test_partitions_that_may_not_know_the_list_yet_are_told(
    on_broker: Broker, tmp_path: Path
) -> None:
    published(on_broker, tmp_path, DOCUMENTS[0])
    commits(on_broker, f"{on_broker.prefix}decide", (0, 7, "old"), (2, 5, "old"))
    added = beckon("list", "add", "calls", "ada")
    assert added.exit_code == 0
    assert "note: 2 of 2 partitions decide by definitions of before" in added.output


def test_same_file_again_changes_nothing(worker: Worker, tmp_path: Path) -> None:
    file = tmp_path / "people"
    file.write_text("ada\nbob\n")
    rows = []
    for times in (1, 2):
        said(beckon("list", "add", "calls", "--file", file))
        worker.wait(2 * times)
        rows.append(sorted(said(beckon("list", "show", "calls", "--json")).splitlines()))
    assert rows[0] == rows[1]
    assert [json.loads(row)["profile_id"] for row in rows[0]] == ["ada", "bob"]
    assert len(worker.rows("segment-changes")) == 2


def test_lists_are_counted(worker: Worker) -> None:
    said(beckon("list", "add", "calls", "ada", "bob"))
    worker.wait(2)
    rows = [" ".join(line.split()) for line in said(beckon("lists")).splitlines()]
    assert rows == [
        "list name members used by",
        "calls To be called 2 segment/s, trigger/t",
        "vips vips 0 trigger/t",
    ]
    found = json.loads(said(beckon("lists", "--json")))
    assert [(row["id"], row["members"]) for row in found["lists"]] == [("calls", 2), ("vips", 0)]


def test_nothing_is_sent_where_a_line_is_no_id(on_broker: Broker, tmp_path: Path) -> None:
    published(on_broker, tmp_path, DOCUMENTS[0])
    topic = on_broker.topic("events")
    file = tmp_path / "people"
    file.write_text("ada\na\tb\n")
    result = beckon("list", "add", "calls", "bob", "--file", file)
    assert result.exit_code == 1
    assert f"{file}:2: 'a\\tb' is no profile id" in result.output
    assert "nothing was sent" in result.output
    assert on_broker.records(topic) == []


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["add", "calls"], "give profile ids, or a --file of them"),
        (["remove", "calls", "ada", "--column", "id"], "--column wants a --file"),
    ],
)
def test_command_that_names_nobody_is_wrong_use(words: list[str], why: str) -> None:
    result = beckon("list", *words)
    assert (result.exit_code, why in result.output) == (2, True)


@pytest.mark.parametrize("words", [("add", "cals", "ada"), ("show", "cals")])
def test_list_that_is_not_published_is_told(
    on_broker: Broker, tmp_path: Path, words: tuple[str, ...]
) -> None:
    published(on_broker, tmp_path, DOCUMENTS[0])
    result = beckon("list", *words)
    assert result.exit_code == 1
    assert "no list cals is published; did you mean calls?" in result.output


def test_lists_where_none_is_published_says_what_to_do(on_broker: Broker) -> None:
    on_broker.topic("definitions")
    result = beckon("lists")
    assert (result.exit_code, result.output) == (1, "no list is published: beckon publish FOLDER\n")
