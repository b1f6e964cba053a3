import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leukoscope.app.uploads.base64_text import decode_base64

DATA = b"\xfb\xff\xbf cell \xfb\xef\xbe"  # has + and / in base64
PLAIN = base64.b64encode(DATA + b"1").decode()
SAFE = base64.urlsafe_b64encode(DATA + b"1").decode()


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        SAFE,
        PLAIN.rstrip("="),
        SAFE.rstrip("="),
        f"data:image/png;base64,{PLAIN}",
        f"DATA:;Base64,{PLAIN}",
        f"data:image/bmp;charset=utf-8;base64,{PLAIN.rstrip('=')}",
        f"data:image/png;base64,{PLAIN.replace('+', '%2B').replace('=', '%3D')}",
        "\r\n".join(PLAIN[start : start + 4] for start in range(0, len(PLAIN), 4)),
        f"  {PLAIN[:8]}\n    {PLAIN[8:]}\n",
    ],
)
def test_the_forms_of_base64(text):
    assert decode_base64(text) == DATA + b"1"


@pytest.mark.parametrize(
    "text",
    [
        "*junk*",
        PLAIN.replace("+", " "),  # form decoding does this; dropping it would shift every pixel
        f"data:image/png;base64,{PLAIN.replace('+', ' ')}",
        PLAIN + "=",
        "=" + PLAIN,
        PLAIN[:-2] + "-=",
        "AAAAA",
        "data:image/png,abc",
        "data:image/png;base64",
        f"data:text/plain,{PLAIN}",
        "é",
        "\ud800",
        "\x00AAA",
        "AAAA\u2003",
    ],
)
def test_what_is_not_base64(text):
    with pytest.raises(ValueError, match=r"base64"):
        decode_base64(text)


@given(st.binary(max_size=60))
def test_any_bytes_come_back(data):
    assert decode_base64(base64.b64encode(data).decode()) == data
    assert decode_base64(base64.urlsafe_b64encode(data).decode().rstrip("=")) == data
