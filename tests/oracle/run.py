"""Recomputes a log from the shell: the same files as `beckon replay`, by other means.

python tests/oracle/run.py --definitions DIR --events FILE --out DIR [--until INSTANT]
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.oracle.documents import instant_ms
from tests.oracle.recompute import recompute


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--definitions", type=Path, required=True)
    parser.add_argument("--events", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--until", help="ISO 8601 with a zone; without it the latest event's time")
    parser.add_argument("--thorough", action="store_true", help="slow; see recompute()")
    options = parser.parse_args()
    result = recompute(
        options.definitions,
        events(options.events),
        instant_ms(options.until),
        thorough=options.thorough,
    )
    result.write(options.out)


def events(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


if __name__ == "__main__":
    main()
