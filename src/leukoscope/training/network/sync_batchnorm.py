"""Batch norm over the cells of all processes, so that their number does not change the result.

PyTorch has the same for accelerators only (SyncBatchNorm).
"""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


def share_batch_norms(network: nn.Module) -> None:
    """Compute the statistics of batch norms in training mode over all processes.

    timm's batch norms keep their own activation. `unshare_batch_norms` undoes it.
    """
    for norm in _norms(network):
        norm.forward = _Forward(norm)  # type: ignore[method-assign, assignment]


def unshare_batch_norms(network: nn.Module) -> None:
    """Undo `share_batch_norms`."""
    for norm in _norms(network):
        vars(norm).pop("forward", None)


def _norms(network: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


class _Forward:
    """The replacement of the `forward` of one norm."""

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        self.norm, self.forward = norm, norm.forward

    def __call__(self, x: Tensor) -> Tensor:
        if not self.norm.training:
            return self.forward(x)
        normalized = _normalized(self.norm, x.float()).to(x.dtype)
        for after in ("drop", "act"):  # timm's
            if isinstance(module := getattr(self.norm, after, None), nn.Module):
                normalized = module(normalized)
        return normalized


def _normalized(norm: nn.BatchNorm2d, x: Tensor) -> Tensor:
    """Batch norm of float32 (N, C, h, w), running statistics updated."""
    count = x.new_tensor([x.numel() / x.shape[1]])
    total = summed(torch.cat([x.sum((0, 2, 3)), count]))
    mean, n = total[:-1] / total[-1], total[-1]
    centered = x - mean[:, None, None]
    variance = summed(centered.square().sum((0, 2, 3))) / n
    with torch.no_grad():
        if norm.running_mean is not None and norm.running_var is not None:
            rate = 0.1 if norm.momentum is None else norm.momentum
            norm.running_mean.lerp_(mean, rate)
            norm.running_var.lerp_(variance * n / (n - 1), rate)
        if norm.num_batches_tracked is not None:
            norm.num_batches_tracked.add_(1)
    normalized = centered * torch.rsqrt(variance + norm.eps)[:, None, None]
    if norm.affine:
        normalized = normalized * norm.weight[:, None, None] + norm.bias[:, None, None]
    return normalized


def summed(values: Tensor) -> Tensor:
    """The sum over all processes, with its gradient."""
    total: Tensor = _Summed.apply(values)  # type: ignore[no-untyped-call]
    return total


class _Summed(torch.autograd.Function):
    @staticmethod
    def forward(_: Any, values: Tensor) -> Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total
