"""The oracle shares nothing with what it judges."""

import subprocess
import sys
from pathlib import Path

JUDGED = ("processors", "schemas", "connectors")
HERE = Path(__file__).parent


def test_oracle_imports_nothing_of_what_it_judges() -> None:
    modules = [path.stem for path in HERE.glob("*.py") if not path.stem.startswith("test_")]
    assert {"journeys", "runs", "recompute"} <= set(modules)
    imports = "\n".join(f"import tests.oracle.{name}" for name in modules if name != "run")
    loaded = f"import sys\n{imports}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", loaded], cwd=HERE.parents[1], check=True, capture_output=True
    )
    found = {name.split(".")[0] for name in done.stdout.decode().split()}
    assert "tests" in found
    assert not found & set(JUDGED)
