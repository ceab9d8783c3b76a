from pathlib import Path

import pytest

from benchmarks import reports
from benchmarks.reports import Report


def report(date: str = "2026-01-01") -> Report:
    made = reports.report(
        "stream",
        "--runs 1",
        settings={"event": "300 B"},
        rows=[{"": "beckon", "µs": "9.00"}, {"": "floor", "µs": "2.50"}],
        figures={"beckon_to_floor": 3.6},
        notes=("a note",),
    )
    return Report(**{name: getattr(made, name) for name in made.__struct_fields__} | {"date": date})


def test_a_report_says_how_and_on_what_it_was_made() -> None:
    made = report()

    assert made.command == "beckon bench stream --runs 1"
    assert made.columns == ("", "µs")
    assert made.rows == (("beckon", "9.00"), ("floor", "2.50"))
    assert made.machine["cores"]
    assert made.versions["python"]


def test_reports_that_are_saved_make_one_page_with_the_newest_first(tmp_path: Path) -> None:
    reports.save(report("2026-01-01"), tmp_path)
    page = reports.save(report("2026-02-02"), tmp_path)

    text = page.read_text("utf-8")
    assert len((tmp_path / "stream.jsonl").read_text("utf-8").splitlines()) == 2
    assert text.index("2026-02-02") < text.index("2026-01-01")
    assert "| beckon | 9.00 |" in text
    assert "beckon_to_floor: 3.6" in text


def test_a_report_is_shown_with_its_table_and_figures(capsys: pytest.CaptureFixture[str]) -> None:
    reports.show(report())

    shown = capsys.readouterr().out
    assert "9.00" in shown
    assert "beckon_to_floor: 3.6" in shown
    assert "a note" in shown
