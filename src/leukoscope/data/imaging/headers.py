"""Read from an image's header what Pillow does not say: depth, the page with the picture, alpha.

Pillow drops the low byte of 16-bit colors and names the result "RGB", and takes a preview for a
second picture. The fields of the file itself are the only reliable source.
"""

from typing import TYPE_CHECKING

from leukoscope.core.errors import ImageError

if TYPE_CHECKING:
    from PIL import ImageFile

# Tags of TIFF 6.0.
NEW_SUBFILE_TYPE, SUBFILE_TYPE, BITS_PER_SAMPLE, SAMPLE_FORMAT = 254, 255, 258, 339
REDUCED, MASK = 1, 4
"""Bits of NewSubfileType: a smaller version of another page, a transparency mask."""
OLD_REDUCED = 2
"""The value of the older SubfileType for a smaller version of another page."""
UNSIGNED = 1
"""The value of SampleFormat for unsigned integers."""
MOST_PAGES = 16
"""Largest number of TIFF pages that are looked at; a hostile file has millions."""
PNG_DEPTH = 24
"""Offset of the bit depth in a PNG: after the signature, the head of IHDR, width and height."""


def select_picture(image: "ImageFile.ImageFile") -> None:
    """Go to the one picture of a file.

    The reduced pages and masks of a TIFF are left aside. A JPEG with further pictures (MPO) is its
    first one, as for every program that reads JPEG; phones append gain maps and thumbnails.

    Raises:
        ImageError: The file holds several pictures. The message has no file name.
    """
    if image.format in ("JPEG", "MPO"):
        return
    if image.format != "TIFF":
        if _seek(image, 1):
            raise _several()
        return
    pages, pictures = 0, []
    while _seek(image, pages):
        if not _is_secondary(image):
            pictures.append(pages)
        pages += 1
        if len(pictures) > 1 or pages > MOST_PAGES:
            raise _several()
    if pages > 1 and not pictures:
        raise _several()
    image.seek(pictures[0] if pictures else 0)


def check_depth(image: "ImageFile.ImageFile", data: bytes) -> None:
    """Refuse an image with other values than unsigned ones of at most 8 bits.

    Args:
        image: The opened image, at the page to read.
        data: The content of the file.

    Raises:
        ImageError: More than 8 bits a channel, or signed or floating numbers. The message has no
            file name.
    """
    bits: tuple[int, ...] = ()
    formats: tuple[int, ...] = ()
    if image.format == "PNG":
        bits = (data[PNG_DEPTH],)
    elif image.format == "TIFF":
        bits = _numbers(image, BITS_PER_SAMPLE)
        formats = _numbers(image, SAMPLE_FORMAT)
    if any(value > 8 for value in bits) or image.mode.startswith(("I", "F")):
        deep = f"{max(bits)} bits" if bits else image.mode
        raise ImageError(f"has more than 8 bits per channel ({deep}); save it as 8-bit RGB.")
    if any(value != UNSIGNED for value in formats):
        raise ImageError("has signed or floating-point values; save it as 8-bit RGB.")


def has_unused_alpha(image: "ImageFile.ImageFile") -> bool:
    """Tell whether the alpha channel is to be ignored.

    In a BMP, programs that know no alpha leave the fourth byte 0, and viewers then show the picture
    as opaque.
    """
    if image.format != "BMP" or image.mode != "RGBA":
        return False
    return image.getchannel("A").getextrema() == (0, 0)


def _is_secondary(image: "ImageFile.ImageFile") -> bool:
    kind = _numbers(image, NEW_SUBFILE_TYPE)
    if kind:
        return bool(kind[0] & (REDUCED | MASK))
    return _numbers(image, SUBFILE_TYPE) == (OLD_REDUCED,)


def _numbers(image: "ImageFile.ImageFile", tag: int) -> tuple[int, ...]:
    value = image.tag_v2.get(tag, ())  # type: ignore[attr-defined]
    values = value if isinstance(value, tuple) else (value,)
    return tuple(int(number) for number in values)


def _seek(image: "ImageFile.ImageFile", frame: int) -> bool:
    # Not n_frames: it walks every page of a TIFF.
    try:
        image.seek(frame)
    except EOFError:
        return False
    except SyntaxError:  # a page that Pillow cannot read; its tags are there
        if image.format != "TIFF" or not _is_secondary(image):
            raise
    return True


def _several() -> ImageError:
    return ImageError("holds several images (animation or stack); save one of them as PNG.")
