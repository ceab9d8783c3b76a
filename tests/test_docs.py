"""What the documents say is so: links lead somewhere, commands and settings exist, examples run."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from benchmarks.commands import cli as bench
from processors import settings
from processors.cli import cli
from tests.builders import on, score, segment

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")
"""A variable set for one command, before it."""
VARIABLE = re.compile(r"\bBECKON_[A-Z_]*[A-Z]\b")
OTHER_VARIABLES = {settings.CONFIG, "BECKON_PROCESSORS"}
TEST_VARIABLES = ("BECKON_TEST_", "BECKON_BENCH_")

START, END = "-->\n", "<!-- end of settings -->"


class Command(NamedTuple):
    """One command line in a document."""

    place: str
    words: tuple[str, ...]


def documents() -> list[Path]:
    folders = ("*.md", "docs/*.md", "examples/*/*.md", "benchmarks/*.md", "changelog.d/*.md")
    return sorted(path for folder in folders for path in ROOT.glob(folder))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def fences(path: Path, language: str) -> list[str]:
    return [body for found, body in FENCE.findall(path.read_text("utf-8")) if found == language]


def shell_lines(path: Path) -> Iterator[str]:
    """Yields the lines to type: of fenced blocks, without what is fed to them, and code in text."""
    text = path.read_text("utf-8")
    for block in (body for language, body in FENCE.findall(text) if language in ("sh", "bash")):
        yield from re.sub(r"<<'(\w+)'\n.*?^\1$", "", block, flags=re.DOTALL | re.MULTILINE).split(
            "\n"
        )
    yield from (line[4:] for line in text.split("\n") if line.startswith("    "))
    yield from re.findall(r"`([^`\n]+)`", FENCE.sub("", text))


def commands(program: str) -> Iterator[Command]:
    for path in documents():
        for line in shell_lines(path):
            words = without_assignments(line)
            if words and Path(words[0]).name == program:
                yield Command(named(path), words[1:])


def without_assignments(line: str) -> tuple[str, ...]:
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return ()
    while words and ASSIGNMENT.fullmatch(words[0]):
        words.pop(0)
    return tuple(words)


def of(program: str) -> list[Command]:
    found = sorted(set(commands(program)))
    assert found, f"no document has a command of {program}"
    return found


def anchors(path: Path) -> set[str]:
    """Returns the names that headings have as the end of a link."""
    text = FENCE.sub("", path.read_text("utf-8"))
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in HEADING.findall(text)}


@pytest.mark.parametrize("path", documents(), ids=named)
def test_links_lead_to_files_and_headings_that_exist(path: Path) -> None:
    for link in LINK.findall(FENCE.sub("", path.read_text("utf-8"))):
        if re.match(r"[a-z]+://", link):
            continue
        place, _, anchor = link.partition("#")
        target = (path.parent / place).resolve() if place else path
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("command", of("beckon"), ids=lambda one: " ".join(one.words)[:60])
def test_commands_have_the_names_and_options_that_documents_give(command: Command) -> None:
    found, words = get_command(cli), list(command.words)
    if words[:1] == ["bench"]:  # hands over to a command line that is not shipped
        found, words = get_command(bench), words[1:]
    while isinstance(found, TyperGroup) and words and not words[0].startswith("--"):
        name = words.pop(0)
        assert name in found.commands, f"{command.place}: beckon {name}"
        found = found.commands[name]
    options = {each for one in found.params for each in (*one.opts, *one.secondary_opts)}
    for word in words:
        if word.startswith("--"):
            assert word.partition("=")[0] in options, f"{command.place}: {word}"


@pytest.mark.parametrize("command", of("make"), ids=lambda one: " ".join(one.words)[:60])
def test_make_has_the_targets_that_documents_give(command: Command) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for word in command.words:
        assert word in targets or "=" in word, f"{command.place}: make {word}"


def test_variables_that_documents_name_are_settings() -> None:
    known = {name for name, _ in settings.variables()} | OTHER_VARIABLES
    for path in documents():
        for name in VARIABLE.findall(path.read_text("utf-8")):
            assert name in known or name.startswith(TEST_VARIABLES), f"{named(path)}: {name}"


def test_table_of_settings_is_that_of_the_code() -> None:
    text = (ROOT / "docs/settings.md").read_text("utf-8")
    assert text.count(END) == 1
    shown = text.partition(END)[0].rpartition(START)[2]
    assert shown == settings.table(), "paste what `processors.settings.table()` gives"


def test_definition_in_the_readme_is_one_of_the_examples() -> None:
    (definition,) = fences(README, "yaml")
    assert definition == (ROOT / "examples/shop/cart-abandoners.yaml").read_text("utf-8")


def test_example_in_the_readme_gives_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = [each for each in fences(README, "sh") if "beckon replay" in each]
    name, events = re.findall(r"cat > (\S+) <<'END'\n(.*?)^END$", block, re.DOTALL | re.MULTILINE)[
        0
    ]
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / name).write_text(events)
    monkeypatch.chdir(tmp_path)
    for line in block.split("\n"):
        if line.startswith("beckon"):
            result = CliRunner().invoke(cli, shlex.split(line)[1:])
            assert result.exit_code == 0, result.output
    (said,) = fences(README, "json")
    assert (tmp_path / "out/segment-changes.jsonl").read_text() == said
    (command,) = (tmp_path / "out/commands.jsonl").read_text().splitlines()
    assert json.loads(command)["template"] == "cart-reminder"


def test_example_of_tests_gives_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = ROOT / "docs/testing.md"
    segment, trigger, cases = fences(page, "yaml")
    right, wrong = ("".join(each.partition("\n")[2:]) for each in fences(page, ""))
    folder = tmp_path / "trial"
    folder.mkdir()
    (folder / "offer-help.yaml").write_text(trigger)
    (folder / "trial.test.yaml").write_text(cases)
    monkeypatch.chdir(tmp_path)
    for within, said, code in (("2d", right, 0), ("3d", wrong, 1)):
        (folder / "stuck.yaml").write_text(segment.replace("within: 2d", f"within: {within}"))
        result = CliRunner().invoke(cli, ["test", "trial"])
        assert re.sub(r"in \d+\.\d\d s", "in 0.01 s", result.output) == said
        assert result.exit_code == code


def test_example_of_predicates_gives_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = ROOT / "docs/predicates.md"
    (code,) = fences(page, "python")
    segment, cases = fences(page, "yaml")
    for name, text in (
        ("shop/predicates.py", code),
        ("definitions/business.yaml", segment),
        ("definitions/business.test.yaml", cases),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(ROOT)]))
    said = [in_a_shell(line, tmp_path) for block in fences(page, "sh") for line in lines(block)]
    assert "1 segments; all fit together" in said[0]
    assert "2 passed" in said[1]
    mistaken = segment.replace("company", "compny")
    (tmp_path / "definitions/business.yaml").write_text(mistaken)
    assert f"    {in_a_shell(lines(fences(page, 'sh')[0])[0], tmp_path)}" in page.read_text("utf-8")


def test_example_of_models_gives_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = ROOT / "docs/models.md"
    (code, hours), (risk, learn) = fences(page, "python"), fences(page, "yaml")
    quiet = segment({"event": "left", "exactly": 0}, "gone-quiet")
    for name, text in (
        ("shop/models.py", f"{code}\n\n{hours}"),
        ("definitions/learn-send-hour.yaml", learn),
        ("definitions/churn-risk.yaml", risk),
        ("definitions/quiet.json", json.dumps(quiet)),
        ("definitions/usage.json", json.dumps(score(on("used", 3), id="usage"))),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    events: list[dict[str, object]] = [
        {"type": "identify", "traits": {"plan": "monthly", "openedHours": [18, 18, 7, 18]}},
        {"type": "track", "event": "used"},
        {"type": "track", "event": "Email Opened"},
    ]
    at = {"userId": "p", "timestamp": "2026-01-01T00:00:00Z"}
    lines = [json.dumps(each | at | {"messageId": str(n)}) for n, each in enumerate(events)]
    (tmp_path / "events.jsonl").write_text("\n".join(lines))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(ROOT)]))
    monkeypatch.setenv("BECKON_PREDICATES", "shop.models")
    said = in_a_shell("beckon explain p --definitions definitions --events events.jsonl", tmp_path)
    (rule,) = [line.strip() for line in said.split("\n") if "by model" in line]
    assert f"    {rule}\n" in page.read_text("utf-8")
    in_a_shell("beckon replay --definitions definitions --events events.jsonl --out out", tmp_path)
    (told,) = (tmp_path / "out" / "decisions.jsonl").read_text("utf-8").splitlines()
    assert f"    {json.loads(told)['models']}\n" in page.read_text("utf-8")


def lines(block: str) -> list[str]:
    return [line for line in block.split("\n") if line]


def in_a_shell(line: str, folder: Path) -> str:
    """Returns what a command says; as users run it, in a process of its own."""
    line = line.replace("beckon ", f"{shlex.quote(sys.executable)} -m processors ", 1)
    found = subprocess.run(
        line, shell=True, cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    return found.stdout + found.stderr


def test_features_name_tests_that_exist() -> None:
    text = (ROOT / "docs/features.md").read_text("utf-8")
    tests = set(re.findall(r"`(tests/[\w/.]+)`", text))
    assert tests
    assert {name for name in tests if not (ROOT / name).exists()} == set()


def test_features_that_work_name_their_test() -> None:
    text = (ROOT / "docs/features.md").read_text("utf-8")
    rows = re.findall(r"^\| ([A-Z]\d+) \| (\w+) \|[^|]*\|([^|]*)\|$", text, re.MULTILINE)
    assert (
        len(rows) == len({row for row, _, _ in rows}) == text.count("\n| ") - text.count("| row |")
    )
    for row, state, test in rows:
        assert state in {"works", "partly", "later"}, row
        assert state != "works" or "`tests/" in test, row


def changes() -> list[Path]:
    return [path for path in (ROOT / "changelog.d").glob("*.md") if path.name != "README.md"]


@pytest.mark.parametrize("path", changes(), ids=named)
def test_each_change_is_one_sentence(path: Path) -> None:
    text = path.read_text("utf-8")
    assert re.fullmatch(r"[A-Z`].*\.\n", text), "one line that ends with a full stop"
