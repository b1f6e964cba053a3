"""Parse JSON strictly: no repeated keys, no NaN; a byte order mark is ignored.

RFC 8259 leaves open what repeated keys mean, and programs differ, so that one could check another
value than the next one uses. It allows a parser to ignore a byte order mark, which some editors and
Windows programs put first.
"""

import json
from typing import Any

BOM = "\ufeff"
LONGEST_KEY = 60


def parse_json(text: str | bytes) -> Any:
    """Parse JSON text, in UTF-8 if it is bytes.

    Raises:
        ValueError: The text is not JSON, repeats a key, is nested too deeply, or holds NaN or
            Infinity, which are not JSON.
    """
    if isinstance(text, bytes):
        text = _decode(text)
    try:
        return json.loads(
            text.removeprefix(BOM), object_pairs_hook=unique_keys, parse_constant=_no_constant
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these pairs, for `object_pairs_hook` of `json.loads`.

    Raises:
        ValueError: A key is given twice.
    """
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice[:LONGEST_KEY]!a} is given twice")
    return result


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")
