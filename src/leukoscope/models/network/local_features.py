"""A network with one trainable layer: the local structure of a cell, and its size.

At places all over the middle of a crop, which is as large as nearly any cell, a fixed bank of
filters measures two color differences, bands of optical density at three scales, and the strength
of edges at three. Random Fourier features turn the eight numbers into many bounded ones; their mean
over the places describes the cell. This mean depends on how often each kind of structure occurs,
but neither on the number of places nor on where among them anything lies. Radial basis functions of
the logarithm of the area describe the size, separately. The logit is linear in both, so the last
layer has a closed form (`leukoscope.models.estimators.local`), and the contribution of each place
to the logit is known exactly. The contribution of the size is spread evenly over the places.

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
from leukoscope.models.network.central_window import central, on_grid

VERSION = 3
"""Changes with anything below that changes a measured value."""
WINDOW = 256
"""Side of the square in the middle of a crop that the filters look at, in original pixels."""
LEVELS = 4
"""Levels of the pyramid; each has half the side of the one before. The first is the average of
squares of two pixels, which removes the camera's noise."""
STRIDE = 2 ** (LEVELS - 1)
"""Distance between places, original pixels."""
DARKEST = 4.0
"""Smallest gray level that is distinguished, so that the density of a black pixel is finite."""
BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
"""The filter that smooths, along rows and along columns."""
BLOCK = 16
"""Planes that ONNX Runtime holds side by side. With AVX-512 a filter per plane is much faster on a
whole block than on the four planes of a cell."""
ROWS = 4
"""Distance of the rows on which the area of a cell is counted."""
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
    """

    filters: Tensor
    weight: Tensor


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
        return self.output(light_and_cell(cells, WINDOW), ln_area(cells), cells.shape[1])

    def output(self, planes: Tensor, area: Tensor, side: int) -> NetworkOutput:
        """NetworkOutput for the middle of crops, with the map on the grid of the whole crop.

        Args:
            planes: (N, 4, h, w) of `light_and_cell`.
            area: (N,) of `ln_area`.
            side: Side of the crop.
        """
        places = filtered(planes)
        angle = conv2d(places.filters, self.frequency, -self.phase)
        local = conv2d(torch.cos(angle), self.amplitude)
        size = (area_basis(area) * self.size_coef).sum(dim=1) - self.size_offset  # (N,)
        total = local - self.offset + size[:, None, None, None]
        part = (total * places.weight).squeeze(1)
        logit = part.sum(dim=(1, 2)) + self.get_parameter("classifier.bias")
        embedding = (measures(places, area) - self.mean) / self.std
        heatmap = on_grid(part, side)
        return NetworkOutput(logit, embedding, heatmap * heatmap[0].numel())

    def values(self, cells: Tensor) -> Tensor:
        """Inputs of the fit of the last layer, (N, 2 * frequencies + 17), for uint8 cells.

        The mean of each feature over the places, then `measures`.
        """
        places = filtered(light_and_cell(cells, WINDOW))
        means = (self._features(places) * places.weight).sum(dim=(2, 3))
        return torch.cat([means, measures(places, ln_area(cells))], dim=1)

    def _features(self, places: Places) -> Tensor:
        angle = conv2d(places.filters, self.frequency)
        return torch.cat([torch.cos(angle), torch.sin(angle)], dim=1)


def light_and_cell(cells: Tensor, side: int) -> Tensor:
    """The middle of crops as planes: three of gray levels, and one that is 1 in the cell, else 0.

    Args:
        cells: uint8 (N, S, S, 3).
        side: Side of the middle.

    Returns:
        (N, 4, h, h), with h the smaller of S and `side`, less 1 if it is odd.
    """
    even = min(side, cells.shape[1]) // 2 * 2
    light = central(cells, even).permute(0, 3, 1, 2).float()
    return torch.cat([light, nonblack(light)], dim=1)


def ln_area(cells: Tensor) -> Tensor:
    """Logarithm of the area of uint8 cells (N, S, S, 3) in original pixels, (N,).

    Counted on every fourth row, as stereology counts on lines: for a cell of 20,000 pixels the
    error is below one percent.
    """
    rows = cells[:, ::ROWS].permute(0, 3, 1, 2).float()
    return torch.log((nonblack(rows).sum(dim=(1, 2, 3)) * ROWS).clamp(min=1))


def filtered(planes: Tensor) -> Places:
    """Apply the bank of filters to planes (N, 4, h, w) of `light_and_cell`, at the original scale.

    A square of two pixels is cell if all of it is.
    """
    half = _halved(planes)
    cell = (half[:, 3:] == 1).float()
    density = (math.log(255) - torch.log(half[:, :3].clamp(min=DARKEST))) * cell
    level = _block(torch.cat([density, cell], dim=1))
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
    )


def measures(places: Places, area: Tensor) -> Tensor:
    """Mean and standard deviation of each filter over the cell, and ln(area) (N,): (N, 17)."""
    mean = (places.filters * places.weight).sum(dim=(2, 3), keepdim=True)
    square = ((places.filters - mean) ** 2 * places.weight).sum(dim=(2, 3))
    deviation = torch.sqrt(square.clamp(min=1e-8))
    return torch.cat([mean.flatten(1), deviation, area[:, None]], dim=1)


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
    """Planes (N, C, h, w), averaged over squares of two pixels, (N, C, h/2, w/2).

    The sum of two rows and a matrix product are several times as fast in ONNX Runtime as a pooling.
    """
    count, channels, height, width = planes.shape
    rows = planes.reshape(count, channels, height // 2, 2, width)
    pairs = (rows[:, :, :, 0] + rows[:, :, :, 1]).reshape(count, channels, -1, 2)
    mean = torch.matmul(pairs, planes.new_full((2, 1), 0.25))
    return mean.reshape(count, channels, height // 2, width // 2)


def _block(planes: Tensor) -> Tensor:
    """`BLOCK` planes, the first of which are these; the rest are 0."""
    same = torch.eye(BLOCK, planes.shape[1], dtype=planes.dtype, device=planes.device)
    return conv2d(planes, same[:, :, None, None])


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
