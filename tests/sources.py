"""Where the tests find the data of the examples, which is not in the project."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def source(name: str, file: str) -> Path:
    """Returns the folder that has the file, packed or not; skips the test where there is none."""
    data = Path(os.environ.get("BECKON_TEST_DATA", "../shared/data"))
    folder = (ROOT / data / name).resolve()
    if not (folder / f"{file}.zst").exists() and not (folder / file).exists():
        pytest.skip(f"no {file} in {data}/{name} (BECKON_TEST_DATA names another folder)")
    return folder
