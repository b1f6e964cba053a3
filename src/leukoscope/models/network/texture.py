"""A network with two trainable layers: the texture of a cell, its local structure, and its size.

Two models of different kinds are averaged, since their errors differ. Both are linear in features
of fixed layers, so their last layers have a closed form (`leukoscope.models.estimators.texture`).

- Early ImageNet layers (`early_layers`) see the middle of the cell at three quarters of its scale,
  its surroundings painted in its mean color, so that neither outline nor black is texture. Texture
  is described by statistics over the cell: mean and standard deviation of each channel, and the
  correlations between the channels of the first block taken. They are standardized, and random
  Fourier features of them approximate a Gaussian kernel.
- `local_features` describes local structure and size.

The heatmap is exact: its mean and a constant are the logit. The Fourier features are not linear in
the pooled values, so the logit is shared among these by its integrated gradients from the mean
training cell, which have a closed form here: along the straight line from 0 to x, the integral of
the gradient of f(x) = sum over k of a[k] cos(w[k] x) + b[k] sin(w[k] x) is x times
sum over k of w[k] (a[k] (cos(z[k]) - 1) + b[k] sin(z[k])) / z[k], with z[k] = w[k] x. Mean,
variance and correlation are sums over the places of the cell, and are shared among these exactly.

Sources: correlations between the channels of a network as a description of texture, L. A. Gatys et
al., "Texture synthesis using convolutional neural networks", NeurIPS 2015; A. Rahimi, B. Recht,
"Random features for large-scale kernel machines", NeurIPS 2007; orthogonal frequencies, F. X. Yu et
al., "Orthogonal random features", NeurIPS 2016; M. Sundararajan et al., "Axiomatic attribution for
deep networks", ICML 2017.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, pad

from leukoscope.core.errors import RecipeError
from leukoscope.models.network.cam import NetworkOutput
from leukoscope.models.network.central_window import (
    GRID,
    central,
    overlap,
    shrink,
    window_begin,
)
from leukoscope.models.network.early_layers import BLOCKS, CHANNELS, TAKEN, EarlyLayers
from leukoscope.models.network.local_features import (
    WINDOW,
    BagOfLocalFeatures,
    light_and_cell,
    ln_area,
)
from leukoscope.models.network.settings import ALIGN

VERSION = 3
"""Changes with anything below that changes a measured value."""
CORRELATED = BLOCKS[min(TAKEN)].channels
"""Channels of the first block taken, whose correlations are measured."""
PAIRS = np.flatnonzero(np.triu(np.ones((CORRELATED, CORRELATED)), 1))
"""Where each pair of these channels lies in a flat matrix of them."""
POOLED = 2 * CHANNELS + len(PAIRS)
"""Mean and standard deviation of each channel, and the correlations."""
EARLY_WINDOW = 192
"""Side of the square in the middle of a crop that the early layers see, in original pixels."""
SCALE = 0.75
"""Scale at which the early layers see the cell."""
SEED = 0
"""Seed of the random frequencies, which are part of the definition."""
FLAT = 1e-3
"""Smallest standard deviation of a channel over a cell. PyTorch's ONNX exporter takes an addend of
1e-8 or less, as its square must not be, for 0."""
TINY = 1e-6
"""Angles below this are 0 in the attribution, so that nothing is divided by 0."""


class Pooled(NamedTuple):
    """Channels of the early layers, and what pools them.

    Attributes:
        maps: Channels (N, C, h, w) of each block taken.
        weights: (N, 1, h, w) of each, equal inside the cell, with the sum 1; 0 without a cell.
        means: (N, C, 1, 1) of each.
        deviations: (N, C, 1, 1) of each.
    """

    maps: list[Tensor]
    weights: list[Tensor]
    means: list[Tensor]
    deviations: list[Tensor]

    def standard(self) -> Tensor:
        """Standardized channels of the first block at all its places, (N, CORRELATED, h * w)."""
        return ((self.maps[0] - self.means[0]) / self.deviations[0]).flatten(2)

    def values(self) -> Tensor:
        """(N, POOLED): means of all blocks, standard deviations of all, then correlations."""
        standard = self.standard()
        matrix = (standard * self.weights[0].flatten(2)) @ standard.transpose(1, 2)
        pairs = matrix.flatten(1).index_select(1, torch.from_numpy(PAIRS))
        parts = [part.flatten(1) for part in (*self.means, *self.deviations)]
        return torch.cat([*parts, pairs], dim=1)


class TextureNetwork(nn.Module):
    """The network. Both last layers are 0 until `leukoscope.models.estimators.texture` fits them.

    Args:
        side: Side of the crop in pixels, a multiple of 16.
        frequencies: Number of frequencies on the early layers.
        gamma: Width of their kernel, exp(-gamma * mean squared difference of pooled values).
        local_frequencies: Number of frequencies on local structure.
        local_gamma: Width of its kernel.
    """

    frequency: Tensor
    pooled_mean: Tensor
    pooled_std: Tensor
    cosine: Tensor
    sine: Tensor

    def __init__(
        self,
        side: int,
        frequencies: int,
        gamma: float,
        local_frequencies: int,
        local_gamma: float,
    ) -> None:
        super().__init__()
        if side % ALIGN:
            raise RecipeError(f"input: size {side}; this network needs a multiple of {ALIGN}.")
        self.side = side
        self.early = EarlyLayers()
        self.local = BagOfLocalFeatures(local_frequencies, local_gamma)
        drawn = orthogonal_frequencies(frequencies, POOLED, gamma)
        self.register_buffer("frequency", torch.tensor(drawn, dtype=torch.float32))
        seen, begin = min(side, EARLY_WINDOW), window_begin(side, EARLY_WINDOW)
        for number, stride in TAKEN.items():
            count = int(seen * SCALE) // stride
            self.register_buffer(f"overlap{number}", overlap(count, stride / SCALE, begin, side))
        self.register_buffer("pooled_mean", torch.zeros(POOLED))
        self.register_buffer("pooled_std", torch.ones(POOLED))
        self.register_buffer("cosine", torch.zeros(frequencies))
        self.register_buffer("sine", torch.zeros(frequencies))
        self.classifier = nn.Module()
        self.classifier.register_parameter("bias", nn.Parameter(torch.zeros(1)))

    def forward(self, cells: Tensor) -> NetworkOutput:
        """NetworkOutput for uint8 cells (N, S, S, 3); the embedding is that of `local`."""
        planes, area = light_and_cell(cells, WINDOW), ln_area(cells)
        pooled = self._pooled(planes)
        x = self._standardized(pooled)
        angle = x @ self.frequency.T  # (N, frequencies)
        early = (torch.cos(angle) - 1) @ self.cosine + torch.sin(angle) @ self.sine
        # The bias of `local` is part of the bias of this network, and 0 there.
        local = self.local.output(planes, area, self.side)
        assert local.heatmap is not None
        logit = (early + local.logit) / 2 + self.get_parameter("classifier.bias")
        total = local.heatmap
        contributions = self._contributions(pooled, self._slope(x, angle))
        for number, part in zip(TAKEN, contributions, strict=True):
            along = self.get_buffer(f"overlap{number}")
            total = total + along.T @ part @ along * (self.side // GRID) ** 2
        return NetworkOutput(logit, local.embedding, total / 2)

    def values(self, cells: Tensor) -> Tensor:
        """Inputs of the fit, (N, POOLED + 2 * local frequencies + 17), for uint8 cells."""
        pooled = self._pooled(light_and_cell(cells, EARLY_WINDOW))
        return torch.cat([pooled.values(), self.local.values(cells)], dim=1)

    def _pooled(self, planes: Tensor) -> Pooled:
        """Pool the early layers over the middle of planes (N, 4, h, w) of `light_and_cell`."""
        planes = central(planes, EARLY_WINDOW, axis=2)
        sums = planes.sum(dim=(2, 3), keepdim=True)
        color = sums[:, :3] / sums[:, 3:].clamp(min=1)  # (N, 3, 1, 1)
        small = shrink(planes)
        inside = small[:, 3:]
        painted = small[:, :3] + color * (1 - inside)
        maps, weights, means, deviations = [], [], [], []
        stride = 1
        for number, features in self.early(painted / 127.5 - 1).items():
            # From the one before: a pooling of few pixels is several times as fast.
            inside, stride = avg_pool2d(inside, TAKEN[number] // stride), TAKEN[number]
            weight = inside / inside.sum(dim=(2, 3), keepdim=True).clamp(min=TINY)
            mean = (features * weight).sum(dim=(2, 3), keepdim=True)
            variance = ((features - mean) ** 2 * weight).sum(dim=(2, 3), keepdim=True)
            maps.append(features)
            weights.append(weight)
            means.append(mean)
            deviations.append(torch.sqrt(variance + FLAT**2))
        return Pooled(maps, weights, means, deviations)

    def _standardized(self, pooled: Pooled) -> Tensor:
        """(N, POOLED), 0 for a crop without a cell."""
        has_cell = pooled.weights[0].sum(dim=(2, 3))  # (N, 1), 1 or 0
        return (pooled.values() - self.pooled_mean) / self.pooled_std * has_cell

    def _slope(self, x: Tensor, angle: Tensor) -> Tensor:
        """Mean gradient of the logit on the way from 0 to x, per pooled value, (N, POOLED)."""
        safe = torch.where(angle.abs() < TINY, TINY, angle)
        along = ((torch.cos(safe) - 1) * self.cosine + torch.sin(safe) * self.sine) / safe
        return along @ self.frequency / self.pooled_std

    def _contributions(self, pooled: Pooled, slope: Tensor) -> list[Tensor]:
        """Contribution of each place to the logit of the early layers, (N, h, w) of each block."""
        count = [features.shape[1] for features in pooled.maps]
        width = [*count, *count, len(PAIRS)]
        *slopes, pairs = torch.split(slope[:, :, None, None], width, dim=1)
        *references, known = torch.split(self.pooled_mean[None, :, None, None], width, dim=1)
        parts = []
        for number, features in enumerate(pooled.maps):
            of_mean = slopes[number] * (features - references[number])
            square = (features - pooled.means[number]) ** 2 + FLAT**2
            other = number + len(count)
            of_deviation = slopes[other] * (square / pooled.deviations[number] - references[other])
            parts.append(((of_mean + of_deviation) * pooled.weights[number]).sum(dim=1))
        of_pairs = _of_pairs(pooled.standard(), pairs.flatten(1)) - (pairs * known).sum(dim=(1, 2))
        parts[0] = parts[0] + of_pairs.reshape(parts[0].shape) * pooled.weights[0][:, 0]
        return parts


def _of_pairs(standard: Tensor, slopes: Tensor) -> Tensor:
    """Sum over pairs of slope times the product of both channels, at each place.

    Args:
        standard: (N, CORRELATED, P), standardized channels.
        slopes: (N, pairs).

    Returns:
        (N, P).
    """
    column = np.full(CORRELATED**2, len(PAIRS))  # a column of zeros for all that is no pair
    column[PAIRS] = np.arange(len(PAIRS))
    padded = pad(slopes, (0, 1))
    matrix = padded.index_select(1, torch.from_numpy(column)).reshape(-1, CORRELATED, CORRELATED)
    return (standard * (matrix @ standard)).sum(dim=1)


def orthogonal_frequencies(count: int, width: int, gamma: float) -> np.ndarray:
    """Frequencies (count, width) of a Gaussian kernel, orthogonal in blocks of `width`.

    Args:
        count: Number of frequencies.
        width: Number of inputs.
        gamma: The kernel of two inputs is exp(-gamma * mean squared difference).
    """
    random = np.random.default_rng(SEED)
    blocks = []
    for _ in range(-(-count // width)):
        rotation = np.linalg.qr(random.normal(size=(width, width)))[0]
        length = np.sqrt(random.chisquare(width, size=(width, 1)))
        blocks.append(rotation * length)
    return np.asarray(np.concatenate(blocks)[:count] * np.sqrt(2 * gamma / width))
