"""An explanation for people, as a tree with ticks and crosses, and for programs, as JSON.

What comes from outside, such as values of traits, is put on one line without control characters.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from rich.text import Text
from rich.tree import Tree

from processors.definitions.errors import one_line
from processors.explanations import trees
from schemas.events import iso

INSTANTS = frozenset({"at", "since", "until", "looked_until", "began", "due"})
MARKS = {True: "✓", False: "✗", None: "?"}
STYLES = {"✓": "green", "✗": "red", "?": "yellow"}
MAX_EVENTS = 10
"""How many events of a condition, and decisions of a trigger, are shown: the latest."""


class Line(msgspec.Struct):
    """One line, with those below it."""

    text: str
    mark: str = ""
    parts: list["Line"] = []


def as_json(explanation: trees.Explanation) -> str:
    """Returns the explanation as JSON: the fields of `trees`, instants as ISO 8601 in UTC."""
    return msgspec.json.format(msgspec.json.encode(_row(explanation)), indent=2).decode()


def as_text(explanation: trees.Explanation) -> str:
    """Returns the explanation as indented lines."""
    return "\n".join(_indented(_lines(explanation), 0))


def as_tree(explanation: trees.Explanation) -> Tree:
    """Returns the explanation as a tree for a terminal."""
    first, *rest = _lines(explanation)
    tree = Tree(Text(first.text))
    _grow(tree, [*first.parts, *rest])
    return tree


def _row(value: Any) -> Any:
    if isinstance(value, list):
        return [_row(each) for each in value]
    if not isinstance(value, msgspec.Struct):
        return value
    row = {}
    for name in value.__struct_fields__:
        held = getattr(value, name)
        row[name] = iso(held) if name in INSTANTS and held is not None else _row(held)
    return row


def _indented(lines: Iterable[Line], depth: int) -> Iterator[str]:
    for line in lines:
        yield "  " * depth + (f"{line.mark} " if line.mark else "") + line.text
        yield from _indented(line.parts, depth + 1)


def _grow(tree: Tree, lines: Iterable[Line]) -> None:
    for line in lines:
        text = Text()
        if line.mark:
            text.append(f"{line.mark} ", STYLES[line.mark])
        text.append(line.text)
        _grow(tree.add(text), line.parts)


def _lines(explanation: trees.Explanation) -> list[Line]:
    who = one_line(explanation.profile_id)
    head = Line(f"{who} at {iso(explanation.at)} (definitions {explanation.definitions})")
    head.parts = [Line(f"note: {one_line(each)}") for each in explanation.notes]
    if explanation.looked_until is not None:
        head.parts.append(Line(f"note: looked ahead up to {iso(explanation.looked_until)} only"))
    return [
        head,
        *map(_segment, explanation.segments),
        *map(_list, explanation.lists),
        *map(_score, explanation.scores),
        *map(_trigger, explanation.triggers),
        *map(_journey, explanation.journeys),
    ]


def _segment(segment: trees.Segment) -> Line:
    said = ["in" if segment.member else "out"]
    if segment.since is not None:
        said.append(f"since {iso(segment.since)}{_by(segment.cause)}")
    text = f"segment {segment.id}{_named(segment.name)}: {' '.join(said)}"
    return Line(
        text + _until(segment.until), MARKS[segment.member], parts=[_condition(segment.when)]
    )


def _list(one: trees.StaticList) -> Line:
    text = f"list {one.id}{_named(one.name)}: {'on it' if one.member else 'not on it'}"
    return Line(text + _until(one.until), MARKS[one.member])


def _condition(node: trees.Condition) -> Line:
    said = [one_line(node.text)]
    if node.count is not None:
        said.append(f"counted {node.count}")
    elif not node.parts and node.kind not in ("event", "sequence"):
        since = "" if node.since is None else f" since {iso(node.since)}"
        said.append(f"found {_value(node.found)}{since}")
    if node.holds is None:
        said.append("asks the event at hand")
    if node.note is not None:
        said.append(node.note)
    below = [_condition(each) for each in node.parts] + _events(node.events)
    return Line("; ".join(said) + _until(node.until), MARKS[node.holds], parts=below)


def _events(found: list[trees.Occurrence]) -> list[Line]:
    lines = []
    if len(found) > MAX_EVENTS:
        lines.append(Line(f"… {len(found) - MAX_EVENTS} earlier ones"))
    for each in found[-MAX_EVENTS:]:
        where = "told by a trigger" if each.place is None else each.place
        over = "" if each.counts else ", beyond the maximum"
        text = f"event {one_line(each.message_id)} at {iso(each.at)} ({where}){over}"
        lines.append(Line(text + _until(each.until)))
    return lines


def _score(score: trees.Score) -> Line:
    said = [f"score {score.id}{_named(score.name)}: {_number(score.value)}"]
    said += [f"level {score.level}"] if score.level is not None else []
    said += [f"grade {score.grade}"] if score.grade is not None else []
    if score.since is not None:
        said.append(f"since {iso(score.since)}{_by(score.cause)}")
    said += [f"{one} {_number(value)}" for one, value in score.of.items()]
    said += _cut(score.cut, score.limit, score.floor)
    line = Line(", ".join(said) + _until(score.until))
    line.parts = [_group(each) for each in score.groups]
    line.parts += [Line(f"recommends: {one_line(each)}") for each in score.recommendations]
    if score.added or score.adjustments:
        below = [Line(_signed(each.points) + _until(each.until)) for each in score.adjustments]
        line.parts.append(Line(f"{_signed(score.added)} added by triggers", parts=below))
    return line


def _group(group: trees.Group) -> Line:
    said = [f"{_signed(group.points)} group {group.id}{_named(group.name)}"]
    said += _cut(group.cut, group.limit, group.floor)
    return Line(", ".join(said), parts=[_rule(each) for each in group.rules])


def _rule(rule: trees.Rule) -> Line:
    said = [f"{_signed(rule.points)} {rule.id}{_named(rule.name)}"]
    if rule.model is not None:
        said += _model(rule.model, rule.each)
    elif rule.on is None:
        said.append(f"{_signed(rule.each)} while it holds")
    else:
        of = "each" if rule.amount is None else f"for each {rule.amount}"
        said.append(f"{_signed(rule.each)} {of}, {rule.on}")
        counted = sum(each.counts for each in rule.events)
        most = "" if rule.max_occurrences is None else f" of at most {rule.max_occurrences}"
        said.append(f"{counted}{most} in the log")
    below = [_condition(rule.when)] if rule.when is not None else []
    below += _events(rule.events)
    return Line("; ".join(map(one_line, said)) + _until(rule.until), parts=below)


def _model(model: trees.Model, points: int) -> list[str]:
    if model.version is None:
        return [f"model {model.name} is not registered here"]
    share = f"{model.share:.4g} of {_signed(points)} by model {model.name}, version {model.version}"
    return [share, f"found {_value(model.inputs)}"]


def _trigger(trigger: trees.Trigger) -> Line:
    said = [f"fired {_times(trigger.fired)}"]
    said += [f"did not {_times(n)} ({reason})" for reason, n in trigger.refused.items()]
    if not trigger.decisions:
        said = ["no decision in the log"]
    line = Line(f"trigger {trigger.id}{_named(trigger.name)}: {', '.join(said)}")
    line.parts.append(Line(f"waits for {one_line(trigger.on)}"))
    if trigger.when is not None:
        of = "" if trigger.at_hand is None else f", for {one_line(trigger.at_hand)}"
        line.parts.append(Line(f"when{of}", parts=[_condition(trigger.when)]))
    if trigger.limit is not None:
        line.parts.append(Line(_limit(trigger.limit)))
    line.parts += _decisions(trigger.decisions) + _messages(trigger.messages)
    return line


def _journey(journey: trees.Journey) -> Line:
    said = [f"entered {_times(journey.entered)}"]
    said += [f"did not {_times(n)} ({reason})" for reason, n in journey.refused.items()]
    if not journey.decisions:
        said = ["no entry in the log"]
    if journey.status != "active":
        said.append(journey.status)
    line = Line(
        f"journey {journey.id}{_named(journey.name)}: {', '.join(said)}", MARKS[bool(journey.runs)]
    )
    line.parts.append(Line(f"waits for {one_line(journey.entry)}"))
    line.parts += map(_run, journey.runs)
    line.parts += _decisions(journey.decisions) + _messages(journey.messages)
    return line


def _run(run: trees.Run) -> Line:
    said = [f"run {run.id} (version {run.version}): at {run.step} since {iso(run.since)}"]
    said.append(one_line(run.does))
    if run.due is not None:
        said.append(f"over at {iso(run.due)} at the latest")
    if run.held:
        said.append("stands still")
    below = [] if run.when is None else [_condition(run.when)]
    return Line("; ".join(said) + _until(run.until), parts=below)


def _decisions(decisions: list[trees.Decision]) -> list[Line]:
    hidden = len(decisions) - MAX_EVENTS
    lines = [Line(f"… {hidden} earlier decisions")] if hidden > 0 else []
    return [*lines, *map(_decision, decisions[-MAX_EVENTS:])]


def _messages(messages: list[trees.Message]) -> list[Line]:
    hidden = len(messages) - MAX_EVENTS
    lines = [Line(f"… {hidden} earlier messages")] if hidden > 0 else []
    return [*lines, *map(_message, messages[-MAX_EVENTS:])]


def _message(message: trees.Message) -> Line:
    line = _decision(message)
    line.text = f"message {message.command_id}: {line.text}"
    if message.until is not None:
        line.text += f", waits until {iso(message.until)}"
    if message.summary_id is not None:
        line.text += f", went in message {message.summary_id}"
    return line


def _limit(limit: trees.Limit) -> str:
    window = "" if limit.within_ms is None else f" within {_length(limit.within_ms)}"
    again = "" if limit.until is None else f"; may fire again at {iso(limit.until)}"
    return f"limit: fired {limit.fired} of {_times(limit.times)}{window}{again}"


def _decision(decision: trees.Decision) -> Line:
    late = ", late" if decision.late else ""
    text = f"{decision.reason} at {iso(decision.at)}{_by(decision.cause)}{late}"
    return Line(text, MARKS[decision.outcome == "yes"])


def _cut(cut: float, limit: int | None, floor: int | None) -> list[str]:
    if cut > 0:
        return [f"the limit of {limit} cut off {_number(cut)}"]
    return [f"the floor of {floor} gave {_number(-cut)}"] if cut < 0 else []


def _by(cause: str | None) -> str:
    match cause:
        case None:
            return ""
        case "clock":
            return " by the clock"
        case "definition":
            return " by a new definition"
        case "account":
            return " by the people of the account"
        case _:
            return f" by {one_line(cause)}"


def _until(at_ms: int | None) -> str:
    return "" if at_ms is None else f", until {iso(at_ms)}"


def _named(name: str | None) -> str:
    return "" if name is None else f" ({one_line(name)})"


def _value(value: Any) -> str:
    if value is None:
        return "nothing"
    return one_line(msgspec.json.encode(value).decode())


def _number(value: float) -> str:
    return f"{round(value, 2):.12g}"


def _signed(value: float) -> str:
    return f"+{_number(value)}" if value > 0 else _number(value)


def _times(count: int) -> str:
    return "1 time" if count == 1 else f"{count} times"


UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000))


def _length(width_ms: int) -> str:
    for unit, of in UNITS:
        if width_ms % of == 0:
            return f"{width_ms // of}{unit}"
    return f"{width_ms // 1000}s"
