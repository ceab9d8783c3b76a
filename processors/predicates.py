"""Custom conditions and models of data engineers: found, and watched over while they are asked.

A module of theirs says `from processors.predicates import Person, predicate`, or `model`; settings
name it. The core asks what `watched` returns, so that it needs neither a clock nor to mind what
goes wrong.
"""

import importlib
import logging
import math
import re
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import entry_points
from typing import Any

from processors.decisions.persons import Person
from processors.definitions.predicates import (
    NO_VALUE,
    InvalidPredicate,
    Model,
    Predicate,
    Predicates,
    model,
    predicate,
)
from processors.metrics import Counter, Gauge, Histogram, Metrics
from processors.settings import InvalidSettings, several

__all__ = [
    "MOST_SLOW",
    "Model",
    "Person",
    "Predicate",
    "Watch",
    "found",
    "model",
    "predicate",
    "watched",
]

GROUP = "beckon.predicates"
"""Of entry points."""
SETTING = "BECKON_PREDICATES"
SLOW_S = 0.05
"""A call that takes longer is slow: events never wait so long behind anything else."""
MOST_SLOW = 10
"""So many slow calls switch a predicate off, for as long as the process runs."""
FORGIVING_CALLS = 1_000
"""So many calls in a row that are not slow make up for a slow one: a machine may stutter."""

MAX_ITEMS = 100
"""Of a list that a model gives."""
MAX_CHARS = 1_000
MAX_WHOLE = 2**53
"""Beyond it numbers are not the same everywhere."""

_SURROGATES = re.compile("[\ud800-\udfff]")
"""What no text in UTF-8 can hold."""
_NONE = object()
"""No answer: it raised, or is switched off."""

logger = logging.getLogger(__name__)


def found(modules: str) -> dict[str, Predicate | Model]:
    """Returns all predicates and models of modules and of installed packages, by name.

    Args:
        modules: their names, with commas; of each, all predicates and models at its top level.

    Raises:
        InvalidSettings: one can not be imported, or has none, or two have the same name.
    """
    sources = [(SETTING, each) for each in several(modules)]
    sources += [(f"entry point {GROUP}", each.value) for each in entry_points(group=GROUP)]
    known: dict[str, Predicate | Model] = {}
    for place, name in sources:
        for each in _of(place, name):
            if known.setdefault(each.name, each) is not each:
                noun = type(each).__name__.lower()
                raise InvalidSettings(f"{place}: {name}: {noun} {each.name} is there twice")
    return known


def watched(
    known: Predicates, metrics: Metrics | None = None, *, most_slow: int | None = None
) -> Predicates:
    """Returns the same, timed and counted: each always answers true or false, a number, a value.

    Args:
        known: by name.
        metrics: where they are counted; None: nowhere.
        most_slow: how many slow calls switch one off; None: none do, for one's own answers are
            worth waiting for, and are to be the same on a slow machine.
    """
    count = metrics or Metrics()
    made: dict[str, Predicate | Model] = {}
    for name, each in known.items():
        watch = Watch(each, count, most_slow=most_slow)
        if isinstance(each, Model):
            made[name] = replace(each, gives=watch.number, value=watch.value)
        else:
            made[name] = replace(each, holds=watch)
    return made


class Watch:
    """The function of a predicate or model, with an eye on it: there is an answer whatever it does.

    Guarantees:
        One that raises, or returns neither True nor False, answers False; a model that raises, or
        returns no number, answers 0, and `NO_VALUE` where it is asked for a value. It can not be
        stopped while it runs: one that never returns holds up everything until the process ends.
    """

    def __init__(
        self,
        watched: Predicate | Model,
        metrics: Metrics,
        *,
        most_slow: int | None,
        now_s: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.is_off = False
        self._name = watched.name
        self._asked: Callable[..., object] = (
            watched.gives if isinstance(watched, Model) else watched.holds
        )
        self._metrics = metrics
        self._observe = metrics.observer(Histogram.PREDICATE_SECONDS, watched.name)
        self._most_slow = most_slow
        self._now_s = now_s
        self._slow = 0
        self._in_time = 0
        self._told: set[str] = set()
        metrics.set(Gauge.PREDICATE_OFF, 0, self._name)

    def __call__(self, person: Person, /, **parameters: Any) -> bool:
        """Returns the answer of a predicate."""
        answer = self._ask(person, parameters)
        if answer is True or answer is False:
            return answer
        if answer is not _NONE:
            self._fail("no-bool", type(answer).__name__)
        return False

    def number(self, person: Person, /) -> float:
        """Returns the number of a model."""
        answer = self._ask(person, {})
        is_number = isinstance(answer, int | float) and not isinstance(answer, bool)
        if is_number and math.isfinite(answer):  # type: ignore[arg-type]
            return answer  # type: ignore[return-value]
        if answer is not _NONE:
            self._fail("no-number", str(answer) if is_number else type(answer).__name__)
        return 0.0

    def value(self, person: Person, /, **parameters: Any) -> Any:
        """Returns the value of a model."""
        answer = self._ask(person, parameters)
        if answer is _NONE:
            return NO_VALUE
        listed = isinstance(answer, list | tuple)
        items: Any = answer if listed else [answer]
        if len(items) > MAX_ITEMS or not all(_is_single(each) for each in items):
            self._fail("no-value", type(answer).__name__)
            return NO_VALUE
        return list(items) if listed else answer

    def _ask(self, person: Person, parameters: Mapping[str, Any]) -> object:
        """Returns what the function answers; `_NONE` where it does not."""
        if self.is_off:
            return _NONE
        started_s = self._now_s()
        try:
            answer = self._asked(person, **parameters)
        except Exception as error:  # it is not our code: nothing is known of what it may raise
            self._fail("raised", type(error).__name__, error)
            answer = _NONE
        spent_s = self._now_s() - started_s
        self._observe(spent_s)
        self._judge(spent_s)
        return answer

    def _judge(self, spent_s: float) -> None:
        if spent_s <= SLOW_S:
            self._in_time += 1
            if self._slow and self._in_time >= FORGIVING_CALLS:
                self._slow, self._in_time = self._slow - 1, 0
            return
        self._slow, self._in_time = self._slow + 1, 0
        self._fail("slow", f"{spent_s * 1000:.0f} ms")
        if self._most_slow is not None and self._slow >= self._most_slow:
            self.is_off = True
            self._metrics.set(Gauge.PREDICATE_OFF, 1, self._name)
            logger.error(
                "a predicate or model is switched off until a restart: it was too slow too often",
                extra={"predicate": self._name},
            )

    def _fail(self, reason: str, what: str, error: Exception | None = None) -> None:
        """Counts what went wrong; tells of each kind once, and nothing of the person."""
        self._metrics.add(Counter.PREDICATE_FAILURES, 1, self._name, reason)
        if reason not in self._told:
            self._told.add(reason)
            logger.warning(
                "a predicate or model fails; this is told once",
                extra={
                    "predicate": self._name,
                    "reason": reason,
                    "what": what,
                    "where": _where(error) if error is not None else "",
                },
            )


def _is_single(value: object) -> bool:
    """Returns whether a trait can hold something, alone or in a list."""
    match value:
        case None | bool():
            return True
        case str():
            return len(value) <= MAX_CHARS and not _SURROGATES.search(value)
        case int():
            return abs(value) <= MAX_WHOLE
        case float():
            return math.isfinite(value)
    return False


def _of(place: str, name: str) -> Iterator[Predicate | Model]:
    try:
        module = importlib.import_module(name)
    except Exception as error:  # of others, as above
        name_of = type(error).__name__
        what = str(error) if isinstance(error, InvalidPredicate) else f"{name_of}: {error}"
        raise InvalidSettings(f"{place}: {name} can not be imported ({what})") from error
    made = [each for each in vars(module).values() if isinstance(each, Predicate | Model)]
    if not made:
        raise InvalidSettings(f"{place}: {name} has no predicates and no models at its top level")
    yield from made


def _where(error: Exception) -> str:
    """Returns where in the predicate it was raised, as far as it came: below the call of it."""
    frames = traceback.extract_tb(error.__traceback__)[:2]
    return f"{frames[-1].filename}:{frames[-1].lineno}"
