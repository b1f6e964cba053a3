"""Simulate a second image of a cell, as microscope, normalization or file format can make it."""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
MakeCopy = Callable[[Image, np.random.Generator], Image]


def shift(image: Image, rng: np.random.Generator) -> Image:
    """Shift by up to 8 px along each axis and fill with black."""
    x, y = rng.integers(-8, 9, size=2)
    move = np.array([[1, 0, x], [0, 1, y]], np.float32)
    size = (image.shape[1], image.shape[0])
    return np.asarray(cv2.warpAffine(image, move, size, flags=cv2.INTER_NEAREST), np.uint8)


def turn(image: Image, rng: np.random.Generator) -> Image:
    """Turn by 90, 180 or 270 degrees."""
    return np.ascontiguousarray(np.rot90(image, rng.integers(1, 4)))


def flip(image: Image, rng: np.random.Generator) -> Image:
    """Mirror left to right or upside down."""
    return np.ascontiguousarray(np.flip(image, int(rng.integers(0, 2))))


def gain(image: Image, rng: np.random.Generator) -> Image:
    """Multiply each color by its own factor, 0.75 to 1.3."""
    return _clipped(image * rng.uniform(0.75, 1.3, size=3))


def gamma(image: Image, rng: np.random.Generator) -> Image:
    """Raise brightness to a power from 0.7 to 1.4."""
    return _clipped(255 * (image / 255) ** rng.uniform(0.7, 1.4))


def blur(image: Image, rng: np.random.Generator) -> Image:
    """Blur with a Gaussian of 1 to 2.5 px."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(1, 2.5)), np.uint8)


def jpeg(image: Image, rng: np.random.Generator) -> Image:
    """Compress as JPEG of quality 80 and decode."""
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])
    assert done
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def everything(image: Image, rng: np.random.Generator) -> Image:
    """Apply all of these in turn."""
    for change in (shift, turn, flip, gain, gamma, blur, jpeg):
        image = change(image, rng)
    return image


COPIES: Mapping[str, MakeCopy] = {
    change.__name__: change for change in (shift, turn, flip, gain, gamma, blur, jpeg, everything)
}


def _clipped(values: NDArray[np.floating]) -> Image:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)
