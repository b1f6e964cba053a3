"""Decode base64 as programs write it: either alphabet, with or without padding, as data URL.

Sources: RFC 4648 (base64 and base64url), RFC 2397 (data URLs).
"""

import base64
import binascii
import re
from urllib.parse import unquote_to_bytes

_URL_SAFE = bytes.maketrans(b"-_", b"+/")
# Line ends with the blanks around them, as mail programs and `base64` of the shell write them.
_LINE_ENDS = re.compile(rb"[ \t]*[\r\n]+[ \t]*")


def decode_base64(text: str) -> bytes:
    """Decode base64 text.

    Raises:
        ValueError: The text is not base64; the message says what is wrong.
    """
    data = text.encode("utf-8", "surrogatepass")
    if data[:5].lower() == b"data:":
        data = _of_data_url(data)
    data = _LINE_ENDS.sub(b"", data).strip(b" \t")
    if b" " in data:
        raise ValueError("the base64 text has blanks; perhaps a + was lost in a form or a URL")
    if b"-" in data or b"_" in data:
        if b"+" in data or b"/" in data:
            raise ValueError("the base64 text mixes the two alphabets (+ / and - _)")
        data = data.translate(_URL_SAFE)
    if b"=" not in data:
        data += b"=" * (-len(data) % 4)
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not valid base64; encode the bytes of the file") from None


def _of_data_url(data: bytes) -> bytes:
    head, comma, content = data.partition(b",")
    if not comma or not head.lower().rstrip().endswith(b";base64"):
        raise ValueError("a data URL must hold base64: data:image/png;base64,...")
    return unquote_to_bytes(content) if b"%" in content else content
