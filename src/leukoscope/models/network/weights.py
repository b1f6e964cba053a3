"""Weights that a trunk starts from: a file, or timm's own from the Hugging Face hub.

Files are safetensors or NumPy archives. A pickle (.pth, .pt, .bin, .ckpt) can run any program when
it is opened, and so is refused.
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
OWN_PREFIX = "network.trunk."  # in a checkpoint of ours
COUNTER = "num_batches_tracked"  # of batch norms; nothing reads it here
CONVERT = (
    'python -c "import torch, safetensors.torch as s; s.save_file({{n: t.contiguous() for n, t in '
    "torch.load('{0}', weights_only=True).items()}}, '{1}')\""
)


def find_weights(settings: Network) -> Path | None:
    """The file a recipe's trunk starts from, downloaded if need be; None where it is chance.

    Raises:
        TrainingError: No such file, or one of a kind that is not read.
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
            f"{path}: no such file of weights; name one with --weights, or start from chance with "
            "--weights none."
        )
    return path


def load_weights(network: nn.Module, path: Path) -> None:
    """Put the weights of a file into a network's trunk; its head stays as it is.

    Args:
        network: Any that `leukoscope.models.network.networks.build` makes.
        path: .safetensors or .npz, by the names of timm, of the trunk's modules, or of a checkpoint
            of ours (best.safetensors in a run folder).

    Raises:
        TrainingError: The file is damaged, or not of this network.
    """
    given = _read(path)
    trunk = network.get_submodule("trunk")
    if any(name.startswith(OWN_PREFIX) for name in given):
        given = {
            name.removeprefix(OWN_PREFIX): tensor
            for name, tensor in given.items()
            if name.startswith(OWN_PREFIX)
        }
    elif isinstance(body := getattr(trunk, "body", None), nn.Module):
        trunk = body
    wanted = {n: t for n, t in trunk.state_dict().items() if not n.endswith(COUNTER)}
    fitting = _fitting(given, wanted)
    if len(fitting) < len(wanted):
        fitting = _fitting(_converted(given, trunk), wanted)
    missing = [name for name in wanted if name not in fitting]
    if missing or not wanted:
        raise TrainingError(
            f"{path}: holds the weights of another network: {len(fitting)} of {len(wanted)} "
            f"tensors fit, {next(iter(missing), 'its only one')} does not. Name the file of "
            "this network, or start from chance with --weights none."
        )
    trunk.load_state_dict(fitting, strict=False)


def described(settings: Network) -> str:
    """The weights as a model card names them: no path of the machine they were read on."""
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


def _fitting(given: dict[str, Any], wanted: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name: given[name]
        for name, tensor in wanted.items()
        if name in given and given[name].shape == tensor.shape
    }


def _converted(given: dict[str, Tensor], body: nn.Module) -> dict[str, Any]:
    """What timm makes of weights under other names or for another size of input."""
    convert = getattr(sys.modules[type(body).__module__], "checkpoint_filter_fn", None)
    if convert is None:
        return {}
    try:
        return dict(convert(given, body))
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError, AssertionError):
        return {}  # no weights that it knows
