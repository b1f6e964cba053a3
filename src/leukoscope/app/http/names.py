"""File names as clients send them, made safe to show, to keep and to hand back.

A name here is only ever a label: nothing is opened or written under it.
"""

import re
import unicodedata
from urllib.parse import quote

# Line and paragraph ends, and the marks that turn the direction of text: with them a name could
# pretend to be another one.
_MARKS = frozenset("\u2028\u2029\u200e\u200f\u061c" + "".join(map(chr, range(0x202A, 0x202F))))
_ISOLATES = frozenset(map(chr, range(0x2066, 0x206A)))
_ODD = "\N{REPLACEMENT CHARACTER}"
_CUT = "\N{HORIZONTAL ELLIPSIS}"


def clean_name(raw: str, limit: int) -> str:
    """A name as a relative path with forward slashes, printable, and at most `limit` characters.

    Drive letters, leading slashes and `.` and `..` go; control characters and marks of direction
    become U+FFFD; a name that is too long loses its middle, so that beginning and ending stay.
    """
    name = re.sub(r"^[A-Za-z]:(?=[\\/])", "", raw[: 64 * limit]).replace("\\", "/")
    parts = [part for part in name.split("/") if part.strip() not in ("", ".", "..")]
    return cut("".join(map(_shown, "/".join(parts))), limit)


def cut(text: str, limit: int) -> str:
    """`text` without its middle if it has more than `limit` characters."""
    if len(text) <= limit:
        return text
    tail = limit // 2
    return text[: limit - tail - 1] + _CUT + text[len(text) - tail :]


def disposition(filename: str) -> str:
    """The Content-Disposition header that saves an answer under `filename`.

    Source: RFC 6266; old clients read the ASCII name, others the one after `filename*`.
    """
    name = clean_name(filename, 150).replace("/", "-") or "leukoscope"
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9 ._()-]", "_", plain).strip(" .") or "leukoscope"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _shown(character: str) -> str:
    if character in _MARKS or character in _ISOLATES:
        return _ODD
    return _ODD if unicodedata.category(character) in ("Cc", "Cs") else character
