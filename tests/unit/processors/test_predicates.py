"""Custom conditions: found where settings say, and watched whatever they do."""

import logging
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest

from processors import predicates
from processors.decisions.persons import Person, names_by_kind
from processors.definitions.predicates import NO_VALUE
from processors.metrics import Counter, Gauge, Metrics
from processors.predicates import (
    FORGIVING_CALLS,
    MAX_CHARS,
    MAX_ITEMS,
    MOST_SLOW,
    SLOW_S,
    Predicate,
    Watch,
    predicate,
)
from processors.settings import InvalidSettings
from processors.state.profiles import Profile
from tests import builders
from tests.builders import T0, encoded, identify, segment, track
from tests.embedded import Broker
from tests.unit.processors.commands import beckon, written

HEAD = "from processors.predicates import Person, predicate\n"
ONE = '@predicate("{}", reads=["tags"], version="1")\ndef {}(person: Person):\n    return True'


class Modules:
    """A folder that modules are imported from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, *bodies: str) -> None:
        (self.folder / f"{name}.py").write_text(HEAD + "\n".join(bodies))


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Modules]:
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Modules(tmp_path)
    for name in set(sys.modules) - before:
        del sys.modules[name]


def refusal(names: str) -> str:
    with pytest.raises(InvalidSettings) as refused:
        predicates.found(names)
    return str(refused.value)


def test_modules_that_settings_name_are_searched(modules: Modules) -> None:
    modules.write("one", ONE.format("a", "a"), ONE.format("b-b", "b"))
    modules.write("two", ONE.format("c", "c"))
    found = predicates.found("one, two,")
    assert sorted(found) == ["a", "b-b", "c"]
    assert found["a"].facts == {("tag", "")}
    assert predicates.found("") == {}


def test_predicate_that_modules_share_is_one(modules: Modules) -> None:
    modules.write("one", ONE.format("a", "a"))
    modules.write("two", "from one import a\n")
    assert list(predicates.found("one,two")) == ["a"]


def test_two_of_one_name_are_refused(modules: Modules) -> None:
    modules.write("one", ONE.format("a", "a"))
    modules.write("two", ONE.format("a", "a"))
    assert refusal("one,two") == "BECKON_PREDICATES: two: predicate a is there twice"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("x = 1", "bad has no predicates and no models at its top level"),
        ("x = 1 / 0", "bad can not be imported (ZeroDivisionError: division by zero)"),
        ("import missing_shop", "bad can not be imported "
         "(ModuleNotFoundError: No module named 'missing_shop')"),
        (ONE.format("A", "a"), "bad can not be imported (the name of a predicate must be an id "
         "(small letters, digits, _ and -, beginning with a letter or digit, at most 64), "
         'found the text "A")'),
    ],
)  # fmt: skip
def test_module_that_is_no_good_is_named_with_why(
    modules: Modules, body: str, message: str
) -> None:
    modules.write("bad", body)
    assert refusal("bad") == f"BECKON_PREDICATES: {message}"


def test_installed_packages_bring_theirs(modules: Modules, monkeypatch: pytest.MonkeyPatch) -> None:
    modules.write("shop_rules", ONE.format("a", "a"))
    entry = EntryPoint(name="shop", value="shop_rules", group=predicates.GROUP)

    def entry_points(*, group: str) -> EntryPoints:
        return EntryPoints([entry] if group == predicates.GROUP else [])

    monkeypatch.setattr(predicates, "entry_points", entry_points)
    assert list(predicates.found("")) == ["a"]
    monkeypatch.setattr(predicates, "entry_points", lambda *, group: [
        EntryPoint(name="x", value="not_there", group=group)
    ])  # fmt: skip
    assert refusal("").startswith("entry point beckon.predicates: not_there can not be imported")


class Clock:
    """Moves by what the predicate is said to take."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.takes_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def raises(person: Person) -> bool:
    raise ValueError("ada@example.org")


class Watching:
    """One predicate under watch, and what is counted of it."""

    def __init__(
        self, answer: Callable[[Person], Any] = lambda person: True, most_slow: int | None = None
    ) -> None:
        self.clock = Clock()
        self.metrics = Metrics()
        self.calls = 0

        def holds(person: Person) -> bool:
            self.calls += 1
            self.clock.now_s += self.clock.takes_s
            return answer(person)  # type: ignore[no-any-return]

        made = predicate("p", reads=["tags.x"], version="1")(holds)
        self.person = Person(Profile(), names_by_kind(made.facts), {})
        self.watch = Watch(made, self.metrics, most_slow=most_slow, now_s=self.clock)

    def asks(self, times: int = 1, takes_s: float = 0.0) -> list[bool]:
        self.clock.takes_s = takes_s
        return [self.watch(self.person) for _ in range(times)]

    def failures(self, reason: str) -> float:
        return self.metrics.read(Counter.PREDICATE_FAILURES, "p", reason)


def test_calls_are_counted_and_timed() -> None:
    watching = Watching()
    assert watching.asks(2, takes_s=0.02) == [True, True]
    text = watching.metrics.text().decode()
    assert 'beckon_predicate_seconds_count{predicate="p"} 2.0' in text
    assert 'beckon_predicate_seconds_sum{predicate="p"} 0.04' in text
    assert 'beckon_predicate_failures_total{predicate="p"' not in text


@pytest.mark.parametrize(
    ("answer", "reason", "what"),
    [
        (raises, "raised", "ValueError"),
        (lambda person: person.id, "raised", "UndeclaredRead"),
        (lambda person: 1, "no-bool", "int"),
        (lambda person: None, "no-bool", "NoneType"),
    ],
)
def test_whatever_goes_wrong_is_false_counted_and_told_once(
    answer: Callable[[Person], Any], reason: str, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    watching = Watching(answer)
    assert watching.asks(3) == [False] * 3
    assert watching.failures(reason) == 3
    (record,) = caplog.records
    assert (record.levelno, vars(record)["reason"], vars(record)["what"]) == (
        logging.WARNING,
        reason,
        what,
    )
    assert vars(record)["predicate"] == "p"
    assert ("test_predicates.py:" in vars(record)["where"]) is (reason == "raised")
    assert "ada@example.org" not in str(vars(record))
    assert not watching.watch.is_off


def test_slow_one_is_switched_off_after_so_many(caplog: pytest.LogCaptureFixture) -> None:
    watching = Watching(most_slow=MOST_SLOW)
    assert watching.asks(MOST_SLOW - 1, takes_s=SLOW_S + 0.001) == [True] * (MOST_SLOW - 1)
    assert watching.metrics.read(Gauge.PREDICATE_OFF, "p") == 0
    assert watching.asks(1, takes_s=1) == [True]
    assert watching.metrics.read(Gauge.PREDICATE_OFF, "p") == 1
    assert watching.failures("slow") == MOST_SLOW
    assert watching.asks(5) == [False] * 5
    assert watching.calls == MOST_SLOW
    assert [record.getMessage() for record in caplog.records] == [
        "a predicate or model fails; this is told once",
        "a predicate or model is switched off until a restart: it was too slow too often",
    ]
    assert vars(caplog.records[0])["what"] == "51 ms"


def test_one_at_the_bound_is_not_slow() -> None:
    watching = Watching(most_slow=1)
    watching.asks(takes_s=SLOW_S)
    assert not watching.watch.is_off


def test_stutters_far_apart_are_forgiven() -> None:
    watching = Watching(most_slow=2)
    for _ in range(3):
        watching.asks(1, takes_s=1)
        watching.asks(FORGIVING_CALLS)
    assert not watching.watch.is_off
    watching.asks(1, takes_s=1)
    watching.asks(FORGIVING_CALLS - 1)
    watching.asks(1, takes_s=1)
    assert watching.watch.is_off


def test_slow_one_that_raises_is_switched_off_as_well() -> None:
    watching = Watching(raises, most_slow=1)
    assert watching.asks(2, takes_s=1) == [False, False]
    assert watching.calls == 1


def test_for_ones_own_answers_none_is_switched_off() -> None:
    watching = Watching()
    assert watching.asks(MOST_SLOW + 1, takes_s=60) == [True] * (MOST_SLOW + 1)


def test_one_that_raises_keeps_nobody_from_being_decided_on() -> None:
    made = predicate("p", reads=["traits.plan"], version="1")(raises)
    known = predicates.watched({"p": made}).values()
    whom = [segment({"custom": "p"}, "in"), segment({"not": {"custom": "p"}}, "out")]
    person = builders.Person(*whom, segment({"event": "a"}, "other"), predicates=known)
    person.hears(identify(plan="gold"))
    person.hears(track("a", T0 + 1))
    assert person.segments == {"out", "other"}


def test_watched_predicates_are_as_before_but_for_the_watch() -> None:
    made = predicate("p", reads=["tags.x"], version="3")(raises)
    metrics = Metrics()
    found = predicates.watched({"p": made}, metrics, most_slow=1)["p"]
    assert isinstance(found, Predicate)
    assert (found.name, found.version, found.facts) == ("p", "3", made.facts)
    assert found.holds(Person(Profile(), {}, {})) is False
    assert metrics.read(Counter.PREDICATE_FAILURES, "p", "raised") == 1
    uncounted = predicates.watched({"p": made})["p"]
    assert isinstance(uncounted, Predicate)
    assert uncounted.holds(Person(Profile(), {}, {})) is False


# Models


class WatchingModel(Watching):
    """One model under watch."""

    def gives(self, times: int = 1, takes_s: float = 0.0) -> list[float]:
        self.clock.takes_s = takes_s
        return [self.watch.number(self.person) for _ in range(times)]

    def value(self, **told: Any) -> Any:
        return self.watch.value(self.person, **told)


def test_numbers_of_a_model_are_counted_and_timed() -> None:
    watching = WatchingModel(lambda person: 0.25)
    assert watching.gives(2, takes_s=0.02) == [0.25, 0.25]
    assert 'beckon_predicate_seconds_count{predicate="p"} 2.0' in watching.metrics.text().decode()
    assert WatchingModel(lambda person: 1).gives() == [1]


@pytest.mark.parametrize(
    ("answer", "reason", "what"),
    [
        (raises, "raised", "ValueError"),
        (lambda person: float("nan"), "no-number", "nan"),
        (lambda person: float("inf"), "no-number", "inf"),
        (lambda person: True, "no-number", "bool"),
        (lambda person: "0.5", "no-number", "str"),
        (lambda person: None, "no-number", "NoneType"),
    ],
)
def test_whatever_goes_wrong_with_a_model_is_0_counted_and_told_once(
    answer: Callable[[Person], Any], reason: str, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    watching = WatchingModel(answer)
    assert watching.gives(3) == [0, 0, 0]
    assert watching.failures(reason) == 3
    (record,) = caplog.records
    assert (vars(record)["reason"], vars(record)["what"]) == (reason, what)
    assert "ada@example.org" not in str(vars(record))


def test_model_that_is_slow_too_often_gives_0_from_then_on() -> None:
    watching = WatchingModel(lambda person: 0.5, most_slow=2)
    assert watching.gives(3, takes_s=1) == [0.5, 0.5, 0]
    assert (watching.failures("slow"), watching.calls) == (2, 2)


@pytest.mark.parametrize(
    "given",
    [None, True, "tent", "zelt-ö", 9, 9.5, ["tent", "stove", 3, None], [], ["x"] * MAX_ITEMS],
)
def test_value_of_a_model_is_what_traits_can_hold(given: Any) -> None:
    watching = WatchingModel(lambda person: given)
    assert watching.value() == given
    assert watching.failures("no-value") == 0


def test_value_of_a_model_may_be_a_tuple_and_hang_on_what_it_is_told() -> None:
    def both(person: Person, *, at: str) -> tuple[str, ...]:
        return "a", at

    metrics = Metrics()
    made = predicates.model("p", reads=[], version="1")(both)
    found = predicates.watched({"p": made}, metrics)["p"]
    assert isinstance(found, predicates.Model)
    assert found.value(Person(Profile(), {}, {}), at="b") == ["a", "b"]
    assert 'beckon_predicate_seconds_count{predicate="p"} 1.0' in metrics.text().decode()


@pytest.mark.parametrize(
    ("answer", "reason", "what"),
    [
        (raises, "raised", "ValueError"),
        (lambda person: float("nan"), "no-value", "float"),
        (lambda person: 2**53 + 1, "no-value", "int"),
        (lambda person: "x" * (MAX_CHARS + 1), "no-value", "str"),
        (lambda person: "\ud800", "no-value", "str"),
        (lambda person: {"a": 1}, "no-value", "dict"),
        (lambda person: [["a"]], "no-value", "list"),
        (lambda person: ["a"] * (MAX_ITEMS + 1), "no-value", "list"),
    ],
)
def test_what_is_no_value_is_none_at_all_counted_and_told_once(
    answer: Callable[[Person], Any], reason: str, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    watching = WatchingModel(answer)
    assert [watching.value(), watching.value()] == [NO_VALUE, NO_VALUE]
    assert watching.failures(reason) == 2
    (record,) = caplog.records
    assert (vars(record)["reason"], vars(record)["what"]) == (reason, what)


def test_models_are_found_and_watched_beside_predicates(modules: Modules) -> None:
    body = ONE.format("a", "a"), "from processors.predicates import model\n"
    modules.write("one", *body, '@model("m", reads=["tags"], version="1")\ndef m(p):\n    return 2')
    found = predicates.watched(predicates.found("one"))
    assert sorted(found) == ["a", "m"]
    churn = found["m"]
    assert isinstance(churn, predicates.Model)
    assert churn.gives(Person(Profile(), {}, {})) == 2
    assert churn.value(Person(Profile(), {}, {})) == 2
    modules.write("two", "from processors.predicates import model\n", ONE.format("m", "m"))
    assert refusal("one,two") == "BECKON_PREDICATES: two: predicate m is there twice"


MODELLED = """kind: score
id: risk
name: Risk
groups:
  - id: g
    rules:
      - id: churn
        points: 40
        model: chrun
"""


@pytest.mark.usefixtures("as_it_was", "on_broker")
@pytest.mark.parametrize("words", [("check", "."), ("publish", "--yes", ".")])
def test_model_that_is_not_there_is_a_warning_and_no_mistake(
    words: tuple[str, ...], modules: Modules, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker.topic("definitions")
    body = '@model("churn", reads=["tags"], version="1")\ndef churn(person): return 1'
    modules.write("risks", "from processors.predicates import model\n", body)
    (modules.folder / "risk.yaml").write_text(MODELLED)
    monkeypatch.chdir(modules.folder)
    monkeypatch.setenv("BECKON_PREDICATES", "risks")
    found = beckon(*words)
    assert found.exit_code == 0, found.output
    assert (
        "warning: risk.yaml:9: groups[0].rules[0].model: model chrun is not registered here:"
        " its rule gives 0 points; did you mean churn?"
    ) in found.output
    (modules.folder / "risk.yaml").write_text(MODELLED.replace("chrun", "churn"))
    assert "warning" not in beckon(*words).output


CUSTOM = "kind: segment\nid: gold\nname: Gold\nwhen:\n  custom: asked\n"
STEP = "{event: a, expect: {segments: {gold: in}}}"
CASE = f"cases:\n  - name: Anybody\n    steps:\n      - {STEP}\n"


@pytest.mark.usefixtures("as_it_was", "on_broker")
@pytest.mark.parametrize(
    "words",
    [
        ("check", "."),
        ("test", "."),
        ("replay", "--definitions", ".", "--events", "events.jsonl", "--out", "out"),
        ("diff", ".", ".", "--events", "events.jsonl"),
        ("explain", "p", "--definitions", ".", "--events", "events.jsonl"),
        ("publish", "--yes", "."),
    ],
    ids=lambda words: words[0],
)
def test_every_command_knows_the_predicates(
    words: tuple[str, ...], modules: Modules, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker.topic("definitions")
    modules.write("asked", ONE.format("asked", "asked"))
    (modules.folder / "gold.yaml").write_text(CUSTOM)
    (modules.folder / "gold.test.yaml").write_text(CASE)
    written(modules.folder, encoded(track("a")))
    monkeypatch.chdir(modules.folder)
    without = beckon(*words)
    assert without.exit_code != 0
    assert "there is no predicate asked; BECKON_PREDICATES names none" in without.output
    monkeypatch.setenv("BECKON_PREDICATES", "asked")
    found = beckon(*words)
    assert found.exit_code == 0, found.output
    monkeypatch.setenv("BECKON_PREDICATES", "nowhere")
    refused = beckon(*words)
    assert refused.exit_code == 1
    assert "BECKON_PREDICATES: nowhere can not be imported" in refused.output
