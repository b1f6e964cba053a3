"""Segmenters by name: the classical one, and networks that a user installs.

The weights of Cellpose and StarDist have licenses of their own, and none is downloaded unless the
user names the segmenter and its package fetches them. They give the outlines; nuclei, flags and
scale are found as for the classical one.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from leukoscope.core.errors import LeukoscopeError, MissingExtraError
from leukoscope.data.smear.density import Densities, nuclear_mask
from leukoscope.data.smear.segment import Segmentation, Segmenter, numbered, segment

CLASSICAL = "classical"
EXPECTED_UM = 11.0
"""Diameter of a white cell that Cellpose is told to expect, µm."""


def named_segmenter(name: str) -> Segmenter:
    """The segmenter of a name.

    Raises:
        LeukoscopeError: No segmenter has that name.
        MissingExtraError: Its package is not installed.
    """
    if name == CLASSICAL:
        return segment
    if name not in _NETWORKS:
        names = ", ".join((CLASSICAL, *_NETWORKS))
        raise LeukoscopeError(f"{name!r}: no such segmenter; choose one of {names}.")
    package, make = _NETWORKS[name]
    try:
        return make()
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"the segmenter {name!r} needs the package {error.name!r}, which is not installed. "
            f"Install it with: pip install {package} (its weights have their own license)"
        ) from error


def _cellpose() -> Segmenter:
    from cellpose import models

    model = models.CellposeModel()

    def run(image: NDArray[np.uint8], field: Densities, um_per_px: float) -> Segmentation:
        labels = model.eval(image, diameter=EXPECTED_UM / um_per_px)[0]
        return _white(np.asarray(labels), field)

    return run


def _stardist() -> Segmenter:
    from csbdeep.utils import normalize
    from stardist.models import StarDist2D

    model: Any = StarDist2D.from_pretrained("2D_versatile_he")

    def run(image: NDArray[np.uint8], field: Densities, um_per_px: float) -> Segmentation:
        # The network was trained on nuclei at about 0.5 µm per pixel (20x).
        scale = um_per_px / 0.5
        labels = model.predict_instances(normalize(image, 1, 99.8), scale=scale)[0]
        return _white(np.asarray(labels), field)

    return run


_NETWORKS = {"cellpose": ("cellpose", _cellpose), "stardist": ("stardist", _stardist)}


def _white(labels: NDArray[np.integer], field: Densities) -> Segmentation:
    """The objects of a network that have a nucleus: it also outlines red cells."""
    if labels.shape != field.nuclear.shape:
        height, width = field.nuclear.shape
        labels = cv2.resize(
            labels.astype(np.float32), (width, height), interpolation=cv2.INTER_NEAREST
        ).astype(np.int32)
    nuclei = nuclear_mask(field)
    count = int(labels.max()) + 1
    inside = np.bincount(labels.ravel(), weights=nuclei.ravel(), minlength=count)
    whole = np.bincount(labels.ravel(), minlength=count)
    kept = inside > 0.1 * np.maximum(whole, 1)
    kept[0] = False
    return numbered(np.where(kept[labels], labels, 0).astype(np.int32), nuclei)
