"""Outlines of synthetic cells: a radius in px in each of `ANGLES` directions from the center."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

ANGLES = 1024
REACH = 222  # largest extent of a cell from the center of the frame, px


def _waves(rng: np.random.Generator, modes: NDArray[np.int64], power: float) -> Floats:
    """Draw a smooth periodic random curve of unit standard deviation over the `ANGLES` steps."""
    theta = np.arange(ANGLES) * (2 * np.pi / ANGLES)
    weight = modes**-power * rng.rayleigh(size=len(modes))
    phase = rng.uniform(0, 2 * np.pi, len(modes))
    curve = weight @ np.cos(modes[:, None] * theta + phase[:, None])
    return np.asarray(curve / curve.std())


def outline(
    rng: np.random.Generator, area: float, eccentricity: float, irregularity: float
) -> Floats:
    """Draw an outline: an ellipse times low Fourier modes, scaled to the wanted area."""
    theta = np.arange(ANGLES) * (2 * np.pi / ANGLES) - rng.uniform(0, np.pi)
    minor = np.sqrt(1 - min(eccentricity, 0.97) ** 2)
    ellipse = 1 / np.hypot(np.cos(theta) * minor, np.sin(theta))
    # A relative radius error of spread s changes an area of about 2 s E|z| = 1.6 s, z normal.
    # The refitted ellipse absorbs some of it, hence 1.5.
    bumps = _waves(rng, np.arange(3, 15), 2.2) * (irregularity / 1.5)
    radius = ellipse * np.maximum(1 + bumps, 0.3)
    radius *= np.sqrt(area / (np.pi * np.mean(radius**2)))
    return np.asarray(np.minimum(radius, REACH - 2))


def _sector(rng: np.random.Generator, width: float) -> Floats:
    """Draw a smooth hump of height 1 over `width` radians at a random angle."""
    theta = np.arange(ANGLES) * (2 * np.pi / ANGLES)
    away = np.abs((theta - rng.uniform(0, 2 * np.pi) + np.pi) % (2 * np.pi) - np.pi)
    hump: Floats = np.clip(1 - away / (width / 2), 0, 1) ** 0.6
    return hump


def shreds(rng: np.random.Generator, radius: Floats, count: int) -> Floats:
    """Add ragged protrusions of cytoplasm to an outline."""
    outer = radius.copy()
    for _ in range(count):
        ragged = 0.6 + 0.7 * _waves(rng, np.arange(6, 36, 3), 1.0)
        hump = _sector(rng, rng.uniform(0.2, 0.8)) * rng.uniform(6, 20)
        outer += hump * np.clip(ragged, 0.0, 2.0)
    return np.minimum(outer, REACH)


def crescent(rng: np.random.Generator, radius: Floats, width: float) -> Floats:
    """Draw the nucleus beside a crescent of cytoplasm of at most `width` px."""
    side = _sector(rng, rng.uniform(1.5, 4.0))
    nucleus: Floats = radius - width * side * (1 + 0.15 * _waves(rng, np.arange(2, 9), 1.0))
    return nucleus
