"""Write the early layers of EfficientNet-Lite0 as the package has them.

    python tools/early_layers.py tf_efficientnet_lite0.npz

Takes ImageNet weights of timm's `tf_efficientnet_lite0` (Apache License 2.0), by the names of its
state dictionary. Batch normalization is folded into the convolutions, which are stored in float16.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from leukoscope.models.network import early_layers

EPSILON = 1e-3  # of TensorFlow's batch normalization
DEPTHS = (1, 2, 2)  # blocks of each stage
NOTES = {
    "source": "EfficientNet-Lite0, ImageNet; stem and first five blocks, batch norm folded in",
    "copyright": "Google LLC (TensorFlow TPU models)",
    "license": "Apache-2.0",
}


def main() -> None:
    """Fold and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path, help="timm's tf_efficientnet_lite0 as .npz")
    parser.add_argument("--out", type=Path, default=_packaged(), help="file to write")
    args = parser.parse_args()
    with np.load(args.weights) as state:
        folded = fold(state)
    save_file(folded, args.out, metadata=NOTES)
    print(f"{args.out}: {sum(value.size for value in folded.values()):,} numbers")


def fold(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Convolutions with batch normalization folded in, by the names that the package uses."""
    folded = _folded(state, "conv_stem", "bn1", "stem")
    places = [(stage, at) for stage, depth in enumerate(DEPTHS) for at in range(depth)]
    for number, (stage, at) in enumerate(places):
        block, name = f"blocks.{stage}.{at}", f"block{number}"
        if f"{block}.conv_pwl.weight" in state:
            layers = [("conv_pw", "bn1", "expand"), ("conv_dw", "bn2", "depthwise")]
            layers.append(("conv_pwl", "bn3", "project"))
        else:
            layers = [("conv_dw", "bn1", "depthwise"), ("conv_pw", "bn2", "project")]
        for conv, norm, role in layers:
            folded |= _folded(state, f"{block}.{conv}", f"{block}.{norm}", f"{name}_{role}")
    return folded


def _folded(
    state: Mapping[str, np.ndarray], conv: str, norm: str, name: str
) -> dict[str, np.ndarray]:
    gain, shift, mean, variance = (
        state[f"{norm}.{part}"].astype(np.float64)
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gain / np.sqrt(variance + EPSILON)
    weight = state[f"{conv}.weight"].astype(np.float64) * scale[:, None, None, None]
    # safetensors writes an array as it lies in memory, and weights from TensorFlow lie transposed.
    return {
        f"{name}_weight": np.ascontiguousarray(weight.astype(np.float16)),
        f"{name}_bias": (shift - mean * scale).astype(np.float16),
    }


def _packaged() -> Path:
    return Path(early_layers.__file__).parent / early_layers.WEIGHTS


if __name__ == "__main__":
    main()
