"""What the command line says, and with which code it ends."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from processors.runtime.batches import read_tick
from schemas.events import iso
from tests.builders import DAY, T0, encoded, track
from tests.embedded import Broker
from tests.unit.processors.commands import SHOP, beckon, written

pytestmark = pytest.mark.usefixtures("as_it_was")

SEGMENT = "kind: segment\nid: gold\nname: Gold\nwhen:\n  trait: plan\n  equals: gold\n"


def test_definitions_that_fit_are_counted() -> None:
    result = beckon("check", SHOP)
    assert result.exit_code == 0
    assert "4 segments, 1 scores, 3 triggers, 2 templates; all fit together" in result.output


def test_folder_without_definitions_is_told_as_a_mistake(tmp_path: Path) -> None:
    result = beckon("check", tmp_path)
    assert result.exit_code == 1
    assert "no definitions" in result.output


def test_mistakes_are_told_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "gold.yaml").write_text(SEGMENT.replace("equals", "equal"))
    result = beckon("check", tmp_path)
    assert result.exit_code == 1
    assert "gold.yaml:6" in result.output
    assert "did you mean equals?" in result.output


HOOK = """kind: trigger
id: told
on: {event: a}
do:
  - webhook:
      url: https://shop.example/{{ profile.id }}
      body: {a: "{% if segments contains 'gold' %}{{ b | upcas }}{% endif %}"}
"""


def test_values_of_webhooks_are_read_where_there_is_no_template(tmp_path: Path) -> None:
    (tmp_path / "hook.yaml").write_text(HOOK)
    result = beckon("check", tmp_path)
    assert result.exit_code == 1
    assert "hook.yaml:7: do[0].webhook.body.a: there is no filter upcas" in result.output
    (tmp_path / "hook.yaml").write_text(HOOK.replace("upcas", "upcase"))
    (tmp_path / "gold.yaml").write_text(SEGMENT.replace("id: gold", "id: golden"))
    result = beckon("check", tmp_path)
    assert result.exit_code == 0
    assert "hook.yaml:7: do[0].webhook.body.a: there is no segment gold" in result.output


CASES = "cases:\n  - name: Who pays\n    steps:\n      - identify: {plan: gold}\n"
GOLD = f"{CASES}        expect: {{segments: {{gold: in}}}}\n"


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    """Returns a folder with a definition and its test."""
    (tmp_path / "gold.yaml").write_text(SEGMENT)
    (tmp_path / "gold.test.yaml").write_text(GOLD)
    return tmp_path


def test_cases_that_pass_are_counted(gold: Path) -> None:
    result = beckon("test", gold)
    assert result.exit_code == 0
    assert result.output.startswith(f"{gold}/gold.test.yaml: 1 passed\n\n1 passed in 0.")


def test_case_that_fails_is_told_with_file_and_line(gold: Path) -> None:
    (gold / "gold.test.yaml").write_text(GOLD.replace("gold: in", "gold: out"))
    result = beckon("test", gold)
    assert result.exit_code == 1
    place = "cases[0].steps[0].expect.segments.gold"
    assert f"  {gold}/gold.test.yaml:5: {place}\n" in result.output
    assert "0 passed, 1 failed in 0." in result.output


def test_files_that_can_not_be_run_are_another_code(gold: Path) -> None:
    (gold / "gold.test.yaml").write_text(GOLD.replace("gold: in", "golt: in"))
    result = beckon("test", gold)
    assert result.exit_code == 2
    assert "there is no segment golt; did you mean gold?" in result.output


def test_folder_without_tests_is_no_success(gold: Path) -> None:
    (gold / "gold.test.yaml").unlink()
    result = beckon("test", gold)
    assert result.exit_code == 2
    assert "holds no tests" in result.output


def test_cases_are_chosen_by_their_name(gold: Path) -> None:
    assert beckon("test", gold, "-k", "who PAYS").exit_code == 0
    result = beckon("test", gold, "-k", "who stays")
    assert result.exit_code == 2
    assert "no case and no file of tests is named 'who stays'" in result.output


def test_results_are_written_for_build_servers(gold: Path) -> None:
    (gold / "gold.test.yaml").write_text(GOLD.replace("gold: in", "gold: out"))
    assert beckon("test", gold, "--junit", gold / "out.xml").exit_code == 1
    assert 'failures="1"' in (gold / "out.xml").read_text()


def test_results_that_can_not_be_written_are_no_success(gold: Path) -> None:
    result = beckon("test", gold, "--junit", gold / "absent" / "out.xml")
    assert result.exit_code == 1
    assert "absent/out.xml: can not be written: No such file or directory" in result.output


def test_folder_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    assert beckon("check", tmp_path / "absent").exit_code == 2


def test_replay_writes_its_files_and_sums_up(tmp_path: Path) -> None:
    events = written(tmp_path, encoded(track("Product Added")), b"{")
    out = tmp_path / "out"
    until = iso(T0 + DAY)
    result = beckon(
        "replay", "--definitions", SHOP, "--events", events, "--out", out, "--until", until
    )
    assert result.exit_code == 0, result.output
    assert "1 events of 1 people: 2 segment changes, 0 commands, 1 dead letters" in result.output
    changes = [
        json.loads(line) for line in (out / "segment-changes.jsonl").read_text().splitlines()
    ]
    assert [each["change"] for each in changes] == ["entered", "exited"]


def test_replay_of_a_file_that_is_not_there_fails(tmp_path: Path) -> None:
    absent = tmp_path / "absent.jsonl"
    result = beckon("replay", "--definitions", SHOP, "--events", absent, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "can not read" in result.output


def test_instant_without_a_zone_is_wrong_use(tmp_path: Path) -> None:
    assert beckon("tick", "2026-01-01T00:00:00").exit_code == 2


def test_settings_are_shown_and_secrets_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BECKON_KAFKA__SASL_PASSWORD", "hush")
    monkeypatch.setenv("BECKON_WEBHOOK__NAMED_SECRETS", '{"CRM": "hush"}')
    monkeypatch.setenv("BECKON_SLOT", "w1")
    result = beckon("config")
    assert result.exit_code == 0
    assert "slot = 'w1'" in result.output
    assert "kafka.bootstrap_servers = 'localhost:9092'" in result.output
    assert "hush" not in result.output


def test_wrong_settings_end_a_command_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BECKON_HELTH__PORT", "1")
    result = beckon("worker")
    assert result.exit_code == 1
    assert "BECKON_HELTH__PORT: there is no such setting" in result.output


def test_channel_without_a_sender_is_wrong_use() -> None:
    result = beckon("sender", "pigeon")
    assert result.exit_code == 2
    assert "email" in result.output
    assert "jsonl" in result.output


def test_channel_without_a_provider_says_which_setting_names_one() -> None:
    result = beckon("sender", "email")
    assert result.exit_code == 1
    assert "BECKON_SENDERS__EMAIL: name the providers of email" in result.output


def test_sender_of_webhooks_needs_a_secret() -> None:
    result = beckon("sender", "webhook")
    assert result.exit_code == 1
    assert "BECKON_WEBHOOK__SECRETS" in result.output


@pytest.mark.parametrize("role", [("worker",), ("sender", "jsonl")])
def test_role_without_a_cluster_gives_up_after_its_patience(
    role: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BECKON_KAFKA__BOOTSTRAP_SERVERS", "localhost:1")
    monkeypatch.setenv("BECKON_KAFKA__PATIENCE_S", "0")
    assert beckon(*role).exit_code == 69


def test_events_are_ingested_and_bad_lines_told(on_broker: Broker, tmp_path: Path) -> None:
    topic = on_broker.topic("events")
    events = written(tmp_path, encoded(track("A", person="ada")), b"{")
    result = beckon("ingest", events)
    assert result.exit_code == 1
    assert f"{events}:2: not-json: " in result.output
    assert f"1 events sent to {topic}, 1 bad lines" in result.output
    assert [record.key() for record in on_broker.records(topic)] == [b"ada"]


def test_raw_events_go_before_identity(on_broker: Broker, tmp_path: Path) -> None:
    topic = on_broker.topic("events.raw")
    result = beckon("ingest", "--raw", written(tmp_path, encoded(track("A"))))
    assert result.exit_code == 0, result.output
    assert len(on_broker.records(topic)) == 1


def test_tick_tells_of_its_partitions(on_broker: Broker) -> None:
    topic = on_broker.topic("events")
    result = beckon("tick", "2026-01-01T00:00:00Z")
    assert result.exit_code == 0, result.output
    assert "each of 4 partitions" in result.output
    assert {read_tick(record.value()) for record in on_broker.records(topic)} == {T0}


GREET = """kind: trigger
id: greet
on: {manual: true}
do:
  - add_tag: greeted
"""


def publish_greet(broker: Broker, folder: Path) -> None:
    """Publishes a trigger that is fired by hand."""
    broker.topic("definitions")
    (folder / "greet.yaml").write_text(GREET)
    assert beckon("publish", "--yes", folder).exit_code == 0


def test_fire_tells_how_many_people_it_asks_for(on_broker: Broker, tmp_path: Path) -> None:
    topic = on_broker.topic("events")
    publish_greet(on_broker, tmp_path)
    result = beckon("fire", "greet", "ada", "bob")
    assert result.exit_code == 0, result.output
    assert "trigger greet is asked for 2 people" in result.output
    assert {record.key() for record in on_broker.records(topic)} == {b"ada", b"bob"}


def test_explanation_from_a_file_says_why(tmp_path: Path) -> None:
    events = written(tmp_path, encoded(track("Product Added")))
    asked = ("explain", "p", "--definitions", SHOP, "--events", events)
    result = beckon(*asked, "--at", iso(T0 + DAY - 1), "--definition", "cart-abandoners")
    assert result.exit_code == 0, result.output
    assert "✓ segment cart-abandoners (Cart abandoners): in since" in result.stdout
    assert f"({events}:1)" in result.stdout
    found = json.loads(beckon(*asked, "--json").stdout)
    assert [each["id"] for each in found["scores"]] == ["engagement"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nobody",), "nothing is known of 'nobody'"),
        (("p", "--definition", "cart-abandoner"), "did you mean cart-abandoners?"),
    ],
)
def test_explanation_that_there_is_not_says_why(
    words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    events = written(tmp_path, encoded(track("Product Added")))
    result = beckon("explain", *words, "--definitions", SHOP, "--events", events)
    assert result.exit_code == 1
    assert said in result.output


def test_fire_of_a_trigger_that_is_not_published_asks_nobody(
    on_broker: Broker, tmp_path: Path
) -> None:
    topic = on_broker.topic("events")
    publish_greet(on_broker, tmp_path)
    result = beckon("fire", "great", "ada")
    assert result.exit_code == 1
    assert result.output == "no trigger or journey great is published; did you mean greet?\n"
    assert on_broker.records(topic) == []


def test_explanation_from_files_needs_definitions_and_events() -> None:
    assert beckon("explain", "p", "--definitions", SHOP).exit_code == 2
    assert beckon("explain", "p", "--events", "-").exit_code == 2


def test_explanation_without_a_cluster_gives_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("processors.runtime.readers.CALL_S", 0.1)
    monkeypatch.setenv("BECKON_KAFKA__BOOTSTRAP_SERVERS", "localhost:1")
    result = beckon("explain", "ada@example.org")
    assert result.exit_code == 1
    assert "the cluster does not answer" in result.output
    assert "ada@example.org" not in caplog.text


def test_explanation_of_somebody_unknown_to_a_running_system(on_broker: Broker) -> None:
    for name in ("definitions", "profiles"):
        on_broker.topic(name)
    result = beckon("explain", "nobody")
    assert result.exit_code == 1
    assert f"nothing is known of 'nobody' in {on_broker.prefix}profiles" in result.output


def test_topic_that_is_missing_says_what_to_do(on_broker: Broker) -> None:
    result = beckon("publish", "--yes", SHOP)
    assert result.exit_code == 1
    assert "beckon topics create" in result.output


def test_help_does_not_load_the_stream() -> None:
    code = (
        "import sys\nfrom processors import cli\n"
        "assert not {'faust', 'confluent_kafka'} & set(sys.modules), 'loaded'\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode()


STUCK = """
import asyncio, threading
from processors import cli
from processors.agents.apps import EXIT_STUCK

async def stuck():
    threading.Thread(target=threading.Event().wait).start()
    print("stuck", flush=True)
    return EXIT_STUCK

cli._run(stuck())
"""


def test_what_hangs_does_not_keep_a_process_that_did_not_stop_in_time() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STUCK], capture_output=True, timeout=20, check=False
    )
    assert (done.returncode, done.stdout) == (70, b"stuck\n")
