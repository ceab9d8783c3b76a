"""The table of metrics, and the numbers kept by it."""

from pathlib import Path

import pytest

from processors.metrics import Counter, Gauge, Histogram, Metrics

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"
ROWS = [one.value for kind in (Counter, Gauge, Histogram) for one in kind]


def page() -> str:
    """Returns the table as a page for people: write it to `docs/metrics.md`."""
    lines = [
        "# Metrics",
        "",
        "Every process serves these on `/metrics` in Prometheus' text format, beside the usual",
        "`process_*` ones. This page is generated from `processors/metrics.py`.",
        "",
        "| name | kind | unit | labels | what it says |",
        "|---|---|---|---|---|",
    ]
    for kind in (Counter, Gauge, Histogram):
        for one in kind:
            name, unit, labels, help_text, _ = one.value
            shown = ", ".join(f"`{label}`" for label in labels)
            lines.append(f"| `{name}` | {kind.__name__.lower()} | {unit} | {shown} | {help_text} |")
    return "\n".join(lines) + "\n"


def test_page_is_what_the_table_says() -> None:
    assert PAGE.read_text("utf-8") == page(), "write what `page()` of this module gives"


def test_names_are_unique_and_ours() -> None:
    names = [row.name for row in ROWS]

    assert len(set(names)) == len(names)
    assert all(name.startswith("beckon_") for name in names)


@pytest.mark.parametrize("one", list(Counter))
def test_counter_ends_in_total(one: Counter) -> None:
    assert one.value.name.endswith("_total")
    assert one.value.buckets == ()


@pytest.mark.parametrize("one", list(Histogram))
def test_histogram_has_buckets_in_order(one: Histogram) -> None:
    assert one.value.buckets
    assert list(one.value.buckets) == sorted(one.value.buckets)


def test_no_label_could_hold_data() -> None:
    assert {label for row in ROWS for label in row.labels} == {
        "catalogue",
        "channel",
        "detail",
        "domain",
        "machine",
        "outcome",
        "partition",
        "predicate",
        "promise",
        "provider",
        "purpose",
        "reason",
        "result",
        "state",
        "what",
    }


def test_observer_adds_to_the_distribution_of_its_labels() -> None:
    found = Metrics()
    observe = found.observer(Histogram.PREDICATE_SECONDS, "vip")
    observe(0.5)
    observe(2.0)
    assert b'beckon_predicate_seconds_sum{predicate="vip"} 2.5' in found.text()


def test_counter_adds_up_by_its_labels() -> None:
    found = Metrics()

    found.add(Counter.EVENTS, 5000)
    found.add(Counter.EVENTS)
    found.add(Counter.DECISIONS, 2, "no", "limit")

    assert found.read(Counter.EVENTS) == 5001
    assert found.read(Counter.DECISIONS, "no", "limit") == 2
    assert found.read(Counter.DECISIONS, "yes", "fired") == 0


def test_counter_has_a_value_once_something_was_added_be_it_nothing() -> None:
    found = Metrics()
    assert not found.has(Counter.DECISIONS, "no", "limit")
    found.add(Counter.DECISIONS, 0, "no", "limit")
    assert found.has(Counter.DECISIONS, "no", "limit")
    assert not found.has(Counter.DECISIONS, "yes", "fired")


def test_gauge_is_set_and_forgotten() -> None:
    found = Metrics()

    found.set(Gauge.LAG, 7, "3")
    assert b'beckon_lag_records{partition="3"} 7.0' in found.text()
    found.forget(Gauge.LAG, "3")

    assert b'beckon_lag_records{partition="3"}' not in found.text()


def test_histogram_counts_what_it_saw() -> None:
    found = Metrics()

    found.observe(Histogram.SEND_SECONDS, 0.2, "webhook")

    assert b'beckon_send_seconds_bucket{channel="webhook",le="0.25"} 1.0' in found.text()
    assert b'beckon_send_seconds_count{channel="webhook"} 1.0' in found.text()


def test_two_processes_in_one_do_not_share_numbers() -> None:
    first, second = Metrics(), Metrics()

    first.add(Counter.EVENTS)

    assert second.read(Counter.EVENTS) == 0


def test_process_tells_of_itself_too() -> None:
    assert b"process_cpu_seconds_total" in Metrics().text()
