"""How hard properties are tried: a few examples in every run, a hundred times as many at night.

`HYPOTHESIS_PROFILE=nightly pytest tests` tries fresh examples each time, and prints what failed;
`HYPOTHESIS_TIMES=10` makes the night shorter.
"""

import os

import hypothesis
from hypothesis import HealthCheck

NIGHTLY = "nightly"
MORE_AT_NIGHT = int(os.environ.get("HYPOTHESIS_TIMES", "100"))

hypothesis.settings.register_profile(NIGHTLY, deadline=None, print_blob=True, derandomize=False)


def is_night() -> bool:
    return os.environ.get("HYPOTHESIS_PROFILE") == NIGHTLY


def budget(examples: int) -> hypothesis.settings:
    """Returns the settings of a property that is to be tried so often in an ordinary run."""
    profile = hypothesis.settings.get_profile(NIGHTLY) if is_night() else None
    return hypothesis.settings(
        profile,
        max_examples=examples * (MORE_AT_NIGHT if is_night() else 1),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
