"""Text from elsewhere on a terminal: nothing in it moves the cursor, changes colors or hides.

The command line prints with `show` only, which the linter checks.
"""

import logging
import re
import sys
import unicodedata
from typing import TextIO

# The longest error; a value of a file that a message repeats is cut in the middle.
LONGEST_ERROR = 1_000
_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
# Control characters except line end and tab, line separators, and marks that change the direction
# of text, by which a name could look like another one.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


def visible(text: str) -> str:
    r"""Text with escapes such as \x1b for what a terminal would obey or not show."""
    return _HIDDEN.sub(_escape, text)


def as_seen(text: str) -> str:
    """Text as a reader sees it: without characters of no width, and accents composed (NFC).

    Copies from web pages and documents have zero-width spaces, soft hyphens and byte order marks.
    """
    if text.isascii():
        return text
    composed = unicodedata.normalize("NFC", text)
    return "".join(letter for letter in composed if unicodedata.category(letter) != "Cf")


def cut(text: str, limit: int) -> str:
    """Shorten `text` in the middle to at most `limit` characters."""
    if len(text) <= limit:
        return text
    tail = limit // 2
    return text[: limit - tail - 1] + _ELLIPSIS + text[len(text) - tail :]


def show(*values: object, sep: str = " ", end: str = "\n", file: TextIO | None = None) -> None:
    """Print text made visible, on standard output by default."""
    print(visible(sep.join(map(str, values))), end=end, file=file or sys.stdout)


class VisibleFormatter(logging.Formatter):
    """A format of log records with visible text, also in their tracebacks."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as text."""
        return visible(super().format(record))


def _escape(match: re.Match[str]) -> str:
    number = ord(match.group())
    return f"\\x{number:02x}" if number < 0x20 else f"\\u{number:04x}"  # JSON knows the latter
