"""Building blocks of the networks: normalization, activations, norms, convolutions."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from leukoscope.data.imaging.sharpness import LAPLACIAN
from leukoscope.models.network.settings import Network

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}

GROUPS = 8  # of a group norm, if the number of channels is a multiple


class Normalize(nn.Module):
    """The first step of every network: from uint8 cells to normalized planes.

    It is part of the network, and thus of the exported graph, so that no caller can get it wrong.
    """

    mean: Tensor
    std: Tensor
    kernel: Tensor

    def __init__(
        self,
        mean: tuple[float, ...] = (0.0, 0.0, 0.0),
        std: tuple[float, ...] = (1.0, 1.0, 1.0),
        *,
        laplacian: bool = False,
    ) -> None:
        super().__init__()
        self.plain = not any(mean) and set(std) == {1.0}
        self.laplacian = laplacian
        # Constants of the recipe, not weights: no checkpoint holds them.
        self.register_buffer("mean", torch.tensor(mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(std)[:, None, None], persistent=False)
        kernel = torch.tensor(LAPLACIAN)[None, None]
        self.register_buffer("kernel", kernel, persistent=False)

    def forward(self, cells: Tensor) -> Tensor:
        """Normalized planes (N, 3, S, S) of uint8 cells (N, S, S, 3); 4 planes with Laplacian."""
        planes = to_planes(cells)
        if self.laplacian:
            # Of the mean color, padded with black; the exporter needs the contiguous copy.
            gray = planes.mean(dim=1, keepdim=True).contiguous()
            edges = nn.functional.conv2d(gray, self.kernel, padding=1)
            planes = torch.cat([planes, edges], dim=1)
        return planes if self.plain else (planes - self.mean) / self.std


def to_planes(cells: Tensor) -> Tensor:
    """uint8 (N, S, S, 3) to float (N, 3, S, S) in [0, 1], a view that is already channels-last."""
    return cells.permute(0, 3, 1, 2).float() / 255.0


def convolutions(settings: Network) -> nn.Sequential:
    """3x3 convolutions without padding, each followed by norm, activation and 2x2 pooling."""
    layers: list[nn.Module] = []
    channels = 4 if settings.laplacian else 3
    pool = nn.MaxPool2d if settings.downsampling == "max" else nn.AvgPool2d
    for width in settings.widths:
        layers += [nn.Conv2d(channels, width, 3), *_norm(settings.norm, width)]
        layers += [ACTIVATIONS[settings.activation](), pool(2)]
        channels = width
    return nn.Sequential(*layers)


def _norm(name: str, width: int) -> list[nn.Module]:
    if name == "batch":
        return [nn.BatchNorm2d(width)]
    if name == "group":
        return [nn.GroupNorm(GROUPS if width % GROUPS == 0 else 1, width)]
    return [nn.GroupNorm(1, width)] if name == "layer" else []
