"""Where settings come from, which are refused, and that no refusal tells a secret."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from processors import settings
from processors.settings import CONFIG, InvalidSettings, Settings


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(settings.PREFIX):
            monkeypatch.delenv(name)


def configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    path = tmp_path / "beckon.toml"
    path.write_text(text)
    monkeypatch.setenv(CONFIG, str(path))


def test_everything_has_a_default_that_fits_a_broker_on_this_machine() -> None:
    found = Settings.from_env()
    assert found.kafka.bootstrap_servers == "localhost:9092"
    assert found.topics.prefix == "beckon."
    assert found.stream.clock == "wall"
    assert found.slot


def test_name_in_the_environment_is_the_place_in_the_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BECKON_SLOT", "worker-1")
    monkeypatch.setenv("BECKON_KAFKA__PATIENCE_S", "5")
    monkeypatch.setenv("BECKON_WEBHOOK__ALLOW_PRIVATE", "true")
    monkeypatch.setenv("BECKON_WEBHOOK__PORTS", "[443]")
    found = Settings.from_env()
    assert (found.slot, found.kafka.patience_s) == ("worker-1", 5)
    assert (found.webhook.allow_private, found.webhook.ports) == (True, (443,))


def test_file_gives_what_the_environment_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configured(monkeypatch, tmp_path, 'slot = "file"\n[topics]\nprefix = "a."\npartitions = 3\n')
    monkeypatch.setenv("BECKON_TOPICS__PARTITIONS", "4")
    found = Settings.from_env()
    assert (found.slot, found.topics.prefix, found.topics.partitions) == ("file", "a.", 4)


def test_file_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(CONFIG, str(tmp_path / "absent.toml"))
    with pytest.raises(InvalidSettings, match=r"BECKON_CONFIG: there is no file .*absent\.toml"):
        Settings.from_env()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[kafka\n", "line 1"),
        ('[kafka]\nservers = "a:1"\n', "BECKON_KAFKA__SERVERS"),
        ("[kafkas]\n", "BECKON_KAFKAS"),
        ("[stream]\nmax_batch = 0\n", "BECKON_STREAM__MAX_BATCH"),
    ],
)
def test_file_with_a_mistake_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, message: str
) -> None:
    configured(monkeypatch, tmp_path, text)
    with pytest.raises(InvalidSettings, match=message):
        Settings.from_env()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BECKON_SLOT", "two words"),
        ("BECKON_TOPICS__PREFIX", "no-dot-at-its-end"),
        ("BECKON_TOPICS__PARTITIONS", "0"),
        ("BECKON_STREAM__CLOCK", "sun"),
        ("BECKON_STREAM__MAX_BATCH", "many"),
        ("BECKON_HEALTH__PORT", "70000"),
        ("BECKON_KAFKA__SECURITY_PROTOCOL", "SSH"),
    ],
)
def test_value_that_is_not_allowed_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings, match=f"^{name}: "):
        Settings.from_env()


@pytest.mark.parametrize("name", ["BECKON_KAFKA_BOOTSTRAP", "BECKON_STREAM_CLOCK", "BECKON_X"])
def test_name_that_there_is_not_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(InvalidSettings, match=f"{name}: there is no such setting"):
        Settings.from_env()


def test_name_that_its_branch_has_not_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BECKON_STREAM__CLOCKS", "wall")
    with pytest.raises(InvalidSettings, match=r"^BECKON_STREAM__CLOCKS: "):
        Settings.from_env()


def test_all_unknown_names_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BECKON_ONE", "1")
    monkeypatch.setenv("BECKON_TWO", "2")
    with pytest.raises(InvalidSettings, match=r"BECKON_ONE.*\nBECKON_TWO"):
        Settings.from_env()


def test_names_of_the_tests_and_the_benchmarks_are_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BECKON_TEST_KAFKA", "localhost:9092")
    monkeypatch.setenv("BECKON_BENCH_EVENTS", "10")
    Settings.from_env()


def test_refusal_tells_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BECKON_WEBHOOK__SECRETS", "whsec_hush")
    monkeypatch.setenv("BECKON_HEALTH__PORT", "hush-too")
    with pytest.raises(InvalidSettings) as caught:
        Settings.from_env()
    assert "hush" not in str(caught.value)


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BECKON_KAFKA__SASL_PASSWORD", "hush")
    found = Settings.from_env()
    assert found.kafka.sasl_password is not None
    assert found.kafka.sasl_password.get_secret_value() == "hush"
    assert "hush" not in f"{found!r}{found}{found.model_dump_json()}"


def test_settings_do_not_change() -> None:
    found = Settings.from_env()
    with pytest.raises(ValueError, match="frozen"):
        found.topics.partitions = 3  # type: ignore[misc]
    with pytest.raises(ValueError, match="frozen"):
        found.slot = "other"  # type: ignore[misc]


def test_every_setting_says_what_it_is_for() -> None:
    for name, field in settings.variables():
        assert field.description, name
        assert field.description.endswith("."), name


def test_table_has_each_setting_once_with_its_default() -> None:
    rows = settings.table().splitlines()[2:]
    assert len(rows) == len(list(settings.variables()))
    shown = dict(row.split(" | ", 1) for row in rows)
    assert shown["| `BECKON_SLOT`"].startswith("host name |")
    assert shown["| `BECKON_WEBHOOK__ALLOW_HTTP`"].startswith("`false` |")
    assert shown["| `BECKON_WEBHOOK__PORTS`"].startswith("`[80, 443, 8080, 8443]` |")
    assert shown["| `BECKON_REGISTRY__URL`"].startswith(" |")


@pytest.mark.parametrize(
    ("value", "names"),
    [(None, []), ("", []), (" a ,, b,", ["a", "b"]), (SecretStr("one,two"), ["one", "two"])],
)
def test_what_is_named_with_commas_is_told_one_by_one(
    value: str | SecretStr | None, names: list[str]
) -> None:
    assert settings.several(value) == names
