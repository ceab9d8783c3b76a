"""What can be wrong with content before it is sent."""


class Broken(Exception):
    """A text that can not be compiled: Liquid, MJML or HTML that is none."""

    def __init__(self, line: int | None, message: str) -> None:
        super().__init__(message)
        self.line = line
        """Counted from 1 within the text; None where it can not be told."""
        self.message = message
