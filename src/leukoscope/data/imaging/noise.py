"""Remove the noise of lossy compression from the black around a cell.

A model, its measurements and its heatmaps take every pixel that is not black for the cell. JPEG and
WebP leave faint pixels on the black, up to a block's width away from the cell, which add 13 to 16 %
to the area of a C-NMC cell. They are removed once, in decoding, so training, prediction and the
audit see the same pixels. A lossless image is not changed: the dark pixels of its rim are next to
brighter ones.
"""

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.imaging.foreground import LIT, Box, Mask, brightest_channel, nonblack_box
from leukoscope.data.imaging.shape import eroded, find_runs, label_runs

REACH = 2
"""Distance in pixels from a lit pixel beyond which a faint pixel is noise and not the cell's rim.
No faint pixel of a C-NMC image is that far out; the mildest JPEG has a hundred of them."""
MOST_RUNS = 1_000_000
"""Largest number of dark stretches along rows. A cell on black has some thousand; a picture with
more than this is no cell, and labeling it could fill the memory."""


def without_noise(image: NDArray[np.uint8], box: Box | None = None) -> NDArray[np.uint8]:
    """Set the faint pixels around a cell to black if the picture was compressed with loss.

    Outside the cell are the pixels whose brightest channel is below `LIT` and that such pixels
    connect to the frame. If one of them that is not black is more than `REACH` pixels away from
    every brighter one, the black has noise, and all pixels outside become black. Dark places inside
    the cell stay. Applied twice, it changes nothing more.

    Args:
        image: uint8 RGB (H, W, 3).
        box: Its `nonblack_box`, if it is known.

    Returns:
        The image itself if its black has no noise, else a copy.
    """
    box = box or nonblack_box(image)
    if box is None or not _faint(image[_widened(box)])[1].any():  # so without loss, and fast
        return image
    dark, noise = _faint(image)
    if np.count_nonzero(dark[:, 1:] & ~dark[:, :-1]) > MOST_RUNS:
        return image
    runs = find_runs(dark)
    component = label_runs(runs, diagonal=False)
    height, width = dark.shape
    at_frame = (runs.row == 0) | (runs.row == height - 1) | (runs.start == 0) | (runs.stop == width)
    outside = np.zeros(int(component.max()) + 1, dtype=bool)
    outside[component[at_frame]] = True
    dark[dark] = np.repeat(outside[component], runs.length)
    if not (noise & dark).any():  # dark places inside the cell only
        return image
    return np.where(dark[..., None], np.uint8(0), image)


def _faint(image: NDArray[np.uint8]) -> tuple[Mask, Mask]:
    """Dark pixels, and those of them that are neither black nor near a brighter one: (H, W)."""
    brightest = brightest_channel(image)
    dark = brightest < LIT
    return dark, eroded(dark, REACH) & (brightest > 0)


def _widened(box: Box) -> Box:
    """With a rim, in which no pixel counts."""
    rows, columns = (slice(max(one.start - REACH, 0), one.stop + REACH) for one in box)
    return rows, columns
