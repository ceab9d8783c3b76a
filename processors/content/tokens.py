"""Liquid set aside while something else reads the text around it: HTML or MJML."""

import re

TAG = re.compile(
    r"\{%-?\s*(raw|comment)\s*-?%\}(?:(?!\{%-?\s*(?:raw|comment)\b).)*?\{%-?\s*end\1\s*-?%\}"
    r"|\{\{(?:(?!\{\{|\}\}).)*\}\}|\{%(?:(?!\{%|%\}).)*%\}",
    re.S,
)
"""An output, a tag, or all of a raw text or a comment; each ends before the next begins, so that
looking for all of them takes time by the length of the text."""

PLACE = re.compile(r"LQD([0-9]{1,6})QDL")
"""The words that stand for Liquid."""
_TAKEN = re.compile(f"{TAG.pattern}|LQD[0-9]{{1,6}}QDL", re.S)
"""Who writes such a word finds it again."""


class Aside:
    """Liquid that has been taken out of texts, and can be put back."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    def take(self, text: str) -> str:
        """Returns the text with a word of letters and digits in the place of each Liquid tag."""
        return _TAKEN.sub(self._note, text)

    def back(self, text: str) -> str:
        """Returns the text with all Liquid where it was."""
        return PLACE.sub(self._found, text)

    def is_tag(self, word: str) -> bool:
        """Returns whether a word stands for `{% … %}`, which prints nothing."""
        return self.back(word).startswith("{%")

    def _note(self, match: re.Match[str]) -> str:
        self.taken.append(match[0])
        return f"LQD{len(self.taken) - 1}QDL"

    def _found(self, match: re.Match[str]) -> str:
        place = int(match[1])
        return self.taken[place] if place < len(self.taken) else match[0]
