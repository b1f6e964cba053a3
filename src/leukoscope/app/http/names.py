"""Clean file names from clients for display, storage and download.

Such a name is only a label: no file is opened or written under it.
"""

import re
import unicodedata
from urllib.parse import quote

from leukoscope.core.printable import cut

# Line and paragraph separators and marks that change the direction of text, with which a name could
# look like another one.
_MARKS = frozenset("\u2028\u2029\u200e\u200f\u061c" + "".join(map(chr, range(0x202A, 0x202F))))
_ISOLATES = frozenset(map(chr, range(0x2066, 0x206A)))
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def clean_name(raw: str, limit: int) -> str:
    """Make a name a printable relative path with forward slashes of at most `limit` characters.

    Drive letters, leading slashes, `.` and `..` are removed; control characters and direction marks
    become U+FFFD; long names are shortened in the middle, so that both ends stay.
    """
    name = re.sub(r"^[A-Za-z]:(?=[\\/])", "", raw[: 64 * limit]).replace("\\", "/")
    parts = [part for part in name.split("/") if part.strip() not in ("", ".", "..")]
    return cut("".join(map(_printable, "/".join(parts))), limit)


def disposition(filename: str) -> str:
    """The Content-Disposition header that saves a response under `filename`.

    Source: RFC 6266. Old clients read the ASCII name, others the one in `filename*`.
    """
    name = clean_name(filename, 150).replace("/", "-") or "leukoscope"
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9 ._()-]", "_", plain).strip(" .") or "leukoscope"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _printable(character: str) -> str:
    if character in _MARKS or character in _ISOLATES:
        return _REPLACEMENT
    return _REPLACEMENT if unicodedata.category(character) in ("Cc", "Cs") else character
