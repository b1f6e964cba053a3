"""The evidence on one image, gathered once: `leukoscope.inference.verdict` decides by it alone."""

from dataclasses import dataclass

import numpy as np

from leukoscope.data.imaging.foreground import LIT
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.rejection.flags import Flag
from leukoscope.inference.rejection.image_checks import (
    border_fraction,
    image_quality,
    quality_flags,
)

# Fraction of the frame's outermost pixels that must be black for the cell to count as cut out.
BORDER_FRACTION = 0.5


@dataclass(frozen=True)
class Evidence:
    """All that is known about one image.

    Attributes:
        p_all: Calibrated probability of ALL; None if the network was not run or gave no number.
        quality: Flags from the pixels alone.
        distance: Distance of the embedding from the training cells; None if not measured.
        exceeded: The card's limit on the distance, if the distance is larger; else None.
        error: Why the image could not be read; "" if it was.
        seen: The model was trained or calibrated on this image. It changes no verdict, but the
            answer says nothing about other cells.
        beyond: The cell reaches over the crop that the model sees. It changes no verdict.
    """

    p_all: float | None = None
    quality: tuple[Flag, ...] = ()
    distance: float | None = None
    exceeded: float | None = None
    error: str = ""
    seen: bool = False
    beyond: bool = False

    @property
    def flags(self) -> tuple[Flag, ...]:
        """All flags, in the order of result tables."""
        unlike = () if self.exceeded is None else (Flag.UNLIKE_TRAINING,)
        seen = (Flag.SEEN_IN_TRAINING,) if self.seen else ()
        beyond = (Flag.BEYOND_CROP,) if self.beyond else ()
        return (*self.quality, *unlike, *beyond, *seen)


def gather(
    card: Card,
    *,
    p_all: float | None = None,
    quality: tuple[Flag, ...] = (),
    distance: float | None = None,
    error: str = "",
    seen: bool = False,
    beyond: bool = False,
) -> Evidence:
    """Gather the evidence on one image and compare the distance with the card's limit.

    Args:
        card: The card of the model.
        p_all: Calibrated probability of ALL.
        quality: Flags from `check_image`.
        distance: Distance of the embedding from the training cells.
        error: Why the image could not be read.
        seen: The model was trained or calibrated on this image.
        beyond: The cell reaches over the crop.
    """
    known = card.out_of_distribution
    too_far = known is not None and distance is not None and distance > known.limit.value
    exceeded = known.limit.value if known is not None and too_far else None
    return Evidence(p_all, quality, distance, exceeded, error, seen, beyond)


def check_image(image: np.ndarray, cell: np.ndarray, card: Card) -> tuple[Flag, ...]:
    """Check the quality of an image by its pixels alone.

    Args:
        image: The decoded image, uint8 (H, W, 3).
        cell: The crop that the model receives, uint8 (S, S, 3).
        card: The card of the model.

    Returns:
        `empty` if the crop has no pixel brighter than black; `no black border` if more than half of
        the frame's outermost pixels are not black: C-NMC cells are cut out on black, and a field of
        view or a crop of one is not. Otherwise the flags of `image_checks` beyond the card's
        limits, if it has any.
    """
    if cell.max() <= LIT:
        return (Flag.EMPTY,)
    ranges = card.image_limits
    if border_fraction(image) > max(BORDER_FRACTION, ranges["border"].high if ranges else 0.0):
        return (Flag.NO_BORDER,)
    return quality_flags(image_quality(image), ranges) if ranges else ()
