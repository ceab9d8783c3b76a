"""Folders of definitions: what is read, and how problems are printed."""

import json
import os
from pathlib import Path

import pytest

from processors.definitions import files
from processors.definitions.errors import InvalidDefinitions, Problem
from tests.unit.definitions.builders import score, segment, static_list, trigger

LIST = "kind: list\nid: guests\nname: Guests\n"


def refused(folder: Path) -> list[str]:
    """Returns what is printed, without the folder's own name."""
    with pytest.raises(InvalidDefinitions) as caught:
        files.load(folder)
    printed = files.render(caught.value.problems)
    return printed.replace(f"{folder}{os.sep}", "").replace(str(folder), "").splitlines()


def test_folder_is_read_with_all_below_it(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "guests.yml").write_text(LIST)
    (tmp_path / "a" / "b" / "vip.json").write_text(json.dumps(segment()))
    (tmp_path / "a" / "fit.yaml").write_text(json.dumps(score()))
    built = files.load(tmp_path)
    assert list(built.versions) == [("list", "guests"), ("score", "fit"), ("segment", "vip")]
    assert built.segments["vip"].origin.file == str(tmp_path / "a" / "b" / "vip.json")


def test_folders_that_are_links_are_not_entered(tmp_path: Path) -> None:
    (tmp_path / "guests.yml").write_text(LIST)
    (tmp_path / "again").symlink_to(tmp_path)
    assert list(files.load(tmp_path).versions) == [("list", "guests")]


def test_what_is_no_definition_is_left_out(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.yaml").write_text("?")
    (tmp_path / ".x.yaml").write_text("?")
    (tmp_path / "guests.test.yaml").write_text("?")
    (tmp_path / "README.md").write_text("?")
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "guests.yaml").write_text(LIST)
    assert list(files.load(tmp_path).lists) == ["guests"]


def test_files_of_tests_are_found_apart(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("a/x.test.json", "b.test.yml", "c.test.yaml", ".d.test.yaml", "e.yaml", "test"):
        (tmp_path / name).touch()
    found = [str(file.relative_to(tmp_path)) for file in files.tests(tmp_path)]
    assert found == ["a/x.test.json", "b.test.yml", "c.test.yaml"]


def test_single_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "guests.yaml"
    file.write_text(LIST)
    assert list(files.load(str(file)).lists) == ["guests"]


def test_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "guests.yaml").write_bytes(b"\xef\xbb\xbf" + LIST.replace("\n", "\r\n").encode())
    assert list(files.load(tmp_path).lists) == ["guests"]


def test_yaml_and_json_of_one_definition_have_one_version(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(LIST)
    first = files.load(tmp_path / "a.yaml")
    (tmp_path / "a.json").write_text(json.dumps(static_list()))
    assert files.load(tmp_path / "a.json").id == first.id


def test_problem_is_printed_as_compilers_do(tmp_path: Path) -> None:
    (tmp_path / "vip.yaml").write_text(
        "kind: segment\nid: vip\nname: VIP\nwhen:\n  all:\n    - tag: a\n    - trait: visits\n"
        "      at_leest: 3\n    - event: order\n      within: 7q\n"
    )
    assert refused(tmp_path) == [
        "vip.yaml:8: when.all[1].at_leest: unknown key; did you mean at_least?",
        "vip.yaml:10: when.all[2].within: must be a duration such as 90s, 15m, 2h, 7d or 4w, "
        'more than 0, at most ten years, found the text "7q"',
    ]


def test_problems_of_all_files_come_together_sorted(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(LIST + "colour: red\n")
    (tmp_path / "b.yaml").write_text("- a\n")
    (tmp_path / "c.yaml").write_bytes(b"a: b\nname: \xff\n")
    (tmp_path / "d.json").write_text("")
    (tmp_path / "e.yaml").write_text(json.dumps(trigger({"add_to_list": "gests"})))
    (tmp_path / "f.yaml").write_text("id: x\nid: y\n")
    (tmp_path / "g.yaml").write_text("a: " + "x" * 256 * 1024)
    (tmp_path / "h.yaml").symlink_to(tmp_path / "nowhere")
    assert refused(tmp_path) == [
        "a.yaml:4: colour: unknown key; allowed here: kind, id, name, description",
        "b.yaml:1: must be a mapping with kind and id, found a list",
        "c.yaml:2: is not UTF-8: byte 0xFF; save it as UTF-8",
        "d.json:1: the file is empty",
        "e.yaml:1: do[0].add_to_list: there is no list gests; there are no lists",
        "f.yaml:1: needs the key kind: one of segment, list, score, trigger, journey, topic, "
        "policy, template, partial, catalogue",
        "f.yaml:2: id: this key is there twice, first in line 1",
        "g.yaml: must have at most 256 kB",
        "h.yaml: can not be read: No such file or directory",
    ]


def test_mention_of_a_broken_file_is_no_second_mistake(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(json.dumps(trigger({"add_to_list": "guests"})))
    (tmp_path / "b.yaml").write_text(LIST + "x: *y\n")
    assert refused(tmp_path) == ["b.yaml:4: x: aliases (*y) are not allowed: write it out"]
    (tmp_path / "b.yaml").write_text(LIST + "x: 1\n")
    assert refused(tmp_path) == [
        "b.yaml:4: x: unknown key; allowed here: kind, id, name, description"
    ]


def test_repeated_key_is_refused_though_all_else_is_right(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(LIST + "name: Others\n")
    assert refused(tmp_path) == ["a.yaml:4: name: this key is there twice, first in line 3"]


def test_id_used_twice_names_both_files(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(LIST)
    (tmp_path / "b.yaml").write_text("\n" + LIST)
    assert refused(tmp_path) == ["b.yaml:3: id: list guests is defined twice; first in a.yaml:2"]


def test_circle_has_the_line_of_its_first_mention(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        text = f"kind: segment\nid: {name}\nname: x\nwhen:\n  segment: {other}\n"
        (tmp_path / f"{name}.yaml").write_text(text)
    assert refused(tmp_path) == ["a.yaml:5: when.segment: goes round in a circle: a -> b -> a"]


def test_folder_without_definitions_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path) == [": holds no definitions (*.yaml, *.yml, *.json)"]


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "x") == [": there is no such file or folder"]


def test_other_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text(LIST)
    assert refused(file) == [": must be named *.yaml, *.yml, *.json"]


def test_files_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert files.MAX_FILES == 10_000
    monkeypatch.setattr(files, "MAX_FILES", 100)
    for place in range(100):
        (tmp_path / f"{place}.yaml").write_text(LIST)
    assert len(refused(tmp_path)) == 99
    (tmp_path / "100.yaml").write_text(LIST)
    assert refused(tmp_path) == [": holds more than 100 files of definitions"]


def test_nothing_to_render_is_nothing() -> None:
    assert files.render([]) == ""
    assert files.render([Problem("a", 1, "b", "c")]) == "a:1: b: c"
