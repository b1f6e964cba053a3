"""Measure the effect of precision, allocator thresholds and memory format on training speed.

Trains the network of a recipe on random cells, with and without each, and prints images per second:
steps only (no reading, no augmentation), and augmentation only, by threads. Precision and allocator
are those of a process, so each pair runs in its own processes. The pairs alternate, so that a
machine that is slow for a while is slow for all of them. Medians.

    python benchmarks/training.py [--recipe cnn] [--batch 32] [--steps 8] [--rounds 3]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from leukoscope.models.recipe.recipe import NetworkRecipe, read_recipe

WARM_UP = 2  # steps that fill caches and are not timed
FORMATS = ("channels last", "channels first")
PRECISIONS = ("fp32", "bf16")
ALLOCATORS = ("tuned", "default")


def steps_per_second(recipe: NetworkRecipe, memory_format: str, batch: int, steps: int) -> float:
    """Training steps per second in this process, which `measure` has prepared."""
    import torch

    from leukoscope.models.network.networks import build
    from leukoscope.training.network.devices import open_fabric
    from leukoscope.training.network.loss import make_optimizer, weighted_loss

    fabric = open_fabric(recipe.fit.precision)
    torch.manual_seed(0)
    network = fabric.to_device(build(recipe))
    if memory_format == "channels first":
        network.to(memory_format=torch.contiguous_format)
        network.trunk.register_forward_pre_hook(lambda _, inputs: (inputs[0].contiguous(),))
    model, optimizer = fabric.setup(network, make_optimizer(network.parameters(), recipe.optimizer))
    model.train()
    size = recipe.input.size
    cells = torch.randint(0, 256, (batch, size, size, 3), dtype=torch.uint8, device=fabric.device)
    target = fabric.to_device((torch.arange(batch) % 2).float())
    began = 0.0
    for step in range(WARM_UP + steps):
        if step == WARM_UP:
            began = time.perf_counter()
        loss = weighted_loss(model(cells).logit.float(), target, np.ones(2), 0.0)
        optimizer.zero_grad(set_to_none=True)
        fabric.backward(loss)
        optimizer.step()
        loss.item()  # waits for an accelerator
    return steps / (time.perf_counter() - began)


def measure(recipe: NetworkRecipe, allocator: str, batch: int, steps: int) -> dict[str, float]:
    """Images per second by memory format; run in a separate process."""
    import logging

    from leukoscope.training.network.allocator import keep_memory

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    if allocator == "tuned":
        keep_memory()
    return {form: batch * steps_per_second(recipe, form, batch, steps) for form in FORMATS}


def in_own_process(precision: str, allocator: str, args: argparse.Namespace) -> dict[str, float]:
    """Run `measure` in a new Python process."""
    command = [sys.executable, __file__, "--recipe", args.recipe, "--inside", precision, allocator]
    command += ["--batch", str(args.batch), "--steps", str(args.steps), "--size", str(args.size)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    rates: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return rates


def augmented_per_second(recipe: NetworkRecipe, cells: int, jobs: int) -> float:
    """Augmented cells per second, over the batches of an epoch."""
    from leukoscope.training.network.batches import training_batches

    size = recipe.input.size
    images = np.random.default_rng(0).integers(0, 256, (32, size, size, 3), dtype=np.uint8)
    order = np.arange(cells) % len(images)
    began = time.perf_counter()
    for _ in training_batches(
        images, order, recipe.augment, batch_size=32, seed=0, epoch=0, jobs=jobs
    ):
        pass
    return cells / (time.perf_counter() - began)


def rows(args: argparse.Namespace, recipe: NetworkRecipe) -> Iterator[tuple[str, float]]:
    """Names of the measurements and their medians in images per second."""
    rates: dict[str, list[float]] = defaultdict(list)
    for _ in range(args.rounds):
        for precision in PRECISIONS:
            for allocator in ALLOCATORS:
                for form, rate in in_own_process(precision, allocator, args).items():
                    rates[f"step, {precision}, allocator {allocator}, {form}"].append(rate)
        for jobs in sorted({1, os.cpu_count() or 1}):
            rate = augmented_per_second(recipe, args.batch * args.steps * 4, jobs)
            rates[f"augmentation, {jobs} thread{'s' if jobs > 1 else ''}"].append(rate)
    for name, values in rates.items():
        yield name, statistics.median(values)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="cnn")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=0, help="of the cells; by default the recipe's")
    parser.add_argument("--inside", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()

    recipe = read_recipe(args.recipe)
    assert isinstance(recipe, NetworkRecipe), f"{recipe.name} trains an estimator"
    args.size = args.size or recipe.input.size
    recipe = recipe.with_settings({"input.size": args.size})
    if args.inside:
        precision, allocator = args.inside
        measured = recipe.with_settings({"fit.precision": precision})
        print(json.dumps(measure(measured, allocator, args.batch, args.steps)))
        return
    print(f"{recipe.name}, {args.size} px, batches of {args.batch}, {os.cpu_count()} cores")
    for name, rate in rows(args, recipe):
        print(f"{name:<50} {rate:8.1f} images/s")


if __name__ == "__main__":
    main()
