"""The device, precision and processes of a training, through Lightning Fabric."""

import logging

import torch
from lightning_fabric import Fabric

from leukoscope.training.network.distributed import processes_here, world_size


def open_fabric(precision: str) -> Fabric:
    """A launched Fabric on the best device, with all processes that `torchrun` started.

    Args:
        precision: "bf16" or "fp32".
    """
    # It announces the precision and the processes of every training.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    fabric = Fabric(
        accelerator="auto",
        devices=processes_here(),
        num_nodes=max(1, world_size() // processes_here()),
        strategy="ddp" if world_size() > 1 else "auto",
        precision="bf16-mixed" if precision == "bf16" else "32-true",
    )
    fabric.launch()
    return fabric


def computes_bf16() -> bool:
    """True if the hardware computes in bfloat16 and does not emulate it."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
