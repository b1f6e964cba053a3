"""Decode an image and take its fixed-scale crop: every cell reaches a model this way.

Size is diagnostic, so a frame is never resized as a whole. The crop takes the same number of
original pixels from a 450x450 and from a 600x600 image, and only then is resized.
"""

import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from leukoscope.core.errors import ImageError
from leukoscope.data.imaging.headers import check_depth, has_unused_alpha, select_picture
from leukoscope.data.imaging.noise import without_noise
from leukoscope.data.imaging.opening import open_picture
from leukoscope.data.imaging.other_files import HEAD_BYTES, why_not_read

if TYPE_CHECKING:
    from PIL import Image, ImageFile

DECODING = 2
"""Changes when any file is decoded to other pixels; part of the key of what is cached."""
MAX_PIXELS = 50_000_000
MAX_BYTES = 256_000_000


@dataclass(frozen=True)
class Crop:
    """Size of a fixed-scale crop.

    Attributes:
        crop: Side of the square taken around the center, in original pixels.
        size: Side of the square after resizing, the input of the model, in pixels.
    """

    crop: int
    size: int

    def __post_init__(self) -> None:
        if not (1 <= self.size <= self.crop <= 4096):
            raise ValueError(
                f"expected 1 <= size <= crop <= 4096, got size {self.size}, crop {self.crop}"
            )


def decode(source: Path | str | bytes, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Read one image as RGB, without the noise of lossy compression on its black background.

    Args:
        source: Path or content of an image file.
        max_pixels: Limit on width times height, checked in the header before decoding.

    Returns:
        uint8 array (H, W, 3), from `decode_stored` and `without_noise`.

    Raises:
        ImageError: As `decode_stored`.
    """
    return without_noise(decode_stored(source, max_pixels=max_pixels))


def decode_stored(source: Path | str | bytes, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Read the pixels that an image file stores, as RGB.

    Args:
        source: Path or content of an image file.
        max_pixels: Limit on width times height, checked in the header before decoding.

    Returns:
        uint8 array (H, W, 3). Gray becomes RGB. Transparent pixels are blended with black, the
        background of a cell.

    Raises:
        ImageError: The file is absent, unreadable, not an image, truncated, too large or animated,
            or has a color mode without an 8-bit RGB equivalent (16-bit, CMYK).
    """
    name = "the image" if isinstance(source, bytes) else str(source)
    data = source if isinstance(source, bytes) else read_bytes(Path(source))
    if not data:
        raise ImageError(f"{name}: the file is empty (0 bytes); copy it again from its source.")
    try:
        with open_picture(data) as image:
            _check_header(image, data, max_pixels)
            return np.asarray(_rgb(image))
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from None
    except Exception as error:  # decoders of hostile bytes raise nearly anything
        raise ImageError(f"{name}: {_cause(error, data)}") from error


def center(image: np.ndarray, side: int) -> np.ndarray:
    """Crop or pad with black to the central (side, side, 3) square, without resampling."""
    height, width = image.shape[:2]
    top, left = (height - side) // 2, (width - side) // 2
    if top >= 0 and left >= 0:
        return image[top : top + side, left : left + side]
    square = np.zeros((side, side, image.shape[2]), dtype=image.dtype)
    seen = image[max(top, 0) : max(top, 0) + side, max(left, 0) : max(left, 0) + side]
    y, x = max(-top, 0), max(-left, 0)
    square[y : y + seen.shape[0], x : x + seen.shape[1]] = seen
    return square


def fixed_scale_crop(image: np.ndarray, crop: Crop) -> np.ndarray:
    """Take the central square of `crop.crop` original pixels and resize it to `crop.size` pixels.

    Whole-number ratios average blocks of pixels. Other ratios use Pillow's antialiased Hamming
    window, which weights the same area without ringing.

    Returns:
        uint8 array (size, size, 3).
    """
    square = center(image, crop.crop)
    if crop.crop == crop.size:
        return np.ascontiguousarray(square)
    from PIL import Image

    whole = crop.crop % crop.size == 0
    resampling = Image.Resampling.BOX if whole else Image.Resampling.HAMMING
    picture = Image.fromarray(np.ascontiguousarray(square))
    return np.asarray(picture.resize((crop.size, crop.size), resampling))


def read_cell(source: Path | str | bytes, crop: Crop) -> np.ndarray:
    """Decode `source` and return its fixed-scale crop, uint8 (size, size, 3)."""
    return fixed_scale_crop(decode(source), crop)


def read_bytes(path: Path) -> bytes:
    """Read the content of an image file.

    Raises:
        ImageError: The file is absent, unreadable, not a regular file, or too large for one cell.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ImageError(f"{path}: a folder, not an image.")
        if not stat.S_ISREG(status.st_mode):  # reading a pipe would block
            raise ImageError(f"{path}: not a regular file.")
        if status.st_size > MAX_BYTES:
            raise ImageError(
                f"{path}: {status.st_size / 1e6:.0f} MB is too large for one cell; "
                "crop the cell first."
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(f"{path}: no such file.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"{path}: cannot be read ({reason}).") from error


def _check_header(image: "ImageFile.ImageFile", data: bytes, max_pixels: int) -> None:
    select_picture(image)
    width, height = image.size
    if width * height > max_pixels:
        raise ImageError(
            f"{width} x {height} pixels is more than {max_pixels / 1e6:.0f} megapixels, the limit; "
            "crop the cell, or cut a picture of a smear into smaller ones."
        )
    check_depth(image, data)
    if image.mode in ("CMYK", "LAB", "YCCK"):
        raise ImageError(f"the color mode is {image.mode}, for printing; save it as 8-bit RGB.")


def _rgb(image: "ImageFile.ImageFile") -> "Image.Image":
    from PIL import Image

    if image.mode not in ("RGBA", "LA", "PA") and "transparency" not in image.info:
        return image if image.mode == "RGB" else image.convert("RGB")
    if has_unused_alpha(image):
        return image.convert("RGB")
    rgba = image.convert("RGBA")
    black = Image.new("RGBA", rgba.size, (0, 0, 0, 255))
    return Image.alpha_composite(black, rgba).convert("RGB")


def _cause(error: Exception, data: bytes) -> str:
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return f"{why_not_read(data[:HEAD_BYTES])}."
    if isinstance(error, Image.DecompressionBombError):
        return "far larger than a single cell; crop the cell first."
    if "truncated" in str(error).lower() or "not enough" in str(error).lower():
        return f"the image is truncated ({len(data)} bytes); copy it again from its source."
    if re.search("unsupported|not supported|cannot handle", str(error), re.IGNORECASE):
        return f"of a kind that is not read ({error}); save it as PNG with 8 bits per channel."
    return (
        f"damaged or unreadable ({error or type(error).__name__}); copy it again from its source."
    )
