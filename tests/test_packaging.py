"""What is shipped is whole, ours alone, and does nothing when it is imported."""

import importlib.metadata
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("processors", "schemas", "connectors")
LOCKS = ("requirements.lock", "requirements-dev.lock")

QUIET = (
    "schemas",
    "connectors",
    "processors",
    "processors.definitions",
    "processors.state",
    "processors.decisions",
    "processors.cli",
)
"""What may be imported for its own sake: Faust parses the command line, and takes a second."""

STARTED = {"processors.worker", "processors.__main__"}
"""What is loaded to run, so that importing it is allowed to do something."""

PROBE = """
import importlib, json, os, sys, threading

ours = ("processors", "schemas", "connectors")
seen = []

def callers(frame):
    while frame is not None and "importlib" not in frame.f_code.co_filename:
        yield frame.f_globals.get("__name__", "")
        frame = frame.f_back

def watch(event, arguments):
    if event in ("socket.connect", "socket.bind", "subprocess.Popen"):
        by = [name for name in callers(sys._getframe(1)) if name.partition(".")[0] in ours]
        seen.extend(f"{event} by {name}" for name in by)

def read(environment, name, plain=os.environ.__class__.__getitem__):
    between = ("os", "collections.abc", "_collections_abc")
    by = next((name for name in callers(sys._getframe(1)) if name not in between), "")
    if by.partition(".")[0] in (*ours, "pydantic_settings"):
        seen.append(f"{name} read by {by}")
    return plain(environment, name)

sys.addaudithook(watch)
os.environ.__class__.__getitem__ = read
for name in sys.argv[1:]:
    importlib.import_module(name)
seen += [f"thread: {one.name}" for one in threading.enumerate()[1:]]
print(json.dumps({"seen": seen, "modules": sorted(sys.modules)}))
"""


def project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return found


def imports(*names: str) -> dict[str, list[str]]:
    """Returns what importing the modules did, and all that was loaded, in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *names], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    effects: dict[str, list[str]] = json.loads(done.stdout)
    return effects


def all_modules() -> list[str]:
    names = []
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            names.append(".".join(parts).removesuffix(".__init__"))
    return sorted(set(names) - STARTED)


@pytest.mark.parametrize("name", PACKAGES)
def test_no_other_distribution_has_a_package_of_our_name(name: str) -> None:
    owners = importlib.metadata.packages_distributions().get(name, ["beckon"])
    assert set(owners) == {"beckon"}
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin == str(ROOT / name / "__init__.py")


def test_installed_version_is_the_one_in_the_project_file() -> None:
    assert importlib.metadata.version("beckon") == project()["project"]["version"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of the files in the wheel, built from this tree."""
    target = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "hatchling",
            "build",
            "--target",
            "wheel",
            "--directory",
            str(target),
        ],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    (built,) = target.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return archive.namelist()


def test_wheel_has_our_packages_and_nothing_else(wheel: list[str]) -> None:
    tops = {name.partition("/")[0] for name in wheel}
    assert tops == {*PACKAGES, f"beckon-{project()['project']['version']}.dist-info"}


@pytest.mark.parametrize("suffix", [".py", ".avsc", ".typed"])
def test_wheel_has_every_file_that_the_packages_need(wheel: list[str], suffix: str) -> None:
    here = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob(f"*{suffix}")
    }
    assert here
    assert {name for name in wheel if name.endswith(suffix)} == here


@pytest.mark.parametrize("name", PACKAGES)
def test_packages_say_that_they_are_typed(name: str) -> None:
    assert (ROOT / name / "py.typed").is_file()


@pytest.mark.parametrize("name", QUIET)
def test_importing_loads_no_stream_engine(name: str) -> None:
    assert {"faust", "mode", "aiokafka"} & set(imports(name)["modules"]) == set()


@pytest.mark.parametrize("name", QUIET[:6])
def test_importing_a_root_or_the_core_loads_no_client(name: str) -> None:
    loaded = set(imports(name)["modules"])
    assert {"confluent_kafka", "httpx2", "prometheus_client", "typer", "rich"} & loaded == set()


def test_importing_any_module_has_no_effect() -> None:
    seen = imports(*all_modules())["seen"]
    assert not seen, "\n" + "\n".join(seen)


def pins(lock: str) -> dict[str, str]:
    """Returns the text that belongs to each pinned package, by its name and version."""
    text = (ROOT / lock).read_text("utf-8")
    starts = list(re.finditer(r"^([a-z0-9][\w.-]*==\S+)", text, re.MULTILINE))
    ends = [start.start() for start in starts[1:]] + [len(text)]
    return {one.group(1): text[one.start() : end] for one, end in zip(starts, ends, strict=True)}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash_and_none_an_address(lock: str) -> None:
    assert "://" not in (ROOT / lock).read_text("utf-8")
    unhashed = [pin for pin, text in pins(lock).items() if "--hash=sha256:" not in text]
    assert unhashed == []


def test_locks_pin_what_the_project_needs() -> None:
    plain = project()["project"]["dependencies"]
    extras = project()["project"]["optional-dependencies"]
    for lock, wanted in zip(
        LOCKS, (plain, [*plain, *extras["dev"], *extras["registry"]]), strict=True
    ):
        pinned = {pin.partition("==")[0] for pin in pins(lock)}
        needed = {re.split(r"[\[><=~! ]", line)[0].replace(".", "-") for line in wanted}
        assert needed - pinned == set()


def test_both_locks_agree() -> None:
    assert set(pins("requirements.lock")) - set(pins("requirements-dev.lock")) == set()
