"""Which repeats would change something."""

from typing import Any

import pytest

from schemas.recommendations import Occurrence
from tests.builders import T0


@pytest.mark.parametrize(
    ("what", "count", "is_trend", "counts"),
    [
        ("viewed", 1, True, True),
        ("viewed", 2, False, False),
        ("bought", 1, False, False),
        ("bought", 2, False, True),
        ("bought", 1, True, True),
    ],
)
def test_repeat_matters_where_something_is_summed(
    what: Any, count: int, is_trend: bool, counts: bool
) -> None:
    found = Occurrence(
        id="i",
        partition=0,
        logged_at=T0,
        profile_id="ada",
        catalogue="shop",
        what=what,
        items=tuple("ab"[:count]),
        at=T0,
        keeps=1,
        is_trend=is_trend,
    )
    assert found.is_counted == counts
