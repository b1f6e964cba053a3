"""Initial weights of a trunk: a file, or timm's own from the Hugging Face hub.

Files are safetensors or NumPy archives. A pickle (.pth, .pt, .bin, .ckpt) can run any program when
it is opened, and is refused.
"""

import sys
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from leukoscope.core.errors import TrainingError
from leukoscope.core.files import sha256_file
from leukoscope.models.network.hub import download
from leukoscope.models.network.settings import Network

NONE, HUB = "none", "hub"
OWN_PREFIX = "network.trunk."  # in a checkpoint of Leukoscope
COUNTER = "num_batches_tracked"  # of batch norms; not used here
CONVERT = (
    'python -c "import torch, safetensors.torch as s; s.save_file({{n: t.contiguous() for n, t in '
    "torch.load('{0}', weights_only=True).items()}}, '{1}')\""
)


def find_weights(settings: Network) -> Path | None:
    """Find the file of initial weights, downloaded if necessary; None for random weights.

    Raises:
        TrainingError: No such file, or an unsupported file type.
        DownloadError: The hub cannot be reached, or has no such weights.
        RecipeError: timm has no such network.
    """
    if settings.weights == NONE:
        return None
    if settings.weights == HUB:
        from leukoscope.models.network.backbones import hub_file

        return download(*hub_file(settings.architecture.removeprefix("timm:")))
    path = Path(settings.weights).expanduser()
    if path.suffix not in (".safetensors", ".npz"):
        command = CONVERT.format(path, path.with_suffix(".safetensors").name)
        raise TrainingError(
            f"{path}: weights are read from .safetensors or .npz, not from pickles, which can run "
            f"any program. Convert a file that you trust with: {command}"
        )
    if not path.is_file():
        raise TrainingError(
            f"{path}: no such file of weights; name one with --weights, or use random weights with "
            "--weights none."
        )
    return path


def load_weights(network: nn.Module, path: Path) -> None:
    """Load the weights of a file into a network's trunk; the head is unchanged.

    Args:
        network: A network from `leukoscope.models.network.networks.build`.
        path: .safetensors or .npz with the names of timm, of the trunk's modules, or of a
            Leukoscope checkpoint (best.safetensors in a run folder).

    Raises:
        TrainingError: The file is damaged, or belongs to another network.
    """
    tensors = _read(path)
    trunk = network.get_submodule("trunk")
    if any(name.startswith(OWN_PREFIX) for name in tensors):
        tensors = {
            name.removeprefix(OWN_PREFIX): tensor
            for name, tensor in tensors.items()
            if name.startswith(OWN_PREFIX)
        }
    elif isinstance(body := getattr(trunk, "body", None), nn.Module):
        trunk = body
    wanted = {
        name: tensor for name, tensor in trunk.state_dict().items() if not name.endswith(COUNTER)
    }
    fitting = _fitting(tensors, wanted)
    if len(fitting) < len(wanted):
        fitting = _fitting(_converted(tensors, trunk), wanted)
    missing = [name for name in wanted if name not in fitting]
    if missing or not wanted:
        raise TrainingError(
            f"{path}: holds the weights of another network: {len(fitting)} of {len(wanted)} "
            f"tensors fit, {next(iter(missing), 'its only one')} does not. Name the file of "
            "this network, or use random weights with --weights none."
        )
    trunk.load_state_dict(fitting, strict=False)


def described(settings: Network) -> str:
    """The weights as a model card names them, without a path of this machine."""
    if settings.weights in (NONE, HUB):
        return settings.weights
    path = Path(settings.weights).expanduser()
    known = f" (sha256 {sha256_file(path)[:16]})" if path.is_file() else ""
    return f"{path.name}{known}"


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                return {name: torch.from_numpy(arrays[name]) for name in arrays.files}
        return load_file(path)
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
        EOFError,
        BadZipFile,
        SafetensorError,
    ) as error:
        reason = " ".join(str(error).split())[:160]
        raise TrainingError(f"{path}: these weights cannot be read ({reason}).") from error


def _fitting(tensors: dict[str, Any], wanted: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name: tensors[name]
        for name, tensor in wanted.items()
        if name in tensors and tensors[name].shape == tensor.shape
    }


def _converted(tensors: dict[str, Tensor], body: nn.Module) -> dict[str, Any]:
    """Weights under other names or for another input size, as timm converts them."""
    convert = getattr(sys.modules[type(body).__module__], "checkpoint_filter_fn", None)
    if convert is None:
        return {}
    try:
        return dict(convert(tensors, body))
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError, AssertionError):
        return {}  # not weights that timm knows
