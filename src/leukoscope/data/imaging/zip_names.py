"""The names in a ZIP, in the encoding of the program that wrote them.

The standard knows code page 437, UTF-8 by a flag, and UTF-8 in an extra field. Programs also write
UTF-8 without the flag, and the code page of their machine. A code page is guessed only where its
reading is plain: words of one script, as people write them. Otherwise it is code page 437.
"""

import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence

UTF8_FLAG = 0x800
UNICODE_NAME = 0x7075  # tag of the extra field
# Kana, and kanji of the first level of JIS, in runs of two or more: é or â before a letter is one.
JAPANESE = re.compile(r"[\u3041-\u309f\u30a1-\u30fe\u3005\u4e00-\u9fff]{2,}")
LAST_ROW = 0x98  # first byte of the last kanji of the first level, in code page 932
RUSSIAN = re.compile(r"(?<![A-Za-z])(?![ьъыЬЪЫ])(?:[А-ЯЁ]?[а-яё]+|[А-ЯЁ]+)(?![A-Za-zА-яЁё])")
LATIN_SIGNS = frozenset("µ°²³×·±§–—’")
FREQUENT = {"о": 2, "е": 2, "а": 2, "и": 2, "н": 2, "т": 1, "с": 1, "р": 1, "в": 1, "л": 1}


def decoded_names(infos: Sequence[zipfile.ZipInfo]) -> list[str]:
    """The names of the files of a ZIP.

    All names in a code page are read with the same one.

    Args:
        infos: The directory of the ZIP.
    """
    names = [_declared(info) for info in infos]
    raws = {row: _raw(infos[row]) for row, name in enumerate(names) if name is None}
    codec = _code_page(list(raws.values()))
    for row, raw in raws.items():
        names[row] = raw.decode(codec, "replace")
    return [name or "" for name in names]


def _declared(info: zipfile.ZipInfo) -> str | None:
    """The name where it does not depend on a code page."""
    name = info.filename
    if info.flag_bits & UTF8_FLAG:
        return name
    raw = _raw(info)
    for tag, value in _extra_fields(info.extra):
        head = struct.pack("<BI", 1, zlib.crc32(raw))  # version; the name that it replaces
        if tag == UNICODE_NAME and value[:5] == head and len(value) > 5:
            return value[5:].decode("utf-8", "replace")
    try:
        return name if raw.isascii() else raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _raw(info: zipfile.ZipInfo) -> bytes:
    """The bytes of a name; what zipfile did to decode them is undone."""
    try:
        return info.orig_filename.encode("cp437")
    except UnicodeEncodeError:
        return info.orig_filename.encode("utf-8", "replace")


def _extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    while len(extra) >= 4:
        tag, length = struct.unpack("<HH", extra[:4])
        yield tag, extra[4 : 4 + length]
        extra = extra[4 + length :]


def _code_page(raws: Sequence[bytes]) -> str:
    """The code page in which every name is plain, or else 437."""
    readings: dict[str, str] = {}
    for codec in ("cp932", "cp866", "cp1251", "cp437", "cp1252"):
        try:
            readings[codec] = "\n".join(raw.decode(codec) for raw in raws)
        except UnicodeDecodeError:
            continue
    for codecs, plain, score in _SCRIPTS:
        fitting = [codec for codec in codecs if codec in readings and plain(readings[codec])]
        if fitting:
            return max(fitting, key=lambda codec: score(readings[codec]))
    return "cp437"


def _is_japanese(text: str) -> bool:
    kanji = [letter for letter in text if "\u4e00" <= letter <= "\u9fff"]
    common = all(letter.encode("cp932")[0] <= LAST_ROW for letter in kanji)
    return common and JAPANESE.sub("", text).isascii()


def _is_russian(text: str) -> bool:
    words = RUSSIAN.findall(text)
    return max(map(len, words), default=0) > 3 and RUSSIAN.sub("", text).isascii()


def _is_latin(text: str) -> bool:
    return all(letter.isascii() or letter in LATIN_SIGNS or _is_letter(letter) for letter in text)


def _is_letter(letter: str) -> bool:
    return letter.isalpha() and unicodedata.name(letter, "").startswith("LATIN")


_Script = tuple[tuple[str, ...], Callable[[str], bool], Callable[[str], int]]
_SCRIPTS: tuple[_Script, ...] = (
    (("cp932",), _is_japanese, len),
    (
        ("cp866", "cp1251"),
        _is_russian,
        lambda text: sum(FREQUENT.get(letter, 0) for letter in text.lower()),
    ),
    (("cp437", "cp1252"), _is_latin, lambda text: sum(map(_is_letter, text))),
)
"""Code pages of each script, the test of a reading, and which of two plain readings is better."""
