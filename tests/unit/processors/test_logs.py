"""What a log line looks like, and what never stands in one."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from processors import logs

logger = logging.getLogger("test.logs")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    quiet = {name: logging.getLogger(name).level for name in logs.QUIET}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, old in quiet.items():
        logging.getLogger(name).setLevel(old)
    logging.captureWarnings(False)


def test_json_line_has_the_message_and_the_fields() -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream=stream)

    logger.info("committed", extra={"partition": 3, "records": 5000, "slow": None})

    line = json.loads(stream.getvalue())
    assert line.pop("at").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "test.logs",
        "message": "committed",
        "partition": 3,
        "records": 5000,
        "slow": None,
    }


def test_terminal_gets_text_and_anything_else_json() -> None:
    terminal, pipe = Terminal(), io.StringIO()
    logs.configure("info", stream=terminal)
    logger.info("committed", extra={"partition": 3})
    logs.configure("info", stream=pipe)
    logger.info("committed", extra={"partition": 3})

    assert terminal.getvalue().endswith(" info    committed partition=3\n")
    assert json.loads(pipe.getvalue())["partition"] == 3


@pytest.mark.parametrize("form", ["json", "plain"])
def test_error_keeps_its_trace(form: logs.Format) -> None:
    stream = io.StringIO()
    logs.configure("info", form, stream=stream)

    try:
        raise ValueError("no answer from ada@example.com")
    except ValueError:
        logger.exception("failed")

    assert "ValueError: no answer from ***" in stream.getvalue()
    assert "test_logs.py" in stream.getvalue()


@pytest.mark.parametrize("form", ["json", "plain"])
@pytest.mark.parametrize("field", ["email", "Traits", "profile_id", "password", "body", "url"])
def test_fields_that_hold_personal_data_are_masked(form: logs.Format, field: str) -> None:
    stream = io.StringIO()
    logs.configure("info", form, stream=stream)

    logger.info("seen", extra={field: "Ada Lovelace"})

    assert "Lovelace" not in stream.getvalue()
    assert "***" in stream.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "mail for ada.l+news@mail.example.co.uk bounced",
        "secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw= is wrong",
        "header Authorization: Bearer abcdef0123456789",
        "cannot reach https://user:hunter2@example.com/",
    ],
)
def test_text_that_looks_private_is_masked_wherever_it_stands(text: str) -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream=stream)

    logger.warning("%s", text, extra={"why": text, "list": [text]})

    for private in ("ada", "MfKQ", "abcdef", "hunter2"):
        assert private not in stream.getvalue()
    assert stream.getvalue().count("***") == 3


@pytest.mark.parametrize("form", ["json", "plain"])
def test_text_can_not_forge_a_line(form: logs.Format) -> None:
    stream = io.StringIO()
    logs.configure("info", form, stream=stream)

    logger.info("got %s", "a\nb\r\x1b[31m\u2028c", extra={"why": "x\ny"})

    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()
    assert "\r" not in stream.getvalue()


def test_long_text_is_cut() -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream=stream)

    logger.info("x" * 10_000_000)

    assert len(stream.getvalue()) < 3_000


def test_libraries_are_quiet_and_warnings_are_logged() -> None:
    stream = io.StringIO()
    logs.configure("debug", "json", stream=stream)

    logging.getLogger("faust.app").info("[^App]: Starting...")
    logging.getLogger("aiokafka").debug("fetch")
    logger.debug("ours")

    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["ours"]


def test_setting_up_again_replaces_what_was() -> None:
    first, second = io.StringIO(), io.StringIO()
    logs.configure("info", "json", stream=first)
    logs.configure("warning", "json", stream=second)

    logger.info("one")
    logger.warning("two")

    assert first.getvalue() == ""
    assert json.loads(second.getvalue())["message"] == "two"
