"""MobileNetV2 in NumPy, written from the paper and TensorFlow's definition of SAME padding."""

import numpy as np

BLOCKS = (  # expands?, stride, residual; blocks 1 to 17
    (False, 1, False), (True, 2, False), (True, 1, True), (True, 2, False), (True, 1, True),
    (True, 1, True), (True, 2, False), (True, 1, True), (True, 1, True), (True, 1, True),
    (True, 1, False), (True, 1, True), (True, 1, True), (True, 2, False), (True, 1, True),
    (True, 1, True), (True, 1, False),
)  # fmt: skip


def mobilenet_v2(cells: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    """Features (N, 1280, h, w) of uint8 cells (N, S, S, 3)."""

    def conv(x: np.ndarray, name: str, stride: int = 1, *, depthwise: bool = False) -> np.ndarray:
        return convolve(
            x, weights[f"{name}.weight"], weights[f"{name}.bias"], stride, depthwise=depthwise
        )

    x = cells.transpose(0, 3, 1, 2) / 127.5 - 1
    x = relu6(conv(x, "features.0", 2))
    for number, (expands, stride, residual) in enumerate(BLOCKS, start=1):
        name = f"features.{number}"
        inner = relu6(conv(x, f"{name}.expand")) if expands else x
        inner = relu6(conv(inner, f"{name}.dw", stride, depthwise=True))
        out = conv(inner, f"{name}.project")
        x = x + out if residual else out
    return relu6(conv(x, "features.18"))


def convolve(
    x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, stride: int, *, depthwise: bool
) -> np.ndarray:
    """SAME: ceil(n / stride) outputs, the padding shared out with the odd one at the end."""
    n, k = x.shape[-1], kernel.shape[-1]
    outputs = int(np.ceil(n / stride))
    total = max((outputs - 1) * stride + k - n, 0)
    edge = (total // 2, total - total // 2)
    padded = np.pad(x, ((0, 0), (0, 0), edge, edge))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (k, k), axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    if depthwise:
        out = np.einsum("nchwij,cij->nchw", windows, kernel[:, 0], optimize=True)
    else:
        out = np.einsum("nchwij,ocij->nohw", windows, kernel, optimize=True)
    return out + bias[None, :, None, None]


def relu6(x: np.ndarray) -> np.ndarray:
    return np.clip(x, 0, 6)
