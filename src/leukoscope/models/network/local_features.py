"""A network with nothing to train but its last layer: the local structure of a cell, and its size.

At places all over the cell a fixed bank of filters says what is there: two color differences,
bands of density at three scales and the strength of edges at three. Random Fourier features turn
the eight numbers into many bounded ones, whose mean over the places describes the cell. That mean
knows how often each kind of structure occurs, and neither how large the cell is nor where in it
anything lies. Bumps along the logarithm of its area say the size, apart from all else. The logit is
linear in both: the last layer has a closed form (`leukoscope.training.estimators.local_ridge`), and
what each place adds to the logit is known exactly. What the size adds is spread evenly over the
places.

Sources: the mean of a random feature map over a set, and a linear machine on it, as in K. Muandet
et al., "Learning from distributions via support measure machines", NeurIPS 2012; the features, A.
Rahimi, B. Recht, "Random features for large-scale kernel machines", NeurIPS 2007; differences of
smoothed pictures, P. J. Burt, E. H. Adelson, "The Laplacian pyramid as a compact image code", IEEE
Transactions on Communications 31, 1983; density as the logarithm of transmitted light, the
Beer-Lambert law; a network that adds up local evidence, W. Brendel, M. Bethge, "Approximating CNNs
with bag-of-local-features models works surprisingly well on ImageNet", ICLR 2019.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from leukoscope.models.network.cam import NetworkOutput

VERSION = 1
"""Changes with anything below that changes what is measured."""
LEVELS = 4
"""Of the pyramid; each halves the picture of the one before. The first only smooths."""
STRIDE = 2 ** (LEVELS - 1)
"""Original pixels between places."""
DARKEST = 4.0
"""Gray level below which light is not told apart: the density of a black pixel stays finite."""
INSIDE = 0.9
"""A place counts where so much around it is cell: the cut against black is no structure."""
FAINT = 0.01
"""Density per pixel: edges fainter than this are noise and hardly told apart."""
# Each filter's usual middle and spread on cells, rounded. They are units, as the scales are: no
# label had a part in them.
MIDDLE = (-0.93, -1.07, 0.0, 0.0, 0.0, -3.6, -3.35, -3.2)
SPREAD = (0.1, 0.15, 0.018, 0.029, 0.014, 0.42, 0.48, 0.5)
FILTERS = len(MIDDLE)
LIMIT = 4.0
"""Where the answer of a filter ends, in spreads: no speck of dust is stronger."""
KNOTS = np.linspace(9.2, 11.0, 10)
"""Middles of the bumps, logarithms of areas in original pixels: from the smallest cells to beyond
the largest."""
BUMP = 0.25
"""Their width."""
MEASURES = 2 * FILTERS + 1
"""Mean and deviation of each filter over the cell, and the logarithm of its area."""
SEED = 0
"""Of the random frequencies, which are part of the definition."""


class Places(NamedTuple):
    """What the filters say of N cells.

    Attributes:
        filters: (N, 8, h, w), in spreads from the usual.
        share: (N, 1, h, w), what each place counts: the same inside the cell, 0 elsewhere, in sum
            1, or 0 where no place lies inside.
        ln_area: (N,), of the cell in original pixels.
    """

    filters: Tensor
    share: Tensor
    ln_area: Tensor


class BagOfLocalFeatures(nn.Module):
    """The network. The last layer starts at 0; `training.estimators.local_ridge` sets it."""

    offset: Tensor
    size_row: Tensor
    size_offset: Tensor
    usual: Tensor
    spread: Tensor

    def __init__(self, frequencies: int, gamma: float) -> None:
        """Draw the frequencies.

        Args:
            frequencies: How many; each gives a cosine and a sine.
            gamma: exp(-gamma * mean squared difference of the filters) is how alike two places are.
        """
        super().__init__()
        drawn = np.random.default_rng(SEED).normal(size=(frequencies, FILTERS))
        drawn *= np.sqrt(2 * gamma / FILTERS)
        self.register_buffer("waves", torch.tensor(drawn, dtype=torch.float32)[:, :, None, None])
        self.classifier = nn.Linear(2 * frequencies, 1)
        nn.init.zeros_(self.classifier.weight)
        nn.init.zeros_(self.classifier.bias)
        self.register_buffer("offset", torch.zeros(()))
        self.register_buffer("size_row", torch.zeros(len(KNOTS)))
        self.register_buffer("size_offset", torch.zeros(()))
        self.register_buffer("usual", torch.zeros(MEASURES))
        self.register_buffer("spread", torch.ones(MEASURES))

    def forward(self, cells: Tensor) -> NetworkOutput:
        """The output for uint8 cells (N, S, S, 3); the embedding is their standardized measures."""
        places = filtered(cells)
        said = conv2d(self._features(places), self.classifier.weight[:, :, None, None])
        size = (area_basis(places.ln_area) * self.size_row).sum(dim=1) - self.size_offset  # (N,)
        each = said - self.offset + size[:, None, None, None]
        heatmap = (each * places.share).squeeze(1) * (said.shape[2] * said.shape[3])
        logit = heatmap.mean(dim=(1, 2)) + self.classifier.bias
        return NetworkOutput(logit, (measures(places) - self.usual) / self.spread, heatmap)

    def values(self, cells: Tensor) -> Tensor:
        """What the last layer is fitted on: (N, 2 * frequencies + 17) for uint8 cells.

        The mean of each feature over the places, then `measures`.
        """
        places = filtered(cells)
        means = (self._features(places) * places.share).sum(dim=(2, 3))
        return torch.cat([means, measures(places)], dim=1)

    def _features(self, places: Places) -> Tensor:
        angle = conv2d(places.filters, self.get_buffer("waves"))
        return torch.cat([torch.cos(angle), torch.sin(angle)], dim=1)


def filtered(cells: Tensor) -> Places:
    """Apply the bank of filters to uint8 cells (N, S, S, 3) at the original scale."""
    light = cells.permute(0, 3, 1, 2).float()
    cell = (light.amax(dim=1, keepdim=True) > 0).float()  # foreground.nonblack_mask
    level = torch.cat([-torch.log(light.clamp(min=DARKEST) / 255) * cell, cell], dim=1)
    smooth, edges = [], []
    for number in range(LEVELS):
        level = _smoothed(level)
        if number:  # the first level is the camera's noise
            density, step = _density(level), STRIDE >> number
            smooth.append(density[:, :, ::step, ::step])
            edges.append(_slope(density.mean(dim=1, keepdim=True))[:, :, ::step, ::step])
        level = level if number == LEVELS - 1 else level[:, :, ::2, ::2]
    inside = (level[:, 3:] > INSIDE).float()
    smooth.append(_density(_smoothed(level)))
    gray = [one.mean(dim=1, keepdim=True) for one in smooth]
    red, green, blue = (smooth[0][:, number : number + 1] for number in range(3))
    bands = [fine - coarse for fine, coarse in pairwise(gray)]
    filters = torch.cat([red - green, blue - green, *bands, *edges], dim=1)
    middle, spread = (filters.new_tensor(one)[:, None, None] for one in (MIDDLE, SPREAD))
    return Places(
        ((filters - middle) / spread).clamp(-LIMIT, LIMIT),
        inside / inside.sum(dim=(2, 3), keepdim=True).clamp(min=1),
        torch.log(cell.sum(dim=(1, 2, 3)).clamp(min=1)),
    )


def measures(places: Places) -> Tensor:
    """Mean and deviation of each filter over the cell, and its logarithmic area: (N, 17)."""
    mean = (places.filters * places.share).sum(dim=(2, 3), keepdim=True)
    square = ((places.filters - mean) ** 2 * places.share).sum(dim=(2, 3))
    deviation = torch.sqrt(square.clamp(min=1e-8))
    return torch.cat([mean.flatten(1), deviation, places.ln_area[:, None]], dim=1)


def area_basis(ln_area: Tensor) -> Tensor:
    """How near the logarithm of an area (N,) is to each knot: (N, 10)."""
    away = (ln_area[:, None] - ln_area.new_tensor(KNOTS)) / BUMP
    return torch.exp(-away * away / 2)


def _density(level: Tensor) -> Tensor:
    """Of the cell alone: what is smoothed in from beside it has no weight. (N, 3, h, w)."""
    return level[:, :3] / level[:, 3:].clamp(min=0.05)


def _smoothed(planes: Tensor) -> Tensor:
    """By the binomial filter of five, along rows and columns."""
    count = planes.shape[1]
    row = planes.new_tensor([1, 4, 6, 4, 1]).div(16).expand(count, 1, 1, 5)
    along = conv2d(planes, row, padding=(0, 2), groups=count)
    return conv2d(along, row.transpose(2, 3), padding=(2, 0), groups=count)


def _slope(gray: Tensor) -> Tensor:
    """The logarithm of the length of the gradient, in density per pixel of the level."""
    across = pad(gray, (1, 1, 0, 0), mode="replicate")
    down = pad(gray, (0, 0, 1, 1), mode="replicate")
    x, y = across[..., 2:] - across[..., :-2], down[..., 2:, :] - down[..., :-2, :]
    return torch.log(torch.sqrt(x * x + y * y) / 2 + FAINT)
