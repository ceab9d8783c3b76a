"""Rules that add points for each occurrence: which node works one out, from which feature."""

from fractions import Fraction
from math import ceil

from processors.decisions.fading import FadingRule, StepRule
from processors.decisions.features import MAX_COUNT, Feature, Features
from processors.decisions.measures import UNIT, Measure, Measures
from processors.decisions.nodes import AmountRule, CountRule, Holder, WindowRule
from processors.definitions.scores import Rule
from processors.state.profiles import NEVER
from processors.state.windows import MAX_TIMES

Built = tuple[CountRule | WindowRule | AmountRule | StepRule | FadingRule, Feature | Measure]


def counting(key: str, holder: Holder, rule: Rule, features: Features, measures: Measures) -> Built:
    """Returns the node of a rule with `on`, and the feature or measure that it reads."""
    on = rule.on
    assert on is not None  # the model sees to it
    most = rule.max_occurrences or MAX_COUNT
    if rule.per is not None:
        return _once_per(key, holder, rule, measures)
    if rule.for_each is not None:
        return _adding_up(key, holder, rule, measures)
    if rule.decay is not None:
        return _decaying(key, holder, rule, features)
    if rule.within is None:
        feature = features.count(on.event, on.where, since_ms=None, capacity=rule.max_occurrences)
        return CountRule(
            key=key, holder=holder, feature=feature.key, points=rule.points, most=most
        ), feature
    feature = features.window(
        on.event, on.where, width_ms=rule.within, capacity=rule.max_occurrences
    )
    return WindowRule(
        key=key,
        holder=holder,
        feature=feature.key,
        points=rule.points,
        most=most,
        width_ms=rule.within,
    ), feature


def _once_per(key: str, holder: Holder, rule: Rule, measures: Measures) -> Built:
    """Returns what counts values, of which the measure keeps each one's latest time."""
    assert rule.on is not None  # the model sees to it
    assert rule.per is not None
    most = rule.max_occurrences or MAX_TIMES
    measure = measures.get(
        "distinct",
        (rule.on.event, rule.on.where, rule.per),
        width_ms=rule.within,
        capacity=most,
    )
    return WindowRule(
        key=key,
        holder=holder,
        feature=measure.key,
        points=rule.points,
        most=most,
        width_ms=rule.within or NEVER,
    ), measure


def _adding_up(key: str, holder: Holder, rule: Rule, measures: Measures) -> Built:
    """Returns what adds up the amounts of a property."""
    assert rule.on is not None  # the model sees to it
    assert rule.for_each is not None
    measure = measures.get(
        "sum",
        (rule.on.event, rule.on.where, rule.for_each.property),
        width_ms=rule.within,
        capacity=MAX_TIMES,
    )
    rate = rule.points / Fraction(str(rule.for_each.amount)) / UNIT
    return AmountRule(
        key=key, holder=holder, feature=measure.key, rate=rate, width_ms=rule.within
    ), measure


def _decaying(key: str, holder: Holder, rule: Rule, features: Features) -> Built:
    decay = rule.decay
    assert rule.on is not None  # the model sees to it
    assert decay is not None
    event, where, most = rule.on.event, rule.on.where, rule.max_occurrences
    if decay.half_life is not None:
        is_summed = most is None and rule.within is None
        if is_summed:
            feature = features.decay(event, where, half_life_ms=decay.half_life)
        else:
            feature = features.latest(event, where, width_ms=rule.within, capacity=most)
        return FadingRule(
            key=key,
            holder=holder,
            feature=feature.key,
            points=rule.points,
            half_life_ms=decay.half_life,
            group=holder.group,
            is_summed=is_summed,
            most=most or MAX_COUNT,
            width_ms=rule.within or NEVER,
        ), feature
    assert decay.per is not None  # the model sees to it
    assert decay.percent is not None
    width_ms = min(rule.within or NEVER, decay.per * ceil(100 / decay.percent))
    feature = features.window(event, where, width_ms=width_ms, capacity=most)
    return StepRule(
        key=key,
        holder=holder,
        feature=feature.key,
        points=rule.points,
        most=most or MAX_COUNT,
        width_ms=width_ms,
        per_ms=decay.per,
        percent=decay.percent,
    ), feature
