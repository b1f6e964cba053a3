"""Checkpoints as safetensors: everything a run needs to resume as if it had never stopped.

Randomness needs no saving: order, augmentation and dropout of an epoch are functions of the seed
and its number.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from leukoscope.core.errors import TrainingError
from leukoscope.core.files import atomic_path
from leukoscope.training.run import BEST, LAST

__all__ = ["BEST", "LAST", "load", "read_state", "save"]


def save(
    path: Path, network: nn.Module, optimizer: torch.optim.Optimizer | None, state: dict[str, Any]
) -> None:
    """Write weights, the optimizer's moments and a small JSON state as one file, atomically."""
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    if optimizer is not None:
        for index, moments in optimizer.state_dict()["state"].items():
            tensors |= {
                f"optimizer.{index}.{name}": torch.as_tensor(value)
                for name, value in moments.items()
            }
    with atomic_path(path) as temporary:
        stored = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
        save_file(stored, temporary, metadata={"state": json.dumps(state)})


def read_state(path: Path) -> dict[str, Any]:
    """Read the JSON state only.

    Raises:
        TrainingError: The file is damaged.
    """
    with _usable(path), safe_open(path, framework="pt") as file:
        return dict(json.loads(file.metadata()["state"]))


def load(path: Path, network: nn.Module, optimizer: torch.optim.Optimizer | None = None) -> None:
    """Restore the weights and, if an optimizer is given, its moments.

    Raises:
        TrainingError: The file is damaged or of another network.
    """
    with _usable(path):
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        network.load_state_dict(_below(tensors, "network."))
        if optimizer is not None:
            _load_moments(optimizer, _below(tensors, "optimizer."))


@contextmanager
def _usable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, SafetensorError, RuntimeError, KeyError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise TrainingError(
            f"{path}: this checkpoint cannot be used ({reason}); start again with --fresh."
        ) from error


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def _load_moments(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split(".", 1)
        moments.setdefault(int(index), {})[key] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": moments, "param_groups": groups})
