"""A network with one trainable layer: the local structure of a cell, and its size.

At places all over the cell, a fixed bank of filters measures two color differences, bands of
optical density at three scales, and the strength of edges at three. Random Fourier features turn
the eight numbers into many bounded ones; their mean over the places describes the cell. This mean
depends on how often each kind of structure occurs, but neither on the size of the cell nor on where
in it anything lies. Radial basis functions of the logarithm of the area describe the size,
separately. The logit is linear in both, so the last layer has a closed form
(`leukoscope.models.estimators.local`), and the contribution of each place to the logit is known
exactly. The contribution of the size is spread evenly over the places.

Sources: the mean of a random feature map over a set, and a linear machine on it, as in K. Muandet
et al., "Learning from distributions via support measure machines", NeurIPS 2012; the features, A.
Rahimi, B. Recht, "Random features for large-scale kernel machines", NeurIPS 2007; differences of
smoothed images, P. J. Burt, E. H. Adelson, "The Laplacian pyramid as a compact image code", IEEE
Transactions on Communications 31, 1983; density as the logarithm of transmitted light, the
Beer-Lambert law; a network that adds up local evidence, W. Brendel, M. Bethge, "Approximating CNNs
with bag-of-local-features models works surprisingly well on ImageNet", ICLR 2019.
"""

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, max_pool2d, pad

from leukoscope.models.network.cam import NetworkOutput

VERSION = 2
"""Changes with anything below that changes a measured value."""
LEVELS = 4
"""Levels of the pyramid; each has half the side of the one before. The first only smooths."""
STRIDE = 2 ** (LEVELS - 1)
"""Distance between places, original pixels."""
DARKEST = 4.0
"""Smallest gray level that is distinguished, so that the density of a black pixel is finite."""
BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
"""The filter that smooths, along rows and along columns."""
BLOCK = 16
"""Planes that ONNX Runtime holds side by side. With AVX-512 a filter per plane is much faster on a
whole block than on the four planes of a cell."""
INSIDE = 0.9
"""Smallest fraction of cell around a place that counts: the edge to black is not structure."""
FAINT = 0.01
"""Density per pixel; fainter edges are noise."""
# Mean and standard deviation of each filter on cells, rounded. They are units, as the scales are:
# no label influenced them.
FILTER_MEAN = (-0.93, -1.07, 0.0, 0.0, 0.0, -3.6, -3.35, -3.2)
FILTER_STD = (0.1, 0.15, 0.018, 0.029, 0.014, 0.42, 0.48, 0.5)
FILTERS = len(FILTER_MEAN)
LIMIT = 4.0
"""Standardized filters are clipped here, so that a speck of dust has a bounded effect."""
KNOTS = np.linspace(9.2, 11.0, 10)
"""Centers of the radial basis functions, ln(area in original pixels): from the smallest cells to
beyond the largest."""
KNOT_WIDTH = 0.25
"""Width of the radial basis functions."""
MEASURES = 2 * FILTERS + 1
"""Mean and standard deviation of each filter over the cell, and the logarithm of its area."""
SEED = 0
"""Seed of the random frequencies, which are part of the definition."""


class Places(NamedTuple):
    """Filters at the places of N cells.

    Attributes:
        filters: (N, 8, h, w), standardized by `FILTER_MEAN` and `FILTER_STD`.
        weight: (N, 1, h, w), equal inside the cell and 0 elsewhere, with the sum 1; all 0 if no
            place lies inside.
        ln_area: (N,), logarithm of the area of the cell in original pixels.
    """

    filters: Tensor
    weight: Tensor
    ln_area: Tensor


class BagOfLocalFeatures(nn.Module):
    """The network. The last layer is 0 until `leukoscope.models.estimators.local` fits it."""

    frequency: Tensor
    amplitude: Tensor
    phase: Tensor
    offset: Tensor
    size_coef: Tensor
    size_offset: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, frequencies: int, gamma: float) -> None:
        """Draw the frequencies.

        Args:
            frequencies: Number of frequencies; each gives a cosine and a sine.
            gamma: The kernel of two places is exp(-gamma * mean squared difference of filters).
        """
        super().__init__()
        drawn = np.random.default_rng(SEED).normal(size=(frequencies, FILTERS))
        drawn *= np.sqrt(2 * gamma / FILTERS)
        self.register_buffer(
            "frequency", torch.tensor(drawn, dtype=torch.float32)[:, :, None, None]
        )
        self.classifier = nn.Module()
        self.classifier.register_parameter("bias", nn.Parameter(torch.zeros(1)))
        self.register_buffer("amplitude", torch.zeros(1, frequencies, 1, 1))
        self.register_buffer("phase", torch.zeros(frequencies))
        self.register_buffer("offset", torch.zeros(()))
        self.register_buffer("size_coef", torch.zeros(len(KNOTS)))
        self.register_buffer("size_offset", torch.zeros(()))
        self.register_buffer("mean", torch.zeros(MEASURES))
        self.register_buffer("std", torch.ones(MEASURES))

    def forward(self, cells: Tensor) -> NetworkOutput:
        """NetworkOutput for uint8 cells (N, S, S, 3); standardized measures are the embedding."""
        places = filtered(cells)
        angle = conv2d(places.filters, self.frequency, -self.phase)
        local = conv2d(torch.cos(angle), self.amplitude)
        size = (area_basis(places.ln_area) * self.size_coef).sum(dim=1) - self.size_offset  # (N,)
        total = local - self.offset + size[:, None, None, None]
        heatmap = (total * places.weight).squeeze(1) * (local.shape[2] * local.shape[3])
        logit = heatmap.mean(dim=(1, 2)) + self.get_parameter("classifier.bias")
        return NetworkOutput(logit, (measures(places) - self.mean) / self.std, heatmap)

    def values(self, cells: Tensor) -> Tensor:
        """Inputs of the fit of the last layer, (N, 2 * frequencies + 17), for uint8 cells.

        The mean of each feature over the places, then `measures`.
        """
        places = filtered(cells)
        means = (self._features(places) * places.weight).sum(dim=(2, 3))
        return torch.cat([means, measures(places)], dim=1)

    def _features(self, places: Places) -> Tensor:
        angle = conv2d(places.filters, self.frequency)
        return torch.cat([torch.cos(angle), torch.sin(angle)], dim=1)


def filtered(cells: Tensor) -> Places:
    """Apply the bank of filters to uint8 cells (N, S, S, 3) at the original scale."""
    light = cells.permute(0, 3, 1, 2).float()
    cell = nonblack(light)
    density = (math.log(255) - torch.log(light.clamp(min=DARKEST))) * cell
    level = _halved(torch.cat([density, cell], dim=1))  # removes the camera's noise
    smooth, edges = [], []
    for number in range(1, LEVELS):
        level, step = _smoothed(level), STRIDE >> number
        smooth.append(_density(_every(level, step)))
        edges.append(_slope(_gray_density(level), step))
        level = _every(level, 1 if number == LEVELS - 1 else 2)
    inside = (level[:, 3:4] > INSIDE).float()
    smooth.append(_density(_smoothed(level)))
    gray = [density.mean(dim=1, keepdim=True) for density in smooth]
    red, green, blue = (smooth[0][:, number : number + 1] for number in range(3))
    bands = [fine - coarse for fine, coarse in pairwise(gray)]
    filters = torch.cat([red - green, blue - green, *bands, *edges], dim=1)
    mean, std = (filters.new_tensor(unit)[:, None, None] for unit in (FILTER_MEAN, FILTER_STD))
    return Places(
        ((filters - mean) / std).clamp(-LIMIT, LIMIT),
        inside / inside.sum(dim=(2, 3), keepdim=True).clamp(min=1),
        torch.log(cell.sum(dim=(1, 2, 3)).clamp(min=1)),
    )


def measures(places: Places) -> Tensor:
    """Mean and standard deviation of each filter over the cell, and ln(area): (N, 17)."""
    mean = (places.filters * places.weight).sum(dim=(2, 3), keepdim=True)
    square = ((places.filters - mean) ** 2 * places.weight).sum(dim=(2, 3))
    deviation = torch.sqrt(square.clamp(min=1e-8))
    return torch.cat([mean.flatten(1), deviation, places.ln_area[:, None]], dim=1)


def area_basis(ln_area: Tensor) -> Tensor:
    """Radial basis functions (N, 10) of the logarithm of an area (N,)."""
    distance = (ln_area[:, None] - ln_area.new_tensor(KNOTS)) / KNOT_WIDTH
    return torch.exp(-distance * distance / 2)


def nonblack(light: Tensor) -> Tensor:
    """The cell as 1 and the background as 0, (N, 1, h, w), as in `foreground.nonblack_mask`.

    Args:
        light: Gray levels (N, 3, h, w). The largest of three slices is the same as, and several
            times as fast as, a maximum over an axis.
    """
    red, green, blue = (light[:, number : number + 1] for number in range(3))
    return (torch.maximum(torch.maximum(red, green), blue) > 0).float()


def _density(level: Tensor) -> Tensor:
    """Density (N, 3, h, w) of the cell alone: smoothed background has no weight."""
    return level[:, :3] / level[:, 3:4].clamp(min=0.05)


def _gray_density(level: Tensor) -> Tensor:
    """Mean of `_density` over the colors, (N, 1, h, w)."""
    red, green, blue, cell = (level[:, number : number + 1] for number in range(4))
    return (red + green + blue) / (3 * cell.clamp(min=0.05))


def _halved(planes: Tensor) -> Tensor:
    """`BLOCK` planes, the first of which are these at half their side, smoothed; the rest are 0."""
    row = planes.new_tensor(BINOMIAL)
    same = torch.eye(BLOCK, planes.shape[1], dtype=planes.dtype, device=planes.device)
    kernel = torch.einsum("ab,y,x->abyx", same, row, row)
    return conv2d(planes, kernel, stride=2, padding=2)


def _smoothed(planes: Tensor) -> Tensor:
    """Planes (N, BLOCK, h, w), each smoothed by the binomial filter."""
    row = planes.new_tensor(BINOMIAL)
    kernel = torch.outer(row, row).expand(BLOCK, 1, 5, 5)
    return conv2d(planes, kernel, padding=2, groups=BLOCK)


def _every(planes: Tensor, step: int) -> Tensor:
    """Every `step`th row and column; unlike a slice, a pooling keeps the blocks of planes."""
    return planes if step == 1 else max_pool2d(planes, 1, step)


def _slope(gray: Tensor, step: int) -> Tensor:
    """The logarithm of the length of the gradient at every `step`th place, density per pixel."""
    across = pad(gray[:, :, ::step], (1, 1, 0, 0), mode="replicate")
    down = pad(gray[:, :, :, ::step], (0, 0, 1, 1), mode="replicate")
    x = across[..., 2::step] - across[..., :-2:step]
    y = down[..., 2::step, :] - down[..., :-2:step, :]
    return torch.log(torch.sqrt(x * x + y * y) / 2 + FAINT)
