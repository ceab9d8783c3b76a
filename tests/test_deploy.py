"""What brings Beckon up elsewhere is consistent: compose file, image, Prometheus, local Kafka."""

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from processors.delivery import deliverability
from tests import services

ROOT = Path(__file__).parent.parent
DONE = "service_completed_successfully"
CONDITIONS = {"service_healthy", DONE}


def text(place: str) -> str:
    return (ROOT / place).read_text("utf-8")


def loaded(place: str) -> Any:
    return YAML(typ="safe").load(text(place))


@pytest.fixture(scope="module")
def containers() -> dict[str, Any]:
    found: dict[str, Any] = loaded("docker-compose.yml")["services"]
    return found


def is_one_shot(container: dict[str, Any]) -> bool:
    return container.get("restart") == "no"


def test_every_container_that_stays_has_a_health_check(containers: dict[str, Any]) -> None:
    for name, container in containers.items():
        check = container["healthcheck"]
        if is_one_shot(container):
            assert check == {"disable": True}, name
        else:
            assert check["test"][0] == "CMD", name
            assert {"interval", "timeout", "retries"} <= set(check), name


def test_containers_wait_for_what_they_need(containers: dict[str, Any]) -> None:
    for name, container in containers.items():
        for other, how in container.get("depends_on", {}).items():
            assert how["condition"] in CONDITIONS, name
            assert (how["condition"] == DONE) == is_one_shot(containers[other]), (name, other)


def test_everything_waits_for_kafka_in_the_end(containers: dict[str, Any]) -> None:
    def needs(name: str) -> set[str]:
        direct = set(containers[name].get("depends_on", {}))
        return direct.union(*map(needs, direct))

    for name in containers.keys() - {"kafka", "postgres"}:
        assert "kafka" in needs(name), name


def test_every_place_has_the_same_kafka(containers: dict[str, Any]) -> None:
    version = re.search(r"<kafka\.version>(.+)</kafka\.version>", text("deploy/local/pom.xml"))
    assert version is not None
    assert containers["kafka"]["image"] == f"apache/kafka:{version.group(1)}" == services.IMAGE


def test_every_place_has_the_same_postgres(containers: dict[str, Any]) -> None:
    assert containers["postgres"]["image"] == services.POSTGRES_IMAGE


def test_mounted_files_are_there(containers: dict[str, Any]) -> None:
    for name, container in containers.items():
        for volume in container.get("volumes", []):
            source = volume.partition(":")[0]
            assert not source.startswith(".") or (ROOT / source).exists(), name


def test_prometheus_scrapes_every_role_and_no_ghost(containers: dict[str, Any]) -> None:
    config = loaded("deploy/prometheus/prometheus.yml")
    hosts = {
        target.partition(":")[0]
        for job in config["scrape_configs"]
        for static in job["static_configs"]
        for target in static["targets"]
    }
    roles = {
        name
        for name, container in containers.items()
        if container["image"] == "beckon" and not is_one_shot(container)
    }
    assert hosts == roles
    for name in config["rule_files"]:
        assert (ROOT / "deploy" / "prometheus" / name).is_file()


def test_alerts_speak_of_metrics_that_exist() -> None:
    defined = text("processors/metrics.py")
    rules = [
        rule for group in loaded("deploy/prometheus/rules.yml")["groups"] for rule in group["rules"]
    ]
    used = {name for rule in rules for name in re.findall(r"\bbeckon_\w+", rule["expr"])}
    assert used
    assert {name for name in used if f'"{name}"' not in defined} == set()


def test_alerts_are_explained_to_whoever_is_woken() -> None:
    groups = loaded("deploy/prometheus/rules.yml")["groups"]
    pages = (text("docs/operations.md") + text("docs/senders.md")).splitlines()
    explained = [line.partition(" | ")[0] for line in pages if line.startswith("| ")]
    for rule in (rule for group in groups for rule in group["rules"]):
        assert any(re.search(rf"\b{rule['alert']}\b", row) for row in explained), rule["alert"]


def test_limits_of_deliverability_are_those_of_the_documentation() -> None:
    groups = loaded("deploy/prometheus/rules.yml")["groups"]
    exprs = {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}
    for alert, result, limit in (
        ("BouncesHigh", "hard-bounce", 0.02),
        ("ComplaintsHigh", "complaint", 0.001),
        ("BlocksHigh", "blocked", 0.02),
    ):
        assert result in deliverability.ARRIVALS
        labels = re.findall(r'result="([^"]+)"', exprs[alert])
        assert labels == [result, "sent", result]
        [said] = re.findall(r"> ([0-9.]+)", exprs[alert])
        assert float(said) == limit
        assert f"| {alert} | over {limit * 100:g} % " in text("docs/operations.md")


def test_settings_in_deployment_files_are_in_the_table_of_settings() -> None:
    used = set(re.findall(r"\bBECKON_\w+", text("docker-compose.yml") + text("deploy/Dockerfile")))
    assert used
    assert {name for name in used if name not in text("docs/settings.md")} == set()


def test_image_runs_as_nobody_in_particular_from_pinned_packages() -> None:
    lines = text("deploy/Dockerfile")
    final = lines.rpartition("\nFROM ")[2]
    assert re.search(r"^USER (?!0\b|root\b)\S+", final, re.MULTILINE)
    assert "PYTHONSAFEPATH=1" in final
    assert "/health" in final
    assert "--require-hashes -r requirements.lock" in lines


def test_image_gets_every_file_that_it_copies() -> None:
    sent = {
        line[1:]
        for line in text("deploy/Dockerfile.dockerignore").splitlines()
        if line.startswith("!")
    }
    for sources in re.findall(
        r"^COPY (?!--from)(.+) \S+$", text("deploy/Dockerfile"), re.MULTILINE
    ):
        for source in sources.split():
            assert source in sent
            assert (ROOT / source).exists(), source
