"""A model of who is about to leave: a logistic regression in plain Python.

Whatever can be called from Python stands in its place as well: read its weights at import, and
answer from them alone.
"""

from math import exp

from processors.predicates import Person, model

BIAS = -0.5
WEIGHTS = {"is_quiet": 1.8, "has_tickets": 0.9, "is_monthly": 0.7, "months": -0.05, "usage": -0.08}
"""Made up, in the place of those that a training has found."""
MAX_MONTHS = 36

READS = [
    "segments.gone-quiet",
    "segments.many-tickets",
    "traits.plan",
    "traits.monthsPaid",
    "scores.usage",
]


@model("churn", reads=READS, version="2026-03")
def churn(person: Person) -> float:
    """Returns how likely it is that a person leaves, from 0 to 1."""
    months = person.traits.get("monthsPaid")
    features = {
        "is_quiet": "gone-quiet" in person.segments,
        "has_tickets": "many-tickets" in person.segments,
        "is_monthly": person.traits.get("plan") == "monthly",
        "months": min(months, MAX_MONTHS) if isinstance(months, int) else 0,
        "usage": person.scores["usage"],
    }
    return logistic(BIAS + sum(WEIGHTS[name] * value for name, value in features.items()))


def logistic(value: float) -> float:
    """Returns a number from 0 to 1."""
    return 1 / (1 + exp(-value))
