"""Each measurement once, on a small log: that it ends and counts right, not how fast it is."""

import secrets
from collections.abc import Iterator

import pytest

from benchmarks import clusters, latency, peers, states, storms, stream, takeovers, timers
from benchmarks.reports import Report
from benchmarks.workloads import Workload
from processors.runtime.clients import Cluster

EVENTS = 5_000

LATENCY = latency.Options(
    rate=500, seconds=4, warm_up=1, every=10, people=1_000, seed=secrets.randbits(32)
)
TAKEOVER = takeovers.Options(people=2_000, rate=200, warm_up=2, every=5, seed=secrets.randbits(32))
STORM = storms.Options(people=1_500, rate=200, warm_up=2, every=5, seed=secrets.randbits(32))
WORKLOAD = Workload(events=EVENTS, people=1_000, seed=secrets.randbits(32))
"""A log that no other run on the same broker has."""


@pytest.fixture(scope="module")
def cluster(kafka: str) -> Iterator[Cluster]:
    found = Cluster(bootstrap=kafka)
    yield found
    for workload in (WORKLOAD, states.of_few(WORKLOAD), LATENCY.workload):
        clusters.remove(found, workload)
    for options in (TAKEOVER, STORM):
        clusters.remove(found, options.workload)


def column(report: Report, name: str) -> list[str]:
    place = report.columns.index(name)
    return [row[place] for row in report.rows]


def test_the_stream_is_measured_beside_its_floor(cluster: Cluster) -> None:
    told: list[str] = []
    options = stream.Options(workload=WORKLOAD, peers=("floor",), runs=1)

    report = stream.measure(cluster, options, told.append)

    assert column(report, "") == ["beckon", "floor"]
    assert column(report, "events") == ["5,000"] * 2
    beckon, floor = column(report, "commands")
    assert (int(beckon) > 20, floor) == (True, "")
    assert report.figures["beckon_to_floor"] > 1
    assert len(told) == 2


@pytest.mark.peers
@pytest.mark.parametrize("peer", sorted(peers.PEERS))
def test_a_peer_does_the_same_job(cluster: Cluster, peer: str) -> None:
    options = stream.Options(workload=WORKLOAD, peers=(peer,), runs=1)

    report = stream.measure(cluster, options, lambda _: None)

    assert column(report, "") == ["beckon", peer]
    assert len(set(column(report, "commands"))) == 1
    assert len(set(column(report, "entered"))) == 1
    assert report.figures[f"{peer}_to_beckon"] > 1


def test_a_second_run_finds_the_log_where_it_lies(cluster: Cluster) -> None:
    first = clusters.log(cluster, WORKLOAD)
    before = clusters.ends(first)

    assert clusters.ends(clusters.log(cluster, WORKLOAD)) == before
    assert sum(before.values()) == EVENTS


def test_latency_is_that_of_each_marked_event(cluster: Cluster) -> None:
    report = latency.measure(cluster, LATENCY)

    [count] = column(report, "commands")
    assert int(count) == 200  # all after the warm-up, however late the producer was
    assert 0 < report.figures["p50_ms"] <= report.figures["p99_ms"] <= report.figures["p100_ms"]


def test_a_takeover_ends_with_everybody_under_the_new_segment(cluster: Cluster) -> None:
    report = takeovers.measure(cluster, TAKEOVER, lambda _: None)

    [profiles], [entered] = column(report, "profiles"), column(report, "entered")
    assert 1_900 <= int(profiles.replace(",", "")) <= 2_200
    assert 500 <= int(entered.replace(",", "")) <= 1_500
    assert 0 < report.figures["p50_ms"] <= report.figures["p99_ms"]


def test_everybody_waits_and_goes_on_once() -> None:
    report = timers.measure(300)

    assert report.settings["pending timers"] == "300"
    assert 0 < report.figures["set_us"] < report.figures["enter_us"]
    assert 0 < report.figures["fire_us"] < report.figures["leave_us"]


def test_a_storm_loses_no_timer(cluster: Cluster) -> None:
    report = storms.measure(cluster, STORM, lambda _: None)

    assert column(report, "fired") == ["1,500"]
    assert 0 < report.figures["p50_ms"] <= report.figures["p99_ms"]


def test_memory_is_told_by_profile(cluster: Cluster) -> None:
    report = states.measure_memory(cluster, WORKLOAD, 1)

    assert len(report.rows) == 5
    assert 50 < report.figures["bytes_a_profile_serialized"] < 5_000
    assert report.figures["bytes_a_profile_table"] > report.figures["bytes_a_profile_serialized"]


def test_restore_reads_the_changelog_of_the_run(cluster: Cluster) -> None:
    report = states.measure_restore(cluster, WORKLOAD)

    [records], [profiles] = column(report, "records"), column(report, "profiles")
    assert int(records.replace(",", "")) >= int(profiles.replace(",", "")) > 100
    assert report.figures["records_per_cpu_s"] > 0
