"""Rules that add points for each occurrence: which node works one out, from which feature."""

from math import ceil

from processors.decisions.fading import FadingRule, StepRule
from processors.decisions.features import MAX_COUNT, Feature, Features
from processors.decisions.nodes import CountRule, Holder, WindowRule
from processors.definitions.scores import Rule
from processors.state.profiles import NEVER

Built = tuple[CountRule | WindowRule | StepRule | FadingRule, Feature]


def counting(key: str, holder: Holder, rule: Rule, features: Features) -> Built:
    """Returns the node of a rule with `on`, and the feature that it reads."""
    on = rule.on
    assert on is not None  # the model sees to it
    most = rule.max_occurrences or MAX_COUNT
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
