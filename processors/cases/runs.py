"""One case after the other through the engine: each with a world of its own."""

import time
from collections.abc import Callable, Iterable, Iterator

import msgspec

from processors.cases import expectations
from processors.cases.documents import Case, Step
from processors.cases.files import CaseFile
from processors.cases.findings import Difference, Findings
from processors.cases.worlds import World
from processors.decisions.compiled import Compiled
from processors.decisions.compiling import compile_set
from processors.definitions.errors import Path
from processors.definitions.sets import DefinitionSet


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What one case came to."""

    file: CaseFile
    place: int
    """Among the cases of its file."""
    differences: tuple[Difference, ...]
    duration_s: float

    @property
    def name(self) -> str:
        """The case's name."""
        return self.file.cases[self.place].name

    @property
    def line(self) -> int:
        """Where the case begins in its file."""
        return self.file.line(("cases", self.place))

    @property
    def has_passed(self) -> bool:
        """Whether all was as expected."""
        return not self.differences


def run(
    definitions: DefinitionSet, files: Iterable[CaseFile], *, holding: str = ""
) -> Iterator[Result]:
    """Yields the result of each case, in the order of the files.

    Args:
        definitions: what is tested.
        files: made by `files.load`.
        holding: only cases with this text in their name or file's name, in any case of letters.
    """
    compiled = compile_set(definitions)
    is_wanted = _filter(holding)
    for file in files:
        for place, case in enumerate(file.cases):
            if is_wanted(f"{file.file}\n{case.name}"):
                started_s = time.perf_counter()
                found = list(_Run(definitions, compiled, case).differences(("cases", place)))
                spent_s = time.perf_counter() - started_s
                found.sort(key=lambda each: file.line(each.path))
                yield Result(file=file, place=place, differences=tuple(found), duration_s=spent_s)


def _filter(holding: str) -> Callable[[str], bool]:
    wanted = holding.casefold()
    return lambda text: wanted in text.casefold()


class _Run:
    """One case, step by step."""

    def __init__(self, definitions: DefinitionSet, compiled: Compiled, case: Case) -> None:
        self.definitions = definitions
        self.case = case
        self.world = World(compiled, case)
        self.commands = self.decided = self.decisions = 0
        """How many of them earlier expectations have covered."""

    def differences(self, path: Path) -> Iterator[Difference]:
        for place, now_ms in enumerate(self.case.instants()):
            step = self.case.steps[place]
            self.world.pass_time(now_ms)
            yield from self._happen(step, now_ms, (*path, "steps", place))
            if step.expect is not None:
                at = (*path, "steps", place, "expect")
                yield from expectations.differences(step.expect, self._findings(now_ms), at)
                self._cover(step)

    def _happen(self, step: Step, now_ms: int, path: Path) -> Iterator[Difference]:
        before = len(self.world.refused)
        self.world.happen(step, now_ms)
        for letter in self.world.refused[before:]:
            yield Difference(
                path=path,
                at_ms=now_ms,
                expected="an event that is taken",
                found=f"refused, {letter.reason}: {letter.message}",
            )

    def _findings(self, now_ms: int) -> Findings:
        world = self.world
        return Findings(
            definitions=self.definitions,
            compiled=world.compiled,
            at_ms=now_ms,
            profile=world.profile,
            moves=world.moves,
            commands=world.commands[self.commands :],
            decided=world.decisions[self.decided :],
            decisions=world.decisions[self.decisions :],
        )

    def _cover(self, step: Step) -> None:
        if step.expect is not None and step.expect.commands is not None:
            self.commands, self.decided = len(self.world.commands), len(self.world.decisions)
        if step.expect is not None and step.expect.decisions is not None:
            self.decisions = len(self.world.decisions)
