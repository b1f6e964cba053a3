"""The network with an exact heatmap: a trunk, global average pooling, and a head."""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from leukoscope.models.network.layers import ACTIVATIONS
from leukoscope.models.network.settings import Network

# Slopes of piecewise linear activations for negative inputs.
SLOPES = {"relu": 0.0, "leaky_relu": 0.01}


class NetworkOutput(NamedTuple):
    """Output of a network for N cells.

    Attributes:
        logit: (N,), log-odds of ALL.
        embedding: (N, d), input of the head.
        heatmap: (N, h, w) with logit = mean of the heatmap + bias, or None if no exact heatmap
            exists.
    """

    logit: Tensor
    embedding: Tensor
    heatmap: Tensor | None


class CamNetwork(nn.Module):
    """Features of a trunk, averaged over all places, and a head that maps them to one logit.

    Without dense layers in the head the logit is a weighted mean of the features, and the weighted
    features are its exact class activation map (B. Zhou et al., Learning deep features for
    discriminative localization, CVPR 2016). With ReLU layers the head is linear for a given cell,
    because the active units are known: each place contributes to the active units, and their biases
    are spread evenly over the places. For other activations there is no exact heatmap.
    """

    def __init__(
        self, settings: Network, planes: nn.Module, trunk: nn.Module, channels: int
    ) -> None:
        """Assemble the network.

        Args:
            settings: Settings of the head: layers, activation and dropout.
            planes: Module from uint8 cells (N, S, S, 3) to the input of the trunk.
            trunk: Module from there to features (N, channels, h, w).
            channels: Number of channels of the features.
        """
        super().__init__()
        self.planes, self.trunk = planes, trunk
        self.dropout = nn.Dropout(settings.dropout)
        self.layers = nn.ModuleList(
            nn.Linear(a, b) for a, b in pairwise((channels, *settings.head))
        )
        self.activation = ACTIVATIONS[settings.activation]()
        self.slope = SLOPES.get(settings.activation)
        self.classifier = nn.Linear((channels, *settings.head)[-1], 1)

    def forward(self, cells: Tensor) -> NetworkOutput:
        """NetworkOutput for uint8 cells (N, S, S, 3)."""
        features = self.trunk(self.planes(cells))  # (N, C, h, w)
        embedding = features.mean(dim=(2, 3))  # (N, C)
        units, inputs = embedding, []
        for layer in self.layers:
            inputs.append(layer(self.dropout(units)))  # (N, units)
            units = self.activation(inputs[-1])
        logit = self.classifier(self.dropout(units)).squeeze(1)
        return NetworkOutput(logit, embedding, self._heatmap(features, inputs))

    def _heatmap(self, features: Tensor, inputs: list[Tensor]) -> Tensor | None:
        """Contribution of each place to the logit, given the inputs of the head's activations."""
        if not inputs:
            row = self.classifier.weight[:, :, None, None]  # (1, C, 1, 1)
            return nn.functional.conv2d(features, row).squeeze(1)
        if self.slope is None:
            return None
        rows = self.classifier.weight.expand(features.shape[0], -1)  # (N, units)
        offset = rows.new_zeros(features.shape[0])
        for layer, units in zip(reversed(self.layers), reversed(inputs), strict=True):
            assert isinstance(layer, nn.Linear)
            rows = rows * torch.where(units > 0, 1.0, self.slope)
            offset = offset + rows @ layer.bias
            rows = rows @ layer.weight  # (N, units of the layer below)
        return torch.einsum("nc,nchw->nhw", rows, features) + offset[:, None, None]
