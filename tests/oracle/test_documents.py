from pathlib import Path

import pytest

from tests.oracle.documents import Document, duration_ms, in_order, instant_ms, iso, load, version


def test_instant_needs_a_zone() -> None:
    assert instant_ms("2026-01-01T00:00:00.5Z") == 1_767_225_600_500
    assert instant_ms("2026-01-01T00:00:00") is None
    assert instant_ms("soon") is None
    assert instant_ms(1_767_225_600_500) is None


def test_instant_is_written_with_its_milliseconds() -> None:
    assert iso(1_767_225_600_000) == "2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", 90_000), ("15m", 900_000), ("2h", 7_200_000), ("1d", 86_400_000), ("1w", 604_800_000)],
)
def test_duration_has_one_unit(text: str, expected: int) -> None:
    assert duration_ms(text) == expected


def test_version_is_that_of_the_content() -> None:
    # sha256sum of {"id":"é","kind":"segment"}
    assert version({"kind": "segment", "id": "é"}) == "9fb557f16bfe"
    assert version({"id": "é", "kind": "segment"}) == version({"kind": "segment", "id": "é"})


def test_files_are_read_as_yaml_of_version_1_2(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: segment\non: no\nat: 2026-01-01T00:00:00Z\n")
    (tmp_path / "a.test.yaml").write_text("left: out\n")
    (tmp_path / "b.json").write_text('{"kind": "list"}')
    assert load(tmp_path) == [
        {"kind": "segment", "on": "no", "at": "2026-01-01T00:00:00Z"},
        {"kind": "list"},
    ]


def test_what_is_asked_comes_before_what_asks() -> None:
    documents: list[Document] = [
        {"kind": "segment", "id": "a", "when": {"all": [{"segment": "c"}, {"score": "s"}]}},
        {"kind": "segment", "id": "c", "when": {"tag": "x"}},
        {"kind": "score", "id": "s", "groups": [{"rules": [{"when": {"segment": "b"}}]}]},
        {"kind": "segment", "id": "b", "when": {"tag": "y"}},
    ]
    assert [one["id"] for one in in_order(documents)] == ["b", "s", "c", "a"]
