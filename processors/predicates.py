"""Custom conditions of data engineers: finds them, and watches over them while they are asked.

A module of theirs says `from processors.predicates import Person, predicate`; settings name it. The
core asks what `watched` returns, so that it needs neither a clock nor to mind what goes wrong.
"""

import importlib
import logging
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import entry_points
from typing import Any

from processors.decisions.persons import Person
from processors.definitions.predicates import InvalidPredicate, Predicate, Predicates, predicate
from processors.metrics import Counter, Gauge, Histogram, Metrics
from processors.settings import InvalidSettings

__all__ = ["MOST_SLOW", "Person", "Predicate", "Watch", "found", "predicate", "watched"]

GROUP = "beckon.predicates"
"""Of entry points."""
SETTING = "BECKON_PREDICATES"
SLOW_S = 0.05
"""A call that takes longer is slow: events never wait so long behind anything else."""
MOST_SLOW = 10
"""So many slow calls switch a predicate off, for as long as the process runs."""
FORGIVING_CALLS = 1_000
"""So many calls in a row that are not slow make up for a slow one: a machine may stutter."""

logger = logging.getLogger(__name__)


def found(modules: str) -> dict[str, Predicate]:
    """Returns all predicates of modules and of installed packages, by name.

    Args:
        modules: their names, with commas; of each, all predicates at its top level.

    Raises:
        InvalidSettings: one can not be imported, or has none, or two have the same name.
    """
    sources = [(SETTING, each.strip()) for each in modules.split(",") if each.strip()]
    sources += [(f"entry point {GROUP}", each.value) for each in entry_points(group=GROUP)]
    known: dict[str, Predicate] = {}
    for place, name in sources:
        for each in _of(place, name):
            if known.setdefault(each.name, each) is not each:
                raise InvalidSettings(f"{place}: {name}: predicate {each.name} is there twice")
    return known


def watched(
    known: Predicates, metrics: Metrics | None = None, *, most_slow: int | None = None
) -> Predicates:
    """Returns the same predicates, timed and counted, which always answer true or false.

    Args:
        known: by name.
        metrics: where they are counted; None: nowhere.
        most_slow: how many slow calls switch one off; None: none do, for one's own answers are
            worth waiting for, and are to be the same on a slow machine.
    """
    count = metrics or Metrics()
    return {
        name: replace(each, holds=Watch(each, count, most_slow=most_slow))
        for name, each in known.items()
    }


class Watch:
    """The function of one predicate, with an eye on it: whatever it does, there is an answer.

    Guarantees:
        One that raises, or returns neither True nor False, answers False. It can not be stopped
        while it runs: one that never returns holds up everything until the process is ended.
    """

    def __init__(
        self,
        watched: Predicate,
        metrics: Metrics,
        *,
        most_slow: int | None,
        now_s: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.is_off = False
        self._name = watched.name
        self._holds: Callable[..., object] = watched.holds
        self._metrics = metrics
        self._observe = metrics.observer(Histogram.PREDICATE_SECONDS, watched.name)
        self._most_slow = most_slow
        self._now_s = now_s
        self._slow = 0
        self._in_time = 0
        self._told: set[str] = set()
        metrics.set(Gauge.PREDICATE_OFF, 0, self._name)

    def __call__(self, person: Person, /, **parameters: Any) -> bool:
        """Returns its answer."""
        if self.is_off:
            return False
        started_s = self._now_s()
        try:
            answer = self._holds(person, **parameters)
        except Exception as error:  # it is not our code: nothing is known of what it may raise
            self._fail("raised", type(error).__name__, error)
            answer = False
        spent_s = self._now_s() - started_s
        self._observe(spent_s)
        self._judge(spent_s)
        if answer is True or answer is False:
            return answer
        self._fail("no-bool", type(answer).__name__)
        return False

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
                "a predicate is switched off for being slow: it answers false until a restart",
                extra={"predicate": self._name},
            )

    def _fail(self, reason: str, what: str, error: Exception | None = None) -> None:
        """Counts what went wrong; tells of each kind once, and nothing of the person."""
        self._metrics.add(Counter.PREDICATE_FAILURES, 1, self._name, reason)
        if reason not in self._told:
            self._told.add(reason)
            logger.warning(
                "a predicate fails; this is told once",
                extra={
                    "predicate": self._name,
                    "reason": reason,
                    "what": what,
                    "where": _where(error) if error is not None else "",
                },
            )


def _of(place: str, name: str) -> Iterator[Predicate]:
    try:
        module = importlib.import_module(name)
    except Exception as error:  # of others, as above
        name_of = type(error).__name__
        what = str(error) if isinstance(error, InvalidPredicate) else f"{name_of}: {error}"
        raise InvalidSettings(f"{place}: {name} can not be imported ({what})") from error
    predicates = [each for each in vars(module).values() if isinstance(each, Predicate)]
    if not predicates:
        raise InvalidSettings(f"{place}: {name} has no predicates at its top level")
    yield from predicates


def _where(error: Exception) -> str:
    """Returns where in the predicate it was raised, as far as it came: below the call of it."""
    frames = traceback.extract_tb(error.__traceback__)[:2]
    return f"{frames[-1].filename}:{frames[-1].lineno}"
