"""Where the example shop's definitions lie: in a checkout, or beside this module in the wheel."""

import shutil
from pathlib import Path

HERE = Path(__file__).parent


def folder() -> Path:
    """Returns the folder `examples/shop`, or the wheel's copy of it."""
    copy = HERE / "shop"
    return copy if copy.is_dir() else HERE.parents[1] / "examples" / "shop"


def at_hand(out: Path) -> Path:
    """Returns a folder with the definitions that a person may edit.

    That is the checkout's, if it lies below the working directory; else a copy under `out`.
    """
    found = folder()
    if found.is_relative_to(Path.cwd()):
        return found
    return Path(shutil.copytree(found, out / "shop", dirs_exist_ok=True))
