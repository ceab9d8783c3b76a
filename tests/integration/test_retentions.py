"""How long a real cluster keeps events, as those who publish are told."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from processors.operations import administration, retentions
from processors.operations.administration import Layout
from processors.runtime.clients import Cluster
from tests import services


@pytest.fixture
def cluster(kafka: str, topics_prefix: str) -> Iterator[Cluster]:
    yield Cluster(bootstrap=kafka)
    services.Topics(kafka).remove(topics_prefix)


@pytest.mark.parametrize(("said", "kept_ms"), [("7776000000", 7_776_000_000), ("-1", None)])
def test_retention_of_events_is_that_of_the_topic(
    cluster: Cluster, topics_prefix: str, said: str, kept_ms: int | None
) -> None:
    assert retentions.kept_ms(cluster, topics_prefix) is None
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    topic = NewTopic(f"{topics_prefix}events", num_partitions=1, config={"retention.ms": said})
    for answer in admin.create_topics([topic], operation_timeout=15).values():
        answer.result(15)
    assert retentions.kept_ms(cluster, topics_prefix) == kept_ms


def test_publish_warns_and_does_it(
    cluster: Cluster, topics_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    administration.create(cluster, Layout(prefix=topics_prefix, partitions=1, output_partitions=1))
    (tmp_path / "loyal.yaml").write_text(
        "kind: segment\nid: loyal\nname: Loyal\nwhen:\n  event: Order Completed\n  within: 120d\n"
    )
    monkeypatch.setenv("BECKON_KAFKA__BOOTSTRAP_SERVERS", cluster.bootstrap)
    monkeypatch.setenv("BECKON_TOPICS__PREFIX", topics_prefix)
    first, second = published(tmp_path), published(tmp_path)
    assert "warning: segment/loyal looks back 120d, but events are kept for 90d" in first
    assert "1 published" in first
    assert "warning" not in second


def published(folder: Path) -> str:
    """Returns what `beckon publish` says."""
    command = [sys.executable, "-m", "processors", "publish", "--yes", str(folder)]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert found.returncode == 0, found.stderr
    return found.stdout + found.stderr
