"""What can go wrong on the way out."""


class ConnectorError(Exception):
    """A connector cannot do what it was made for."""


class BadSetting(ConnectorError):
    """A connector was made with a setting that cannot work."""


class AddressRefused(ConnectorError):
    """The address is one that this process must not call on someone else's word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        """A short fixed word: an outcome's detail, so never data."""
