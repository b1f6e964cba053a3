"""The networks, from uint8 cells to logit, embedding and heatmap, by the name in a recipe."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from leukoscope.models.network.cam import CamNetwork, NetworkOutput
from leukoscope.models.network.layers import ACTIVATIONS, Normalize, convolutions
from leukoscope.models.network.settings import Network, last_side

if TYPE_CHECKING:
    from leukoscope.models.recipe.recipe import NetworkRecipe


class Dense(nn.Module):
    """Dense layers on the flattened cell."""

    def __init__(self, settings: Network, size: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        inputs = 3 * size * size
        for width in settings.widths:
            layers += [nn.Linear(inputs, width), ACTIVATIONS[settings.activation]()]
            layers += [nn.Dropout(settings.dropout)]
            inputs = width
        self.planes = Normalize()
        self.trunk = nn.Sequential(*layers)
        self.classifier = nn.Linear(inputs, 1)

    def forward(self, cells: Tensor) -> NetworkOutput:
        """NetworkOutput for uint8 cells (N, S, S, 3)."""
        embedding = self.trunk(self.planes(cells))
        return NetworkOutput(self.classifier(embedding).squeeze(1), embedding, None)


class ConvFlatten(nn.Module):
    """Convolutions, then one hidden dense layer that depends on the place of each feature."""

    def __init__(self, settings: Network, size: int) -> None:
        super().__init__()
        self.planes = Normalize(laplacian=settings.laplacian)
        self.trunk = convolutions(settings)
        side = last_side(settings.widths, size)
        self.hidden = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(settings.dropout),
            nn.Linear(settings.widths[-1] * side * side, settings.hidden),
            ACTIVATIONS[settings.activation](),
        )
        self.classifier = nn.Linear(settings.hidden, 1)

    def forward(self, cells: Tensor) -> NetworkOutput:
        """NetworkOutput for uint8 cells (N, S, S, 3)."""
        features = self.trunk(self.planes(cells))  # (N, C, h, w)
        embedding = self.hidden(features)
        return NetworkOutput(self.classifier(embedding).squeeze(1), embedding, None)


def _cnn(settings: Network, size: int) -> nn.Module:
    if settings.pooling == "flatten":
        return ConvFlatten(settings, size)
    planes = Normalize(laplacian=settings.laplacian)
    return CamNetwork(settings, planes, convolutions(settings), settings.widths[-1])


def _mobilenet_v2(settings: Network, size: int) -> nn.Module:
    from leukoscope.models.network import mobilenet

    planes = Normalize(mobilenet.MEAN, mobilenet.STD)
    return CamNetwork(settings, planes, mobilenet.MobileNetV2(), mobilenet.CHANNELS)


def _timm(settings: Network, size: int) -> nn.Module:
    from leukoscope.models.network.backbones import Backbone

    trunk = Backbone(settings.architecture.removeprefix("timm:"), size)
    return CamNetwork(settings, Normalize(trunk.mean, trunk.std), trunk, trunk.channels)


NETWORKS: dict[str, Callable[[Network, int], nn.Module]] = {
    "dense": Dense,
    "cnn": _cnn,
    "mobilenet_v2": _mobilenet_v2,
    "timm": _timm,
}
"""Constructors by the architecture before a colon; `settings.ARCHITECTURES` lists our own."""


def build(recipe: "NetworkRecipe") -> nn.Module:
    """The network of a recipe, with new weights drawn from torch's current random state.

    `leukoscope.models.network.weights` loads the weights that `network.weights` names.

    Raises:
        RecipeError: timm has no such network, or it does not fit the size of the cells.
    """
    settings, size = recipe.network, recipe.input.size
    network = NETWORKS[settings.architecture.partition(":")[0]](settings, size)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
