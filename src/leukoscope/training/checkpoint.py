"""Checkpoints as safetensors: everything a run needs to go on as if it had never stopped.

Randomness needs no saving: order, augmentation and dropout of an epoch are functions of the seed and its number.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from leukoscope.errors import TrainingError
from leukoscope.files import atomic_path

LAST, BEST = "last.safetensors", "best.safetensors"


def save(
    path: Path, network: nn.Module, optimiser: torch.optim.Optimizer | None, state: dict[str, Any]
) -> None:
    """Write weights, the optimiser's moments and a small JSON state as one file, atomically."""
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    if optimiser is not None:
        for index, moments in optimiser.state_dict()["state"].items():
            tensors |= {
                f"optimiser.{index}.{name}": torch.as_tensor(value) for name, value in moments.items()
            }
    with atomic_path(path) as temporary:
        stored = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
        save_file(stored, temporary, metadata={"state": json.dumps(state)})


def load(
    path: Path, network: nn.Module, optimiser: torch.optim.Optimizer | None = None
) -> dict[str, Any]:
    """Put weights and moments back; return the state.

    Raises:
        TrainingError: The file is damaged or of another network.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            state: dict[str, Any] = json.loads(file.metadata()["state"])
        network.load_state_dict(_below(tensors, "network."))
        if optimiser is not None:
            _load_moments(optimiser, _below(tensors, "optimiser."))
    except (OSError, SafetensorError, RuntimeError, KeyError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise TrainingError(
            f"{path}: this checkpoint cannot be used ({reason}); delete the run folder to start anew."
        ) from error
    return state


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}


def _load_moments(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split(".", 1)
        moments.setdefault(int(index), {})[key] = value
    optimiser.load_state_dict({"state": moments, "param_groups": optimiser.state_dict()["param_groups"]})
