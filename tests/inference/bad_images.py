"""Image files as they come from the world: broken, huge, or of kinds nobody trained on."""

import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from tests.inference.tiny_model import cell_image


def encode(image: np.ndarray, kind: str = "BMP", **options: Any) -> bytes:
    """An array as the bytes of an image file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind, **options)
    return buffer.getvalue()


def animated(kind: str) -> bytes:
    """Two frames in one file."""
    frames = [Image.fromarray(cell_image(seed, 64 + 96)) for seed in range(2)]
    buffer = io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def chained_tiff(pages: int) -> bytes:
    """A TIFF of 4 by 4 gray pixels with `pages` pages, the last of which points past the end."""
    tags = {256: 4, 257: 4, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 4, 279: 16}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    size = 2 + len(entries) + 4
    content = b"II*\0" + struct.pack("<I", 24) + bytes(16)
    for page in range(1, pages + 1):
        after = 24 + page * size if page < pages else 1 << 30
        content += struct.pack("<H", len(tags)) + entries + struct.pack("<I", after)
    return content


def huge_header() -> bytes:
    """A BMP of 54 bytes that promises 20000 by 20000 pixels."""
    head = struct.pack("<2sIHHI", b"BM", 54 + 3 * 20000**2, 0, 0, 54)
    info = struct.pack("<IiiHHIIiiII", 40, 20000, 20000, 1, 24, 0, 0, 0, 0, 0, 0)
    return head + info


def converted(mode: str, kind: str) -> bytes:
    """A good cell in another color mode."""
    buffer = io.BytesIO()
    Image.fromarray(cell_image()).convert(mode).save(buffer, kind)
    return buffer.getvalue()


# What can't be used, by file name.
BROKEN: dict[str, Callable[[], bytes]] = {
    "truncated.bmp": lambda: encode(cell_image())[:5000],
    "truncated.png": lambda: encode(cell_image(), "PNG")[:3000],
    "truncated.jpg": lambda: encode(cell_image(), "JPEG")[:3000],
    "truncated.webp": lambda: encode(cell_image(), "WEBP")[:3000],
    "truncated.tiff": lambda: encode(cell_image(), "TIFF")[:3000],
    "header only.bmp": lambda: encode(cell_image())[:54],
    "zero bytes.bmp": lambda: b"",
    "one byte.png": lambda: b"\x89",
    "huge header.bmp": huge_header,
    "random.bmp": lambda: np.random.default_rng(0).bytes(4000),
    "text.png": lambda: b"path,label\n1.bmp,1\n",
    "animated.gif": lambda: animated("GIF"),
    "animated.webp": lambda: animated("WEBP"),
    "pages.tiff": lambda: animated("TIFF"),
    "sixteen bits.png": lambda: encode(np.full((450, 450), 40000, np.uint16), "PNG"),
    "sixteen bits.tiff": lambda: encode(np.full((450, 450), 40000, np.uint16), "TIFF"),
    "float.tiff": lambda: encode(np.full((450, 450), 0.5, np.float32), "TIFF"),
    "cmyk.jpg": lambda: converted("CMYK", "JPEG"),
    "cmyk.tiff": lambda: converted("CMYK", "TIFF"),
    "lab.tiff": lambda: converted("LAB", "TIFF"),
}

# What is odd but has a plain meaning as 8-bit RGB.
UNUSUAL: dict[str, Callable[[], bytes]] = {
    "one pixel.bmp": lambda: encode(np.full((1, 1, 3), 255, np.uint8)),
    "alpha.png": lambda: converted("RGBA", "PNG"),
    "alpha.webp": lambda: converted("RGBA", "WEBP"),
    "gray.png": lambda: converted("L", "PNG"),
    "palette.png": lambda: converted("P", "PNG"),
    "one bit.bmp": lambda: converted("1", "BMP"),
}
