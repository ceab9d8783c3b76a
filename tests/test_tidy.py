"""The rules of the tree that no linter knows: sizes, leftovers, dead modules, missing tests."""

import ast
import functools
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("processors", "schemas", "connectors")

MAX_MODULE_LINES = 400
MAX_TEST_LINES = 600
MAX_FUNCTION_LINES = 60
MAX_FILE_BYTES = 200_000
UNBOUNDED = {"requirements.lock", "requirements-dev.lock"}

ENTRIES = {
    "processors.__main__",
    "processors.cli",
    "processors.worker",
    "connectors.stores.migrations.env",
    "connectors.stores.migrations.versions.step_0001",
    "connectors.stores.migrations.versions.step_0002",
    "connectors.stores.migrations.versions.step_0003",
    "connectors.stores.migrations.versions.step_0004",
    "connectors.stores.migrations.versions.step_0005",
}
"""Started by name or place, so nothing needs to import them."""

FOR_TESTS = {"connectors.channels.memory"}
"""Shipped for those who test their own definitions and senders; nothing of ours sends through it
but the tests, which hold it to what every sender promises."""

COVERED_BY: dict[str, str] = {
    # "module": "the test that covers it instead of one of its name"
    "connectors.stores.recommendations": "tests/contract/test_recommendations.py",
    "processors.recommending": "tests/integration/test_recommendations.py",
    "processors.operations.administration": "tests/integration/test_administration.py",
    "processors.agents.deliveries": "tests/integration/test_deliveries.py",
    "connectors.http2": "tests/unit/connectors/channels/test_apns.py",
    "connectors.stores.held": "tests/contract/test_contents.py",
    "connectors.stores.views": "tests/contract/test_contents.py",
    **{
        f"connectors.stores.{name}": "tests/contract/test_stores.py"
        for name in (
            "ledger",
            "migrating",
            "migrations.versions.step_0001",
            "migrations.versions.step_0002",
            "migrations.versions.step_0003",
            "migrations.versions.step_0004",
            "migrations.versions.step_0005",
            "outbox",
            "rows",
            "standing",
            "tables",
        )
    },
}

LEFTOVERS = {
    "a TODO without its number": re.compile(r"\bTODO\b(?!\(?\s*#\d+)"),
    "a FIXME": re.compile(r"\bFIXME\b"),
    "an XXX": re.compile(r"\bXXX\b"),
    "a breakpoint": re.compile(r"\bbreakpoint\(|\bset_trace\("),
    "a merge conflict": re.compile(r"^(<{7} |>{7} )", re.MULTILINE),
}
STRANGERS = {
    "a machine's path": re.compile(r"(?<![\w.~])/(?:work|home|root)/"),
    "a registry's address": re.compile(
        r"pypi\.[a-z]+/|pythonhosted\.org|repo1?\.maven\.|registry\.npmjs"
        r"|--(?:extra-)?index-url[= ]"
    ),
}


@functools.cache
def files() -> tuple[Path, ...]:
    """Every file of the project: what git tracks or would."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout, so nothing tells the project's files from others")
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return tuple(sorted(path for path in paths if path.is_file()))


def modules() -> Iterator[tuple[str, Path]]:
    """Yields the dotted name and the file of every module that is shipped."""
    for path in files():
        place = path.relative_to(ROOT)
        if place.parts[0] in PACKAGES and path.suffix == ".py":
            yield ".".join(place.with_suffix("").parts).removesuffix(".__init__"), path


def sources() -> Iterator[Path]:
    return (path for path in files() if path.suffix == ".py")


def texts() -> Iterator[tuple[str, str]]:
    """Yields place and text of every text file but this one, which names what it bans."""
    for path in files():
        if path == Path(__file__):
            continue
        raw = path.read_bytes()
        if b"\0" not in raw[:8000]:
            yield str(path.relative_to(ROOT)), raw.decode("utf-8")


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def found(patterns: dict[str, re.Pattern[str]]) -> list[str]:
    return [
        f"{place}:{text.count(chr(10), 0, match.start()) + 1}: {what}"
        for place, text in texts()
        for what, pattern in patterns.items()
        for match in pattern.finditer(text)
    ]


def is_test(path: Path) -> bool:
    return path.relative_to(ROOT).parts[0] == "tests"


def test_modules_are_short_enough_to_read() -> None:
    long = []
    for path in sources():
        lines = len(path.read_text("utf-8").splitlines())
        if lines > (MAX_TEST_LINES if is_test(path) else MAX_MODULE_LINES):
            long.append(f"{path.relative_to(ROOT)}: {lines} lines")
    assert not long, "\n" + "\n".join(long)


def docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    text = ast.get_docstring(node, clean=False)
    return 0 if text is None else text.count("\n") + 1


def test_functions_are_short_enough_to_read() -> None:
    long = []
    for path in sources():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                lines = node.end_lineno - node.lineno + 1 - docstring_lines(node)
                if lines > MAX_FUNCTION_LINES:
                    place = f"{path.relative_to(ROOT)}:{node.lineno}"
                    long.append(f"{place}: {node.name} has {lines} lines")
    assert not long, "\n" + "\n".join(long)


def test_nothing_is_left_over() -> None:
    leftovers = found(LEFTOVERS)
    assert not leftovers, "\n" + "\n".join(leftovers)


def test_nothing_names_one_machine_or_one_registry() -> None:
    leftovers = found(STRANGERS)
    assert not leftovers, "\n" + "\n".join(leftovers)


def test_files_are_small_enough_to_clone() -> None:
    large = [
        f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes"
        for path in files()
        if path.name not in UNBOUNDED and path.stat().st_size > MAX_FILE_BYTES
    ]
    assert not large, "\n" + "\n".join(large)


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in sources()
        if not path.name.startswith("test_") and not ast.get_docstring(tree(path))
    ]
    assert not silent, "\n" + "\n".join(silent)


def imported(path: Path) -> Iterator[str]:
    """Yields every dotted name that a module imports, or names whole in a string."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value.partition(":")[0]


def test_every_module_is_used_by_another() -> None:
    used = {name for own, path in modules() for name in imported(path) if name != own}
    dead = [
        name
        for name, path in modules()
        if name not in used | ENTRIES | FOR_TESTS and path.name != "__init__.py"
    ]
    assert not dead, "\n" + "\n".join(dead)


def has_code(path: Path) -> bool:
    """Tells whether anything in a module can be right or wrong: a function that does something."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            if any(not _is_ellipsis(statement) for statement in body):
                return True
    return False


def _is_ellipsis(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and node.value.value is Ellipsis
    )


def homes_of_test(name: str) -> tuple[Path, ...]:
    """Returns where the test of a module's name may stand: with the root package or without."""
    *package, module = name.split(".")
    unit = ROOT / "tests" / "unit"
    return (
        unit.joinpath(*package, f"test_{module}.py"),
        unit.joinpath(*package[1:], f"test_{module}.py"),
    )


def test_every_module_has_a_test_of_its_name() -> None:
    untested = [
        f"{name}: no {homes_of_test(name)[0].relative_to(ROOT)}"
        for name, path in modules()
        if has_code(path)
        and name not in COVERED_BY
        and path.name not in ("__init__.py", "__main__.py")
        and not any(test.is_file() for test in homes_of_test(name))
    ]
    assert not untested, "\n" + "\n".join(untested)


def test_exceptions_to_the_rule_are_still_true() -> None:
    names = {name for name, _ in modules()}
    assert names >= ENTRIES | FOR_TESTS
    for name, test in COVERED_BY.items():
        assert name in names, f"{name} is gone"
        assert not any(path.is_file() for path in homes_of_test(name)), (
            f"{name} has its own test now"
        )
        assert (ROOT / test).is_file(), f"{test}, which is to cover {name}, is gone"
