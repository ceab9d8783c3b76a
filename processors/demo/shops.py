"""Where the example shop's definitions lie: in a checkout, or beside this module in the wheel."""

from pathlib import Path

HERE = Path(__file__).parent


def folder() -> Path:
    """Returns the folder `examples/shop`, or the wheel's copy of it."""
    copy = HERE / "shop"
    return copy if copy.is_dir() else HERE.parents[1] / "examples" / "shop"
