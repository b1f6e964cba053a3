"""Read one image before the network runs: decode it, cut out the crop, check its quality."""

from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from leukoscope.core.errors import ImageError
from leukoscope.data.imaging.foreground import beyond_crop, nonblack_box
from leukoscope.data.imaging.image import decode_stored, fixed_scale_crop, read_bytes
from leukoscope.data.imaging.noise import without_noise
from leukoscope.data.imaging.pixel_identity import pixel_sha256
from leukoscope.data.imaging.resolution import stated_scale
from leukoscope.inference.evidence import check_image
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.hashes import SeenImages
from leukoscope.inference.rejection.flags import Flag
from leukoscope.inference.sources import Image, Source
from leukoscope.inference.zip_images import read_member

NONE_SEEN = SeenImages(frozenset(), frozenset())
BMP = b"BM"
"""First bytes of a BMP, whose pixels are not compressed, or without loss."""


@dataclass(frozen=True)
class ReadImage:
    """An image prepared for the network, or the reason why it cannot be.

    Attributes:
        name: The path, or "" for bytes and arrays.
        cell: uint8 (S, S, 3), the crop; None if the image is empty or cannot be read.
        quality: The flags of its quality.
        error: Why the image cannot be read.
        seen: The model was trained or calibrated on this image.
        beyond: The cell reaches over the crop.
        subject: The subject that a table named for it.
        um_per_px: Its scale by a table or by the resolution of its file; None if unknown.
        pixels: Its `pixel_sha256`; "" if it has none.
    """

    name: str
    cell: np.ndarray | None = None
    quality: tuple[Flag, ...] = ()
    error: str = ""
    seen: bool = False
    beyond: bool = False
    subject: str = ""
    um_per_px: float | None = None
    pixels: str = ""


def read_image(source: Image, card: Card, trained_on: SeenImages = NONE_SEEN) -> ReadImage:
    """Read an image as a model's card requires; problems are part of the result.

    Args:
        source: A file, its bytes, or uint8 (H, W, 3), RGB at the original scale.
        card: The card of the model.
        trained_on: The images of the card, unpacked once for all images.
    """
    read = _read(source, card, trained_on)
    if not isinstance(source, Source):
        return read
    return replace(read, subject=source.subject, um_per_px=source.um_per_px or read.um_per_px)


def _read(source: Image, card: Card, trained_on: SeenImages) -> ReadImage:
    name = str(source) if isinstance(source, str | Path) else ""
    if isinstance(source, Source):
        name = source.name
        if source.problem:
            return ReadImage(name, error=source.problem)
    try:
        if isinstance(source, Source):
            path = source.path
            source = read_member(path, source.number) if source.member else path
        source = _content(source)
        return _examined(name, source, _decode(source), card, trained_on)
    except ImageError as error:
        # The row has the path already.
        text = str(error).removeprefix(f"{name}: ").removeprefix("the image: ")
        return ReadImage(name, error=text)
    except MemoryError:
        return ReadImage(name, error="larger than the free memory; crop the cell first.")


def _examined(
    name: str, source: Image, stored: np.ndarray, card: Card, trained_on: SeenImages
) -> ReadImage:
    """Prepare a decoded image for the network, and check it."""
    box = nonblack_box(stored)
    image = without_noise(stored, box)
    cell = fixed_scale_crop(image, card.input)
    quality = check_image(image, cell, card)
    # A model's number for an empty image means nothing, and somebody would average it.
    unchanged = image is stored
    pixels = pixel_sha256(image, box if unchanged else None)
    exact = unchanged and isinstance(source, bytes) and source.startswith(BMP)
    seen = _seen(source, pixels, trained_on, exact)
    framed = not {Flag.EMPTY, Flag.NO_BORDER} & set(quality)
    beyond = framed and beyond_crop(image, card.input.crop)
    return ReadImage(
        name,
        None if Flag.EMPTY in quality else cell,
        quality,
        seen=seen,
        beyond=beyond,
        um_per_px=stated_scale(source) if isinstance(source, bytes) else None,
        pixels=pixels,
    )


def _content(source: Image) -> Image:
    """Read a file, so that its bytes can be hashed as well; other sources stay as they are."""
    return read_bytes(Path(source)) if isinstance(source, str | Path) else source


def _seen(source: Image, pixels: str, trained_on: SeenImages, exact: bool) -> bool:
    """Tell whether a model was trained on an image.

    The hash of a file takes longer than that of its pixels. It is left out where it can add
    nothing: a BMP without noise is decoded to the pixels that were hashed.

    Args:
        source: The image; only the content of a file has a hash of its own.
        pixels: The hash of its pixels, "" if it has none.
        trained_on: The images of the card.
        exact: The pixels are those of an uncompressed file, unchanged.
    """
    by_pixels = exact and bool(pixels) and trained_on.complete
    by_file = bool(trained_on.files) and isinstance(source, bytes) and not by_pixels
    digest = sha256(source).hexdigest() if by_file and isinstance(source, bytes) else ""
    return trained_on.has(digest, pixels)


def _decode(source: Image) -> np.ndarray:
    """Decode any source to the pixels that it stores, uint8 (H, W, 3)."""
    if isinstance(source, np.ndarray):
        if source.dtype != np.uint8 or source.ndim != 3 or source.shape[2] != 3 or not source.size:
            raise ImageError(
                f"expected an array of uint8 (H, W, 3), got {source.dtype} {source.shape}; "
                "give RGB from 0 to 255"
            )
        return source
    if isinstance(source, bytes):
        return decode_stored(source)
    raise ImageError(f"expected a path, bytes or an array, got {type(source).__name__}")
