"""The same question to files and to a running system, and how the answer is printed."""

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from processors.definitions import durations, files, sets
from processors.explanations import asking
from processors.explanations.asking import Question
from processors.explanations.reading import Options
from processors.explanations.trees import Explanation
from processors.operations.errors import OperationFailed
from processors.runtime.batches import Policy
from tests.builders import HOUR, T0, encoded, on, score, segment, static_list, track, trigger
from tests.embedded import Broker
from tests.unit.explanations.systems import System

RECENT = segment({"event": "a", "within": "1h"}, "recent")
DOCUMENTS = [RECENT, score(on("a")), trigger("a"), static_list("l")]
LOG = [track("a"), track("z", T0 + 5)]
FLAGS = re.MULTILINE | re.DOTALL
WHO = Question(profile_id="p")


def nothing(count: int) -> None:
    """Takes progress, and leaves it."""


def of_files(folder: Path, question: Question = WHO) -> Explanation:
    file = folder / "events.jsonl"
    file.write_bytes(b"\n".join(map(encoded, LOG)))
    definitions = sets.from_documents(DOCUMENTS)
    return asking.of_files(question, definitions, [str(file)], nothing)


def of_topics(broker: Broker, question: Question = WHO) -> Explanation:
    system = System(broker, *DOCUMENTS, policy=Policy(clock="stream"))
    system.decides(*LOG)
    options = Options(cluster=broker.cluster, prefix=broker.prefix, policy=system.policy, now_ms=T0)
    return asking.of_topics(question, options, nothing)


def printed(explanation: Explanation, *, as_json: bool = False, terminal: bool = False) -> str:
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=200, color_system=None)
    asking.tell(explanation, console, as_json=as_json)
    return file.getvalue()


def without_places(explanation: Explanation) -> str:
    def mark(held: object) -> object:
        if isinstance(held, dict):
            return {key: mark(each) for key, each in held.items() if key != "place"}
        return [mark(each) for each in held] if isinstance(held, list) else held

    return json.dumps(mark(json.loads(printed(explanation, as_json=True))))


def test_running_system_and_its_recorded_events_give_one_answer(
    broker: Broker, tmp_path: Path
) -> None:
    assert without_places(of_topics(broker)) == without_places(of_files(tmp_path))


def test_past_instant_is_answered_alike(broker: Broker, tmp_path: Path) -> None:
    question = Question(profile_id="p", at_ms=T0 + 1)
    rebuilt = of_topics(broker, question)
    rebuilt.notes.clear()
    assert without_places(rebuilt) == without_places(of_files(tmp_path, question))


def test_one_definition_can_be_asked_for(tmp_path: Path) -> None:
    found = of_files(tmp_path, Question(profile_id="p", definition="recent"))
    assert [each.id for each in found.segments] == ["recent"]
    assert (found.scores, found.triggers, found.lists) == ([], [], [])


def test_instant_can_be_asked_for(tmp_path: Path) -> None:
    found = of_files(tmp_path, Question(profile_id="p", at_ms=T0 + HOUR))
    assert (found.at, found.segments[0].member) == (T0 + HOUR, False)


def test_unknown_definition_is_told_before_anything_is_read(broker: Broker) -> None:
    definitions, wrong = sets.from_documents(DOCUMENTS), Question(profile_id="p", definition="x")
    with pytest.raises(OperationFailed, match="there is no definition x"):
        asking.of_files(wrong, definitions, ["absent.jsonl"], nothing)
    with pytest.raises(OperationFailed, match="there is no definition x"):
        of_topics(broker, wrong)


def test_terminal_gets_a_tree_and_others_get_lines(tmp_path: Path) -> None:
    found = of_files(tmp_path)
    assert "├── ✓ segment recent" in printed(found, terminal=True)
    lines = printed(found).splitlines()
    assert lines[1].startswith("✓ segment recent (recent): in since")


def test_programs_get_json(tmp_path: Path) -> None:
    found = json.loads(printed(of_files(tmp_path), as_json=True, terminal=True))
    assert found["segments"][0]["member"] is True


def test_example_in_the_documents_is_what_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(__file__).parents[3]
    readme, page = (root / "README.md").read_text("utf-8"), root / "docs" / "explain.md"
    (events,) = re.findall(r"^cat > cart.jsonl <<'END'\n(.*?)^END$", readme, FLAGS)
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text("utf-8"), FLAGS)
    (shown,) = [text for language, text in fences if not language]
    monkeypatch.chdir(tmp_path)
    Path("cart.jsonl").write_text(events)
    at_ms = durations.parse_instant("2026-03-02T11:00:00Z")
    question = Question(profile_id="ada", definition="cart-abandoners", at_ms=at_ms)
    definitions = files.load(root / "examples/shop")
    assert printed(asking.of_files(question, definitions, ["cart.jsonl"], nothing)) == shown
