"""What providers need of the settings, and what is said where it is not there."""

import pytest
from pydantic import SecretStr

from connectors.errors import BadSetting
from processors import provided
from processors.settings import InvalidSettings


def test_what_is_given_is_told_plainly() -> None:
    assert provided.given(SecretStr("key"), "X__KEY") == provided.given("key", "X__KEY") == "key"


@pytest.mark.parametrize("value", [None, "", SecretStr("")])
def test_what_is_missing_is_told_by_the_name_of_its_variable(value: SecretStr | None) -> None:
    with pytest.raises(InvalidSettings, match=r"^BECKON_X__KEY: is needed$"):
        provided.given(value, "X__KEY")


def test_what_can_not_be_is_told_by_the_name_of_its_variable() -> None:
    def make() -> None:
        raise BadSetting("the key must be one")

    with pytest.raises(InvalidSettings, match=r"^BECKON_X__KEY: the key must be one$"):
        provided.made("X__KEY", make)
