"""The errors of connectors."""

from connectors.errors import AddressRefused, ConnectorError


def test_refused_address_says_why_in_a_fixed_word() -> None:
    error = AddressRefused("port-refused")

    assert error.reason == "port-refused"
    assert isinstance(error, ConnectorError)
