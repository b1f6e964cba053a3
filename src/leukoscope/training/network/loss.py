"""Loss, penalties and optimizer."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from leukoscope.models.network.param_groups import head
from leukoscope.models.recipe.settings import Loss, Optimizer

MOMENTUM = 0.9
READ_EVERY = 16  # steps, on an accelerator

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "adamax": torch.optim.Adamax,
    "rmsprop": torch.optim.RMSprop,
    "sgd": lambda parameters, **settings: torch.optim.SGD(
        parameters, momentum=MOMENTUM, **settings
    ),
}


def weighted_loss(logit: Tensor, target: Tensor, weights: np.ndarray, smoothing: float) -> Tensor:
    """Binary cross-entropy, weighted by class, averaged over the batch.

    Divided by the number of cells, not by the sum of weights, so that the mean over processes is
    that of the whole batch.

    Args:
        logit: float (N,).
        target: float (N,), 1 for ALL and 0 for HEM.
        weights: (2,) class weights of HEM and ALL.
        smoothing: Targets become smoothing/2 and 1 - smoothing/2.
    """
    weight = torch.where(target > 0.5, float(weights[1]), float(weights[0]))
    smooth = target * (1 - smoothing) + smoothing / 2
    return nn.functional.binary_cross_entropy_with_logits(logit, smooth, weight)


def penalty(network: nn.Module, settings: Loss) -> Tensor | float:
    """L1 and L2 penalties on kernels that train; biases and norms are not penalized."""
    if not (settings.l1 or settings.l2):
        return 0.0
    weights = dict(network.named_parameters())
    names = head(network) if settings.penalized == "head" else list(weights)
    kernels = [w for name in names if (w := weights[name]).ndim > 1 and w.requires_grad]
    total: Tensor | float = 0.0
    for kernel in kernels:
        total = total + settings.l1 * kernel.abs().sum() + settings.l2 * kernel.square().sum()
    return total


def make_optimizer(
    weights: Iterable[nn.Parameter] | list[dict[str, Any]], settings: Optimizer
) -> torch.optim.Optimizer:
    """The optimizer of a recipe, for weights or groups of them (see `stages.trainable`)."""
    return OPTIMIZERS[settings.name](
        weights, lr=settings.learning_rate, weight_decay=settings.weight_decay
    )


class Losses:
    """The mean loss of an epoch, read from an accelerator every few steps only.

    Reading waits for all that was begun, so that the processor could not prepare the next step
    meanwhile.
    """

    def __init__(self, device: torch.device) -> None:
        self.every = 1 if device.type == "cpu" else READ_EVERY
        self.cells, self._read_cells, self._sum = 0, 0, 0.0
        self._waiting: list[tuple[Tensor, int]] = []

    @property
    def mean(self) -> float:
        """The mean over the cells whose loss was read."""
        return self._sum / max(1, self._read_cells)

    def add(self, loss: Tensor, cells: int) -> bool:
        """Add the mean loss of some cells; return True if the losses were read."""
        self._waiting.append((loss.detach(), cells))
        self.cells += cells
        if len(self._waiting) < self.every:
            return False
        return self.read()

    def read(self) -> bool:
        """Read the losses that wait; return True if there were any."""
        waited = bool(self._waiting)
        if waited:
            values = torch.stack([loss for loss, _ in self._waiting]).tolist()
            for value, (_, cells) in zip(values, self._waiting, strict=True):
                self._sum, self._read_cells = self._sum + value * cells, self._read_cells + cells
            self._waiting = []
        return waited
