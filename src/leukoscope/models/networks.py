"""The networks.

Each takes uint8 cells and holds its own normalisation, so no caller can get it wrong.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from leukoscope.models.recipe import Network, Recipe, last_side


class Answer(NamedTuple):
    """What a network says of N cells.

    Attributes:
        logit: (N,), log-odds of ALL.
        embedding: (N, d), the last layer's input.
        heatmap: (N, h, w) with logit = mean of the heatmap + bias, or None where no exact map
            exists.
    """

    logit: Tensor
    embedding: Tensor
    heatmap: Tensor | None


class Dense(nn.Module):
    """Dense layers on the flattened cell."""

    def __init__(self, settings: Network, size: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        inputs = 3 * size * size
        for width in settings.widths:
            layers += [nn.Linear(inputs, width), nn.ReLU(), nn.Dropout(settings.dropout)]
            inputs = width
        self.trunk = nn.Sequential(*layers)
        self.classifier = nn.Linear(inputs, 1)

    def forward(self, cells: Tensor) -> Answer:
        """Answer for uint8 cells (N, S, S, 3)."""
        embedding = self.trunk(to_planes(cells))
        return Answer(self.classifier(embedding).squeeze(1), embedding, None)


class ConvFlatten(nn.Module):
    """Convolutions, then one hidden dense layer that knows where in the image each feature was."""

    def __init__(self, settings: Network, size: int) -> None:
        super().__init__()
        self.trunk = convolutions(settings.widths)
        side = last_side(settings.widths, size)
        self.hidden = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(settings.dropout),
            nn.Linear(settings.widths[-1] * side * side, settings.hidden),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(settings.hidden, 1)

    def forward(self, cells: Tensor) -> Answer:
        """Answer for uint8 cells (N, S, S, 3)."""
        features = self.trunk(to_planes(cells))  # (N, C, h, w)
        embedding = self.hidden(features)
        return Answer(self.classifier(embedding).squeeze(1), embedding, None)


class ConvGap(nn.Module):
    """Convolutions, then global average pooling: the class activation map is exact.

    Source of the map: B. Zhou et al., Learning deep features for discriminative localization,
    CVPR 2016.
    """

    def __init__(self, settings: Network, size: int) -> None:
        super().__init__()
        self.trunk = convolutions(settings.widths)
        self.dropout = nn.Dropout(settings.dropout)
        self.classifier = nn.Linear(settings.widths[-1], 1)

    def forward(self, cells: Tensor) -> Answer:
        """Answer for uint8 cells (N, S, S, 3)."""
        features = self.trunk(to_planes(cells))  # (N, C, h, w)
        embedding = features.mean(dim=(2, 3))  # (N, C)
        row = self.classifier.weight[:, :, None, None]  # (1, C, 1, 1)
        heatmap = nn.functional.conv2d(features, row).squeeze(1)
        return Answer(self.classifier(self.dropout(embedding)).squeeze(1), embedding, heatmap)


def convolutions(widths: tuple[int, ...]) -> nn.Sequential:
    """3x3 convolutions without padding, each halved by max pooling."""
    layers: list[nn.Module] = []
    channels = 3
    for width in widths:
        layers += [nn.Conv2d(channels, width, 3), nn.ReLU(), nn.MaxPool2d(2)]
        channels = width
    return nn.Sequential(*layers)


def to_planes(cells: Tensor) -> Tensor:
    """uint8 (N, S, S, 3) to float (N, 3, S, S) in [0, 1], a view that is already channels-last."""
    return cells.permute(0, 3, 1, 2).float() / 255.0


def build(recipe: Recipe) -> nn.Module:
    """The network a recipe names, with fresh weights from torch's current random state."""
    settings = recipe.network
    if settings.architecture == "dense":
        return Dense(settings, recipe.input.size)
    network = ConvGap if settings.pooling == "gap" else ConvFlatten
    built: nn.Module = network(settings, recipe.input.size)
    return built.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
