"""The networks, each from uint8 cells to an answer, and the one that a recipe names."""

import torch
from torch import Tensor, nn

from leukoscope.models.network.cam import CamNetwork, NetworkOutput
from leukoscope.models.network.layers import ACTIVATIONS, Normalize, convolutions
from leukoscope.models.recipe.recipe import NetworkRecipe
from leukoscope.models.recipe.rules import last_side
from leukoscope.models.recipe.settings import Network


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
    """Convolutions, then one hidden dense layer that knows where in the image each feature was."""

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


def build(recipe: NetworkRecipe) -> nn.Module:
    """The network a recipe names, with fresh weights from torch's current random state.

    What `network.weights` names is put in by `leukoscope.models.network.weights`.

    Raises:
        RecipeError: timm has no such network, or none that fits.
    """
    settings, size = recipe.network, recipe.input.size
    if settings.architecture == "dense":
        return Dense(settings, size)
    built: nn.Module = _with_places(settings, size)
    return built.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _with_places(settings: Network, size: int) -> nn.Module:
    if settings.architecture == "mobilenet_v2":
        from leukoscope.models.network import mobilenet

        planes = Normalize(mobilenet.MEAN, mobilenet.STD)
        return CamNetwork(settings, planes, mobilenet.MobileNetV2(), mobilenet.CHANNELS)
    if settings.architecture.startswith("timm:"):
        from leukoscope.models.network.backbones import Backbone

        trunk = Backbone(settings.architecture.removeprefix("timm:"), size)
        return CamNetwork(settings, Normalize(trunk.mean, trunk.std), trunk, trunk.channels)
    if settings.pooling == "flatten":
        return ConvFlatten(settings, size)
    planes = Normalize(laplacian=settings.laplacian)
    return CamNetwork(settings, planes, convolutions(settings), settings.widths[-1])
