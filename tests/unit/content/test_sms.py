"""How many messages a text is on its way to a telephone."""

import pytest

from processors.content import sms


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", "GSM-7", 0, 1),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("äöüÄÖÜß@£", "GSM-7", 9, 1),
        ("€" * 80, "GSM-7", 160, 1),
        ("a" * 152 + "€" + "b" * 10, "GSM-7", 164, 2),
        ("a" * 152 + "€" + "b" * 151, "GSM-7", 305, 2),
        ("a" * 152 + "€" + "b" * 152, "GSM-7", 306, 3),
        ("ё" * 70, "UCS-2", 70, 1),
        ("ё" * 71, "UCS-2", 71, 2),
        ("😀" * 35, "UCS-2", 70, 1),
        ("ё" * 66 + "😀" + "ё" * 60, "UCS-2", 128, 2),
    ],
)
def test_segments_are_counted_as_telephones_do(
    text: str, encoding: str, units: int, segments: int
) -> None:
    found = sms.size(text)
    assert (found.encoding, found.units, found.segments) == (encoding, units, segments)


def test_characters_that_cost_are_named() -> None:
    assert sms.size("Grüße, ёжё").odd == "ёж"


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("<b>Hi</b> <a href='x'>y</a>", "Hi y"),
        ("I <3 you, 1 < 2 > 0", "I <3 you, 1 < 2 > 0"),
        ("<" * 50_000, "<" * 50_000),
    ],
)
def test_html_is_taken_out(text: str, bare: str) -> None:
    assert sms.bare(text) == bare
    assert sms.has_tags(text) == (text != bare)
