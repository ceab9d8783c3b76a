"""What makes messages is made as the settings say."""

from processors import composers
from processors.provider_settings import Content
from processors.settings import Settings
from tests.unit.content.builders import Ours, command, template


def test_messages_are_made_as_the_settings_say() -> None:
    content = Content(product_name="Shop", region="DE", locale="de")
    settings = Settings(content=content)
    found = composers.options_of(settings)
    assert (found.product_name, found.region, found.locale) == ("Shop", "DE", "de")
    made = composers.isolated(settings, Ours())
    try:
        made.take([template("sms", text="{{ product_name }} {{ 1.5 | number }}")])
        (message,) = made.compose(command("sms", traits={"phone": "0151 12345678"}))
    finally:
        made.close()
    assert (message.to, message.text) == ("+4915112345678", "Shop 1,5")
