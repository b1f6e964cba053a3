"""A short probe before a training: which precision and memory format are fastest here.

Whether bf16 and channels last pay depends on the processor, the network, its libraries and the size
of a batch, and no rule foresees it. So each is tried for a few steps on a batch of the training
cells. Another choice than fp32 and channels last is made only where it is clearly faster, so that
two runs on one machine rarely differ in it. The choice is part of the run: a resumed one keeps it.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from leukoscope.core.progress import duration
from leukoscope.models.network.networks import build
from leukoscope.models.recipe.recipe import NetworkRecipe
from leukoscope.training.network.devices import computes_bf16
from leukoscope.training.network.loss import make_optimizer, weighted_loss
from leukoscope.training.network.stages import freeze_norms, plan, trainable

log = logging.getLogger(__name__)

Precision = Literal["fp32", "bf16"]
Format = Literal["channels_last", "channels_first"]
PAYS = 0.9
"""Something else is taken if its step takes at most this fraction of the time."""
WARM_UP, TIMED = 1, 2
"""Steps of each: those that fill caches, and those of which the fastest counts."""
LONGEST = 30.0
"""Seconds after which nothing more is tried."""
FIRST: dict[str, Any] = {"memory_format": "channels_first"}
TORCH_FORMATS = {
    "channels_last": torch.channels_last,
    "channels_first": torch.contiguous_format,
}


@dataclass(frozen=True)
class Speed:
    """The precision and memory format of a run.

    Attributes:
        precision: Of the layers; weights and sums are always float32.
        memory_format: Order of the axes in memory.
        seconds: Measured time of a step, by what was tried; empty if nothing was.
    """

    precision: Precision
    memory_format: Format = "channels_last"
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Both as text."""
        return f"{self.precision}, {self.memory_format.replace('_', ' ')}"


def unprobed(recipe: NetworkRecipe) -> Speed:
    """The choice without a probe: that of a recipe that names a precision, and of older runs."""
    precision = recipe.fit.precision
    if precision == "auto":
        precision = "bf16" if computes_bf16() else "fp32"
    return Speed(precision)


def probe(recipe: NetworkRecipe, cells: np.ndarray, device: torch.device) -> Speed:
    """Choose by measuring steps of all layers that any stage trains, with random weights.

    Args:
        recipe: The settings.
        cells: uint8 (n, S, S, 3), the cells of one process's part of a step.
        device: Where it trains.
    """
    speed, began = Speed("fp32"), time.perf_counter()
    measured: dict[str, float] = {}
    measured[speed.name] = _step_seconds(recipe, cells, device, speed)
    # Where bf16 is emulated it never pays.
    for change in (*([{"precision": "bf16"}] if computes_bf16() else []), FIRST):
        if time.perf_counter() - began > LONGEST:
            break
        tried = replace(speed, **change)
        measured[tried.name] = _step_seconds(recipe, cells, device, tried)
        if measured[tried.name] <= PAYS * measured[speed.name]:
            speed = tried
    chosen = replace(speed, seconds=measured)
    times = "; ".join(f"{name} {duration(seconds)}" for name, seconds in measured.items())
    log.info(f"computes with {chosen.name} (a step with {times})")
    return chosen


def _step_seconds(
    recipe: NetworkRecipe, cells: np.ndarray, device: torch.device, speed: Speed
) -> float:
    """The fastest of a few steps, in seconds."""
    with torch.random.fork_rng():
        network = build(recipe).to(device).train()
        groups = trainable(network, plan(recipe)[-1])
        optimizer = make_optimizer(groups, recipe.optimizer)
        freeze_norms(network)
        set_memory_format(network, speed.memory_format)
        batch = torch.from_numpy(cells).to(device)
        target = (torch.arange(len(cells), device=device) % 2).float()
        times = []
        for _ in range(WARM_UP + TIMED):
            began = time.perf_counter()
            with torch.autocast(device.type, torch.bfloat16, enabled=speed.precision == "bf16"):
                logit = network(batch).logit
            loss = weighted_loss(logit.float(), target, np.ones(2), 0.0)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            loss.item()  # waits for an accelerator
            times.append(time.perf_counter() - began)
    return min(times[WARM_UP:])


def set_memory_format(network: nn.Module, name: Format) -> Callable[[], None]:
    """Let a network compute in a memory format, until the function returned is called."""
    network.to(memory_format=TORCH_FORMATS[name])  # type: ignore[call-overload]
    hooks = []
    if name == "channels_first":
        trunk = network.get_submodule("trunk")
        hooks.append(trunk.register_forward_pre_hook(lambda _, inputs: (inputs[0].contiguous(),)))

    def undo() -> None:
        for hook in hooks:
            hook.remove()
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    return undo
