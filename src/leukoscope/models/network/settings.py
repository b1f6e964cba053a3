"""Settings of a network, and the conditions on them; reading them needs no PyTorch."""

import re
from dataclasses import dataclass
from typing import Literal

ARCHITECTURES = ("dense", "cnn", "mobilenet_v2")
TIMM = re.compile(r"timm:[\w.]+")
ALIGN = 16
"""The side of a crop of `texture` is a multiple of this, in pixels, so that the windows in its
middle begin at a place of the heatmap."""


@dataclass(frozen=True)
class Network:
    """A network: a trunk that computes features, and a head that maps them to one logit.

    Attributes:
        architecture: "dense", "cnn", "mobilenet_v2", or "timm:NAME" for any network of timm.
        widths: Channels per convolution of `cnn`, units per dense layer of `dense`.
        pooling: Treatment of the last features of `cnn`: "flatten", or "gap" (global average
            pooling). All other architectures except `dense` use global average pooling.
        downsampling: Pooling after each convolution of `cnn`, which halves the image.
        norm: Normalization after each convolution of `cnn`; "layer" is over all channels and
            places.
        activation: Activation function of `cnn`, `dense` and every head.
        laplacian: Give `cnn` the Laplacian of the gray image as a fourth channel.
        hidden: Units of the dense layer after "flatten".
        head: Units of dense layers between pooled features and the logit; none by default.
        dropout: Dropout rate of the head's inputs, and after each dense layer of the head.
        weights: Initial weights of the trunk: "none" (random), "hub" (for timm) or a file.
    """

    architecture: str = "cnn"
    widths: tuple[int, ...] = (32, 64, 64)
    pooling: Literal["flatten", "gap"] = "flatten"
    downsampling: Literal["max", "average"] = "max"
    norm: Literal["none", "batch", "group", "layer"] = "none"
    activation: Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh"] = "relu"
    laplacian: bool = False
    hidden: int = 64
    head: tuple[int, ...] = ()
    dropout: float = 0.0
    weights: str = "none"

    def rules(self, size: int) -> list[tuple[object, str]]:
        """Conditions on the settings, each with the rule in words.

        Args:
            size: Side of the cells in pixels.
        """
        cnn = self.architecture == "cnn"
        return [
            (
                self.architecture in ARCHITECTURES or TIMM.fullmatch(self.architecture),
                f"network.architecture: {', '.join(ARCHITECTURES)}, or timm:NAME",
            ),
            (self.widths and min(self.widths) > 0, "network.widths: positive numbers"),
            (self.hidden > 0, "network.hidden: above 0"),
            (not self.head or min(self.head) > 0, "network.head: positive numbers"),
            (0 <= self.dropout < 1, "network.dropout: from 0 to below 1"),
            (
                self.architecture != "dense" or self.pooling == "flatten",
                "network.pooling: dense layers have no positions, so gap needs cnn",
            ),
            (cnn or self.norm == "none", "network.norm: for cnn; other networks have their own"),
            (cnn or not self.laplacian, "network.laplacian: for cnn only"),
            (
                not cnn or last_side(self.widths, size) > 0,
                "network.widths: too many convolutions for input.size, each of which halves it",
            ),
            (self.weights.strip(), "network.weights: none, hub, or a file"),
            (
                self.weights != "hub" or self.architecture.startswith("timm:"),
                "network.weights: the hub has weights of timm:NAME only; name a file",
            ),
        ]


def last_side(widths: tuple[int, ...], size: int) -> int:
    """The side of the features after a 3x3 convolution and a downsampling by 2 per width.

    Args:
        widths: Channels per convolution.
        size: Side of the cell in pixels.
    """
    for _ in widths:
        size = (size - 2) // 2
    return size
