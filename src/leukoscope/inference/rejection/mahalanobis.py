"""Out-of-distribution detection: the distance of a cell to a model's training cells.

The embeddings of the training cells are modeled by one Gaussian distribution with a few wide
directions and the same small variance along all others; the distance is the Mahalanobis distance.
An image that is not a cell can be as bright or as large as any cell and still be off the few
directions in which cells differ.

Sources: K. Lee, K. Lee, H. Lee, J. Shin, "A simple unified framework for detecting
out-of-distribution samples and adversarial attacks", NeurIPS 2018 (the distance in the space of
features); M. E. Tipping, C. M. Bishop, "Probabilistic principal component analysis", J. R. Stat.
Soc. B 61 (1999) 611-622 (the covariance, which many dimensions and few cells leave well defined).
"""

import base64
import binascii
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
METHOD = "Mahalanobis distance to the training cells, covariance by probabilistic PCA"
# Directions kept: those that explain this fraction of the variance, and at most as many as fit a
# small card.
EXPLAINED_VARIANCE, MAX_AXES = 0.9999, 24
# Lower bound of a variance as a fraction of the mean of all: embeddings have dead dimensions, and a
# cell must not be infinitely far for a rounding error in one.
MIN_VARIANCE = 1e-3


@dataclass(frozen=True)
class GaussianModel:
    """A Gaussian distribution of embeddings in d dimensions, with k directions of their own.

    Attributes:
        middle: The mean, (d,), packed by `pack`.
        axes: Orthonormal directions, (k, d), packed.
        variances: The variance along each of the k directions.
        rest: The variance along every other direction.
    """

    middle: str
    axes: str
    variances: tuple[float, ...]
    rest: float

    def __post_init__(self) -> None:
        if not (self.rest > 0 and all(value > 0 for value in self.variances)):
            raise ValueError("variances must be above 0")
        width, kept = len(unpack(self.middle)), len(self.variances)
        if not width or len(unpack(self.axes)) != width * kept:
            raise ValueError("axes, middle and variances do not fit together")

    @cached_property
    def _arrays(self) -> tuple[Floats, Floats, Floats]:
        middle = unpack(self.middle)
        axes = unpack(self.axes).reshape(len(self.variances), len(middle))
        return middle, axes, np.array(self.variances)

    @property
    def width(self) -> int:
        """The number of dimensions d."""
        return len(self._arrays[0])

    def distance(self, embedding: ArrayLike) -> float:
        """The Mahalanobis distance of one embedding (d,); infinite if a value is not finite."""
        middle, axes, variances = self._arrays
        offset = np.asarray(embedding, np.float64) - middle
        along = axes @ offset
        off = offset - along @ axes
        squared = float((along**2 / variances).sum() + off @ off / self.rest)
        return float(np.sqrt(squared)) if np.isfinite(squared) else float("inf")


def fit_gaussian(embeddings: ArrayLike, weight: ArrayLike) -> GaussianModel | None:
    """Fit the Gaussian distribution of the training cells.

    Args:
        embeddings: Embeddings of the training cells, (N, d).
        weight: Weight of each cell, (N,).

    Returns:
        None if all embeddings are equal, so that a distance has no meaning.
    """
    values, weights = np.asarray(embeddings, np.float64), np.asarray(weight, np.float64)
    weights = weights / weights.sum()
    middle = weights @ values
    offset = values - middle
    variance, axes = np.linalg.eigh((offset * weights[:, None]).T @ offset)
    variance, axes = np.maximum(variance[::-1], 0), axes.T[::-1]  # the widest first
    total, width = float(variance.sum()), len(middle)
    rounding = 8 * np.finfo(np.float64).eps * np.linalg.norm(middle)
    if not total > rounding**2:
        return None
    needed = int(np.searchsorted(np.cumsum(variance) / total, EXPLAINED_VARIANCE)) + 1
    kept = min(needed, MAX_AXES, width)
    floor = MIN_VARIANCE * total / width
    rest = float(variance[kept:].sum()) / max(1, width - kept)
    widths = np.maximum(variance[:kept], floor)
    return GaussianModel(pack(middle), pack(axes[:kept]), tuple(widths.tolist()), max(rest, floor))


def pack(values: ArrayLike) -> str:
    """Pack numbers as base64 of little-endian float32, 6 characters each."""
    return base64.b64encode(np.asarray(values, dtype="<f4").tobytes()).decode()


def unpack(text: str) -> Floats:
    """Unpack what `pack` packed, flat, as float64.

    Raises:
        ValueError: The text is not base64 of complete, finite numbers.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("packed numbers are not base64") from None
    if len(raw) % 4:
        raise ValueError("packed numbers are cut short")
    values = np.frombuffer(raw, dtype="<f4").astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("packed numbers must be finite")
    return values
