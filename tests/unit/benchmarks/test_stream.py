import pytest

from benchmarks import stream
from benchmarks.errors import BenchFailed
from benchmarks.stream import Options
from benchmarks.workers import Run
from benchmarks.workloads import Workload

WORKLOAD = Workload(events=200_000)


def run(contender: str, cpu_s: float, *, events: int = 1_000, commands: int | None = 5) -> Run:
    return Run(contender=contender, events=events, cpu_s=cpu_s, seconds=0.5, commands=commands)


def test_peers_that_take_long_get_a_shorter_log_beside_the_worker() -> None:
    options = Options(workload=WORKLOAD, peers=("floor", "faust", "quix"))

    assert stream.turns(options) == [
        (200_000, ("beckon", "floor")),
        (20_000, ("beckon", "faust")),
        (100_000, ("beckon", "quix")),
    ]


def test_on_a_short_log_all_run_over_the_same() -> None:
    options = Options(workload=Workload(events=5_000), peers=("floor", "faust", "quix"))

    assert stream.turns(options) == [(5_000, ("beckon", "floor", "faust", "quix"))]


def test_contenders_that_find_something_else_did_another_job() -> None:
    stream.agree([run("beckon", 1.0), run("floor", 1.0, commands=None), run("faust", 9.0)])

    with pytest.raises(BenchFailed, match="quix came to 6 commands"):
        stream.agree([run("beckon", 1.0), run("quix", 1.0, commands=6)])


def test_the_report_has_medians_and_ratios_over_the_same_log() -> None:
    runs = [run("beckon", cpu_s) for cpu_s in (0.012, 0.008, 0.010)]
    runs += [run("floor", cpu_s, commands=None) for cpu_s in (0.0025, 0.0020, 0.0099)]
    runs += [run("beckon", 0.020, events=500), run("faust", 0.200, events=500)]

    made = stream.report(Options(workload=WORKLOAD, peers=("floor", "faust")), runs)

    assert made.figures["beckon_cpu_us_1000"] == pytest.approx(10.0)
    assert made.figures["beckon_to_floor"] == pytest.approx(4.0)
    assert made.figures["faust_to_beckon"] == pytest.approx(10.0)
    assert [row[0] for row in made.rows] == ["beckon", "floor", "beckon", "faust"]
    assert made.command.endswith("--peer floor --peer faust")
