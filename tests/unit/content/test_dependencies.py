"""Versions of templates with all that is in them."""

from processors.content.dependencies import whole_versions
from tests.builders import segment
from tests.unit.content.builders import partial, template

MAIL = template(html="{% render 'footer' %}")
FOOTER = partial("footer", html="{% render 'legal' %}")
LEGAL = partial("legal", html="Example Ltd")
OTHER = partial("other", html="x")
SMS = template("sms", id="sms", text="Hello")


def test_template_has_another_version_with_each_change_of_what_is_in_it() -> None:
    usual = whole_versions([MAIL, FOOTER, LEGAL])["hello"]
    changed = [
        whole_versions(each)["hello"]
        for each in (
            [MAIL | {"subject": "Hi"}, FOOTER, LEGAL],
            [MAIL, FOOTER | {"text": "x"}, LEGAL],
            [MAIL, FOOTER, LEGAL | {"html": "Example Inc"}],
            [MAIL, FOOTER],
        )
    ]
    assert len({usual, *changed}) == 5


def test_others_change_nothing() -> None:
    few = whole_versions([MAIL, FOOTER, LEGAL])
    many = whole_versions([segment({"tag": "x"}), OTHER, SMS, LEGAL, FOOTER, MAIL])
    assert many.keys() == {"hello", "sms"}
    assert many["hello"] == few["hello"]


def test_partials_that_name_each_other_come_to_an_end() -> None:
    round_trip = partial("legal", html="{% render 'footer' %}")
    assert whole_versions([MAIL, FOOTER, round_trip]).keys() == {"hello"}
