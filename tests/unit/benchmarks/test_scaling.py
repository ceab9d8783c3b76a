from benchmarks import scaling
from benchmarks.clusters import Log
from benchmarks.scaling import Options
from benchmarks.workers import Run
from benchmarks.workloads import Workload
from processors.runtime.clients import Cluster

LOG = Log(cluster=Cluster(bootstrap="127.0.0.1:1"), workload=Workload(events=1_000), prefix="x.")


def runs(*cpu_us: float) -> list[Run]:
    return [
        Run(contender="beckon", events=1_000, cpu_s=each / 1_000, seconds=1.0, commands=7)
        for each in cpu_us
    ]


def test_medians_are_set_against_the_job_and_against_the_smaller_set() -> None:
    of = {"job": runs(10, 9, 14), "100 segments": runs(15), "1,000 segments": runs(18)}

    found = scaling.report(LOG, Options(runs=3), of)

    assert found.figures == {
        "cpu_us_job": 10,
        "cpu_us_100": 15,
        "cpu_us_1000": 18,
        "to_the_job_100": 1.5,
        "to_100_1000": 1.2,
    }
    assert [row[2] for row in found.rows] == ["1.00", "1.50", "1.80"]
