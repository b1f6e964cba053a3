"""MobileNetV2 1.0 as TensorFlow computes it, with its batch norms folded into the convolutions.

Without norms nothing depends on the batch or on statistics of ImageNet, so a shift between persons
does not affect the normalization. Source: M. Sandler et al., MobileNetV2: inverted residuals and
linear bottlenecks, CVPR 2018.
"""

from torch import Tensor, nn

# Input of the available weights: RGB / 127.5 - 1.
MEAN = STD = (0.5, 0.5, 0.5)
CHANNELS = 1280

# Expansion, channels, blocks, stride of the first block.
TABLE = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class MobileNetV2(nn.Module):
    """The trunk, from planes (N, 3, S, S) to features (N, 1280, S/32, S/32)."""

    def __init__(self) -> None:
        super().__init__()
        channels = 32
        features: list[nn.Module] = [SameConv2d(3, channels, 3, stride=2)]
        for expansion, width, blocks, stride in TABLE:
            for number in range(blocks):
                features.append(Block(channels, width, expansion, stride if number == 0 else 1))
                channels = width
        features.append(SameConv2d(channels, CHANNELS, 1))
        self.features = nn.ModuleList(features)
        self.apply(_initialize)

    def forward(self, planes: Tensor) -> Tensor:
        """Features of normalized planes."""
        first, *blocks, last = self.features
        x = nn.functional.relu6(first(planes))
        for block in blocks:
            x = block(x)
        return nn.functional.relu6(last(x))

    def blocks(self) -> list[list[str]]:
        """Names of the weights by block, from input to output."""
        return [
            [f"features.{place}.{name}" for name, _ in module.named_parameters()]
            for place, module in enumerate(self.features)
        ]


class Block(nn.Module):
    """Inverted residual: expand, filter each channel, project; residual if the shapes are equal."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expand = SameConv2d(inputs, inner, 1) if expansion > 1 else None
        self.dw = SameConv2d(inner, inner, 3, stride=stride, groups=inner)
        self.project = SameConv2d(inner, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """The block's output."""
        inner = x if self.expand is None else nn.functional.relu6(self.expand(x))
        out: Tensor = self.project(nn.functional.relu6(self.dw(inner)))
        return x + out if self.residual else out


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's padding SAME: at stride 2 more to the right and below."""

    def forward(self, x: Tensor) -> Tensor:
        """The output, of side ceil(side / stride)."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        missing = [max((-(-n // stride) - 1) * stride + kernel - n, 0) for n in x.shape[-2:]]
        (top, left), (rows, columns) = (m // 2 for m in missing), missing
        padded = nn.functional.pad(x, (left, columns - left, top, rows - top))
        return super().forward(padded)


def _initialize(module: nn.Module) -> None:
    """Initialization of He et al., which preserves the signal through 50 layers without norms."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
