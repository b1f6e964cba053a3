"""The first layers of EfficientNet-Lite0, trained on ImageNet, which are never trained further.

Early layers respond to texture, which generalizes to persons that a model has not seen; later ones
respond to whole objects, and look better in cross-validation than they are on new persons
(docs/model-log.md).

Sources: M. Tan, Q. V. Le, "EfficientNet: rethinking model scaling for convolutional neural
networks", ICML 2019; the Lite variant and its weights, R. Liu, "Higher accuracy on vision models
with EfficientNet-Lite", TensorFlow Blog 2020, Apache License 2.0. `tools/early_layers.py` writes
the file of weights, with batch normalization folded into the convolutions.
"""

from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad, relu6

WEIGHTS = "efficientnet_lite0_early.safetensors"
VERSION = 2
"""Changes with anything here that changes a measured value."""


class Block(NamedTuple):
    """An inverted residual block.

    Attributes:
        expanded: Channels of the depthwise convolution.
        kernel: Side of the depthwise convolution.
        stride: Stride of the depthwise convolution.
        channels: Channels of the output.
    """

    expanded: int
    kernel: int
    stride: int
    channels: int


STEM = 32
BLOCKS = (
    Block(32, 3, 1, 16),
    Block(96, 3, 2, 24),
    Block(144, 3, 1, 24),
    Block(144, 5, 2, 40),
    Block(240, 5, 1, 40),
)
TAKEN = {2: 4, 3: 8, 4: 8}
"""Blocks whose output describes a cell, with the distance of places in input pixels."""
CHANNELS = sum(BLOCKS[number].channels for number in TAKEN)


class EarlyLayers(nn.Module):
    """Stem and first five blocks, without batch normalization.

    Convolutions of stride 2 pad below and right alone, as TensorFlow does for even sides.
    """

    def __init__(self) -> None:
        super().__init__()
        for name, value in weights().items():
            self.register_buffer(name, torch.tensor(value))  # a copy: the weights are shared

    def forward(self, planes: Tensor) -> dict[int, Tensor]:
        """Outputs of the blocks in `TAKEN`, by number, for RGB planes (N, 3, h, w) in -1..1."""
        features = relu6(self._conv(planes, "stem", 2))
        taken = {}
        for number, block in enumerate(BLOCKS):
            features = self._block(features, number, block)
            if number in TAKEN:
                taken[number] = features
        return taken

    def _block(self, features: Tensor, number: int, block: Block) -> Tensor:
        hidden = features
        if block.expanded != features.shape[1]:
            hidden = relu6(self._conv(features, f"block{number}_expand"))
        hidden = relu6(self._conv(hidden, f"block{number}_depthwise", block.stride, block.expanded))
        output = self._conv(hidden, f"block{number}_project")
        same = block.stride == 1 and output.shape[1] == features.shape[1]
        return output + features if same else output

    def _conv(self, features: Tensor, name: str, stride: int = 1, groups: int = 1) -> Tensor:
        weight = self.get_buffer(f"{name}_weight")
        around = weight.shape[2] - 1
        if stride == 1:
            padding = around // 2
        else:
            before, after = (around - 1) // 2, around // 2
            features = pad(features, (before, after, before, after))
            padding = 0
        return conv2d(features, weight, self.get_buffer(f"{name}_bias"), stride, padding, 1, groups)


@lru_cache(maxsize=1)
def weights() -> Mapping[str, np.ndarray]:
    """Convolution weights and biases by name, float32."""
    from safetensors.numpy import load

    data = resources.files("leukoscope.models.network").joinpath(WEIGHTS).read_bytes()
    return {name: value.astype(np.float32) for name, value in load(data).items()}
