"""Topics and policies in a set: what messages are about is there, and policies do not contradict.

Where a set has no topics, what messages are about is free text.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from processors.definitions import documents, suggestions
from processors.definitions.documents import Definition
from processors.definitions.errors import Path, Problem
from processors.definitions.orders import Key
from processors.definitions.policies import Policy
from processors.definitions.references import Mention, Subject
from processors.definitions.topics import Topic

MAX_NAMED = 10
"""How many topics a message lists."""


def misuses(
    known: Mapping[Key, Definition],
    mentions: Mapping[Key, list[Mention]],
    broken: Collection[str],
) -> Iterator[Problem]:
    """Yields what is wrong with topics that are mentioned, and with policies beside each other.

    Args:
        known: all definitions of the set.
        mentions: of each, all that it mentions.
        broken: ids that exist but could not be parsed.
    """
    topics = {each.id: each for each in known.values() if isinstance(each, Topic)}
    for key, found in mentions.items():
        for mention in found:
            if isinstance(mention, Subject) and mention.topic not in broken and topics:
                said = _misuse(mention, topics)
                if said is not None:
                    yield documents.problem(known[key], mention.path, said)
    policies = [each for _, each in sorted(known.items()) if isinstance(each, Policy)]
    arbitrating = [(each, ("arbitration",)) for each in policies if each.arbitration is not None]
    yield from _rivals(arbitrating, "arbitrates")
    yield from _rivals([(each, path) for each in policies for path in _combining(each)], "combines")


def _misuse(mention: Subject, topics: Mapping[str, Topic]) -> str | None:
    topic = topics.get(mention.topic)
    if topic is None:
        said = f"there is no topic {mention.topic}"
        return said + (suggestions.hint(mention.topic, topics) or _listed(sorted(topics)))
    if topic.channels is None or mention.channel in topic.channels:
        return None
    return f"topic {topic.id} is not for {mention.channel}, only for {', '.join(topic.channels)}"


def _listed(names: list[str]) -> str:
    more = ", …" if len(names) > MAX_NAMED else ""
    return f"; the topics are {', '.join(names[:MAX_NAMED])}{more}"


def _combining(policy: Policy) -> Iterator[Path]:
    """Yields where a policy says that messages are combined."""
    for place, cap in enumerate(policy.caps):
        if cap.over == "combine":
            yield ("caps", place, "over")


def _rivals(said: Iterable[tuple[Policy, Path]], does: str) -> Iterator[Problem]:
    """Yields what two policies say of one message that only one may say.

    Args:
        said: the policies in the order of their ids, and where each says it.
        does: what is said of the messages.
    """
    before: list[Policy] = []
    for each, path in said:
        for other in before:
            if _meet(each.channels, other.channels) and _meet(each.topics, other.topics):
                message = f"policy {other.id} {does} some of the same messages; leave one of them"
                yield documents.problem(each, path, message)
                break
        before.append(each)


def _meet(some: Collection[str] | None, others: Collection[str] | None) -> bool:
    return some is None or others is None or bool({*some} & {*others})
