"""Drawn stand-ins for cells: blobs of chromatin-like noise on black, different for each seed."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from leukoscope.data.cohort import Cohort, make_cohort


def draw_cell(seed: int, side: int = 300, radius: float = 90) -> np.ndarray:
    """uint8 (side, side, 3): a wavy disc with texture, pure black around."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    angle, distance = np.arctan2(y, x), np.hypot(x, y)
    edge = radius * (
        1 + sum(rng.normal(0, 0.05) * np.cos(k * angle + rng.uniform(0, 6)) for k in (2, 3, 4))
    )
    noise = sum(
        gain * _unit(cv2.GaussianBlur(rng.normal(size=(side, side)), (0, 0), sigma))
        for gain, sigma in ((5, 3), (8, 7), (8, 16))
    )
    color = np.array([95.0, 35.0, 105.0]) + noise[..., None] * np.array([1.0, 0.8, 0.9])
    color[distance > edge] = 0
    return np.clip(color, 0, 255).astype(np.uint8)


def save_cohort(
    folder: Path,
    images: Mapping[str, np.ndarray],
    labels: Sequence[int],
    subjects: Sequence[str],
) -> Cohort:
    """Write the images under their names and return their cohort."""
    for name, image in images.items():
        Image.fromarray(image).save(folder / name)
    paths = [str(folder / name) for name in images]
    return make_cohort({"path": paths, "label": list(labels), "subject": list(subjects)})


def _unit(field: np.ndarray) -> np.ndarray:
    return (field - field.mean()) / field.std()
