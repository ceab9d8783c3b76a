from processors.content.errors import Broken


def test_broken_text_says_line_and_what() -> None:
    error = Broken(3, "is no MJML")
    assert (error.line, error.message, str(error)) == (3, "is no MJML", "is no MJML")
