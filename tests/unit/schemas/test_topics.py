import re
from pathlib import Path

import pytest

from schemas import codec, topics

PAGE = Path(__file__).parents[3] / "docs" / "schemas.md"


def test_every_channel_has_a_topic_of_commands() -> None:
    names = [name for name in topics.TOPICS if name.startswith("commands.")]
    assert names == [f"commands.{channel}" for channel in topics.CHANNELS]


def test_table_is_keyed_by_the_topics_own_names() -> None:
    assert [topic.name for topic in topics.TOPICS.values()] == list(topics.TOPICS)


def test_names_are_legal_on_kafka_and_do_not_clash_in_its_metrics() -> None:
    for name in topics.TOPICS:
        assert re.fullmatch(r"[a-z.-]{1,200}", name)


def test_profiles_have_as_many_partitions_as_events() -> None:
    kinds = {topics.TOPICS[name].partitions for name in ("events.raw", "events", "profiles")}
    assert kinds == {"input"}


def test_compacted_topics_keep_for_ever_and_others_do_not() -> None:
    for topic in topics.TOPICS.values():
        assert (topic.cleanup == "compact") == (topic.retention_ms is None)


def test_every_schema_named_in_the_table_is_a_file_and_every_file_is_named() -> None:
    named = {topic.schema for topic in topics.TOPICS.values() if topic.schema}
    folder = Path(codec.__file__).parent / "avro"
    assert named == {path.stem for path in folder.glob("*.avsc")}


def test_full_name_has_the_prefix() -> None:
    assert topics.full_name("shop.", "events") == "shop.events"


def test_name_of_no_topic_is_refused() -> None:
    with pytest.raises(KeyError):
        topics.full_name("shop.", "event")


def test_table_can_not_be_changed() -> None:
    with pytest.raises(TypeError):
        topics.TOPICS["x"] = topics.TOPICS["events"]  # type: ignore[index]


def _row(topic: topics.Topic) -> str:
    name = "commands.<channel>" if topic.name.startswith("commands.") else topic.name
    schema = f"`{topic.schema}`" if topic.schema else "no"
    days = "compacted" if topic.retention_ms is None else f"{topic.retention_ms // topics.DAY_MS} d"
    cells = (f"`{name}`", topic.key, topic.value, schema, days, topic.partitions, topic.role)
    return f"| {' | '.join(cells)} |"


def test_page_shows_the_table_as_it_is() -> None:
    page = PAGE.read_text("utf-8")
    start = page.index("| topic | key |")
    shown = page[start : page.index("\n\n", start)].splitlines()[2:]
    assert shown == list(dict.fromkeys(_row(topic) for topic in topics.TOPICS.values()))
