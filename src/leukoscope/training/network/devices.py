"""The device, precision and processes of a training, through Lightning Fabric."""

import logging
import os

import torch
import torch.distributed as dist
from lightning_fabric import Fabric

from leukoscope.core.processes import processes_here, world_size


def share_cores(jobs: int) -> None:
    """Let each of several processes compute with its part of the cores.

    `torchrun` sets one thread for each process, however many cores there are.

    Args:
        jobs: The threads of this process.
    """
    if world_size() > 1:
        torch.set_num_threads(jobs)


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
    join_processes()
    fabric.launch()
    return fabric


def join_processes() -> None:
    """Connect the processes, also those that `torchrun --max-restarts` starts in place of others.

    The agent of torchrun keeps one store for all starts. Without a prefix of its own, a new process
    reads the address of one that has ended, and cannot connect to it.
    """
    if world_size() == 1 or dist.is_initialized():
        return
    from torch.distributed.distributed_c10d import PrefixStore
    from torch.distributed.rendezvous import rendezvous

    store, rank, world = next(rendezvous("env://"))
    start = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    backend = "nccl" if torch.cuda.is_available() else "gloo"
    prefixed = PrefixStore(f"start {start}", store)
    dist.init_process_group(backend, store=prefixed, rank=rank, world_size=world)


def computes_bf16() -> bool:
    """True if the hardware computes in bfloat16 and does not emulate it."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
