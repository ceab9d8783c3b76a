"""Texts in files of their own: taken in, and nothing from outside of the folder."""

from pathlib import Path
from typing import Any

import pytest

from processors.definitions import files, inlining
from processors.definitions.errors import InvalidDefinitions
from tests.unit.definitions.builders import mail, partial, segment


def lay(folder: Path, **texts: str | bytes) -> Path:
    """Puts files into a folder; returns where the definition beside them would lie."""
    for name, text in texts.items():
        data = text if isinstance(text, bytes) else text.encode()
        (folder / name.replace("_", ".")).write_bytes(data)
    return folder / "hello.yaml"


def named(*names: Any, **keys: Any) -> dict[str, Any]:
    return mail(html={"file": names[0]}, **keys)


def test_text_is_taken_from_the_file_beside(tmp_path: Path) -> None:
    file = lay(tmp_path, a_html=b"\xef\xbb\xbf<p>\r\nHi</p>", de_html="<p>Hallo</p>")
    variant = {"html": {"file": "a.html"}, "locales": {"de": {"html": {"file": "de.html"}}}}
    locales = {"de": {"html": {"file": "de.html"}}, "fr": 3}
    written = named("a.html", locales=locales, variants=[3, variant])
    found = inlining.inline(written, file, tmp_path)
    assert found.document["html"] == "<p>\nHi</p>"
    assert found.document["locales"] == {"de": {"html": "<p>Hallo</p>"}, "fr": 3}
    assert found.files == {
        ("html",): str(tmp_path / "a.html"),
        ("locales", "de", "html"): str(tmp_path / "de.html"),
        ("variants", 1, "html"): str(tmp_path / "a.html"),
        ("variants", 1, "locales", "de", "html"): str(tmp_path / "de.html"),
    }
    assert found.faults == []
    assert written["html"] == variant["html"] == {"file": "a.html"}, "what was read stays"


@pytest.mark.parametrize("document", [None, [], segment(), mail(), partial(), mail(locales=[])])
def test_what_names_no_file_stays_as_it_is(document: Any, tmp_path: Path) -> None:
    found = inlining.inline(document, tmp_path / "a.yaml", tmp_path)
    assert (found.document, found.files, found.faults) == (document, {}, [])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../secret.html", "inside of the folder of definitions, found ../secret.html"),
        ("link.html", "inside of the folder"),
        ("inner/../../secret.html", "inside of the folder"),
        (".hidden.html", "must not be hidden"),
        ("none.html", "there is no file"),
        ("folder.html", "there is no file"),
        ("a.env", "must be a file named"),
        (3, "must be a file named"),
        ("a\n.html", "must be a file named"),
        ("large.html", "must have at most 200 kB"),
        ("latin.html", "is not UTF-8"),
    ],
)
def test_what_may_not_be_read_is_refused(name: Any, words: str, tmp_path: Path) -> None:
    folder = tmp_path / "definitions"
    (folder / "folder.html").mkdir(parents=True)
    (tmp_path / "secret.html").write_text("secret")
    (folder / "link.html").symlink_to(tmp_path / "secret.html")
    (folder / ".hidden.html").write_text("x")
    file = lay(folder, large_html="x" * (inlining.MAX_BYTES + 1), latin_html=b"\xe4")
    found = inlining.inline(named(name), file, folder)
    assert [path for path, _ in found.faults] == [("html",)]
    assert words in found.faults[0][1]
    assert "secret" not in found.document["html"]


def test_absolute_name_is_refused_though_it_lies_inside(tmp_path: Path) -> None:
    file = lay(tmp_path, a_html="x")
    found = inlining.inline(named(str(tmp_path / "a.html")), file, tmp_path)
    assert "inside of the folder" in found.faults[0][1]


def test_link_to_a_file_inside_is_followed(tmp_path: Path) -> None:
    file = lay(tmp_path, a_html="x")
    (tmp_path / "b.html").symlink_to(tmp_path / "a.html")
    assert inlining.inline(named("b.html"), file, tmp_path).document["html"] == "x"


def test_file_that_can_not_be_opened_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = lay(tmp_path, a_html="x")

    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    found = inlining.inline(named("a.html"), file, tmp_path)
    assert found.faults == [(("html",), "a.html can not be read: Permission denied")]


def test_folder_is_loaded_with_the_texts_in_it(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<p>Hi</p>")
    written = "kind: template\nid: a\nname: A\nchannel: email\nsubject: Hi\nhtml: {file: a.html}\n"
    (tmp_path / "a.yaml").write_text(written)
    found = files.load(tmp_path)
    assert found.templates["a"].html == "<p>Hi</p>"
    assert found.documents["template", "a"]["html"] == "<p>Hi</p>"
    assert found.templates["a"].origin.texts == {("html",): str(tmp_path / "a.html")}
    assert files.load(tmp_path / "a.yaml").id == found.id


def test_problem_names_the_line_in_which_the_file_is_named(tmp_path: Path) -> None:
    written = "kind: template\nid: a\nname: A\nchannel: email\nsubject: Hi\nhtml: {file: b.html}\n"
    (tmp_path / "a.yaml").write_text(written)
    with pytest.raises(InvalidDefinitions) as caught:
        files.load(tmp_path)
    said = [str(each) for each in caught.value.problems]
    assert said == [f'{tmp_path}/a.yaml:6: html: there is no file "b.html" beside it']
