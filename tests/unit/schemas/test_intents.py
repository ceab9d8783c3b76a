"""What senders remember of messages."""

from schemas.intents import Published


def test_template_that_is_not_there_has_no_version() -> None:
    found = Published(read=7, versions={"hello": "v1"})
    assert [found.of(each) for each in ("hello", "gone", None)] == ["v1", "", ""]
