"""How far is a training from its network's own speed, and how good is its estimate of memory?

Speed: `fit` trains on cells in memory, with augmentation, losses and all; between its epochs the
same kind of network takes steps on one fixed batch. Both alternate in one process, so the ratio
holds where the rates do not. The processor time of a step says the same and does not depend on what
else the machine does. With --peers, Keras trains the CNN of the first project, whose layers `cnn`
has, on a batch of as many cells.

Memory: `leukoscope.train` runs as a whole, and the estimate that it logs after a few steps is
compared with the most memory the process has held at its end.

    python benchmarks/training_steps.py [--recipes cnn mobilenet_v2 efficientnet_lite0]
        [--batch 8] [--steps 6] [--rounds 3] [--memory cnn mobilenet_v2 efficientnet_lite0 local]
        [--persons 12] [--peers PYTHON]
"""

import argparse
import json
import logging
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
from peers import Peer
from timing import Table

RECIPES = ("cnn", "mobilenet_v2", "efficientnet_lite0")
LOOP, FIXED = "training", "one batch in memory"
KERAS, BESIDE = "Keras, CNN at 256 px, training", "cnn"
# All layers train, from weights drawn at random.
SETTINGS = {"network.weights": "none", "stages": []}
PEAK = re.compile(r"(\d+\.\d+) GB of memory")


def fixed_steps(recipe, size: int, batch: int) -> Callable[[], None]:  # type: ignore[no-untyped-def]
    """A training step on one batch that stays where it is."""
    import torch

    from leukoscope.models.network.networks import build
    from leukoscope.training.network.devices import open_fabric
    from leukoscope.training.network.loss import make_optimizer, weighted_loss
    from leukoscope.training.network.stages import plan, trainable

    fabric = open_fabric(recipe.fit.precision)
    network = fabric.to_device(build(recipe))
    optimizer = make_optimizer(trainable(network, plan(recipe)[-1]), recipe.optimizer)
    model, stepper = fabric.setup(network, optimizer)
    model.train()
    cells = torch.randint(0, 256, (batch, size, size, 3), dtype=torch.uint8, device=fabric.device)
    target = (torch.arange(batch, device=fabric.device) % 2).float()

    def step() -> None:
        loss = weighted_loss(model(cells).logit.float(), target, np.ones(2), 0.0)
        stepper.zero_grad(set_to_none=True)
        fabric.backward(loss)
        if recipe.optimizer.clip:
            fabric.clip_gradients(model, stepper, max_norm=recipe.optimizer.clip)
        stepper.step()
        loss.item()  # waits for an accelerator

    return step


@contextmanager
def keras(python: str, batch: int) -> Iterator[Callable[[], float]]:
    """Cells per second of a training with Keras, in a process that waits between its turns."""
    import leukoscope as ls

    with tempfile.TemporaryDirectory() as folder:
        ls.make_synthetic(folder, persons=2, cells=-(-batch // 2))
        peer = Peer(Path(python), KERAS, sorted(Path(folder).rglob("*.bmp"))[:batch])

        def rate() -> float:
            began = time.perf_counter()
            return float(peer.run() / (time.perf_counter() - began))

        try:
            rate()  # compiles
            yield rate
        finally:
            peer.close()


def speed(
    name: str, batch: int, steps: int, rounds: int, peer: Callable[[], float] | None = None
) -> dict[str, dict[str, list[float]]]:
    """Cells per second, and processor seconds per step, of all ways; ours in this process."""
    from leukoscope.core.cores import usable_cores
    from leukoscope.data.cohort import make_cohort
    from leukoscope.models.recipe.recipe import read_recipe
    from leukoscope.training.network.allocator import keep_memory
    from leukoscope.training.network.fit import fit

    keep_memory()
    recipe = read_recipe(name).with_settings(
        SETTINGS
        | {"fit.batch_size": batch, "fit.epochs": rounds + 1, "fit.patience": 99}
        | {"fit.precision": "fp32"}  # the same for both
    )
    count, size = batch * steps, recipe.input.size
    part = ["train"] * count + ["validation"] * 2
    cohort = make_cohort(
        {
            "path": [f"{row}.bmp" for row in range(len(part))],
            "label": [row % 2 for row in range(len(part))],
            "subject": [f"S{row}" for row in range(len(part))],
            "sha256": [f"{row:064x}" for row in range(len(part))],
            "part": part,
        }
    )
    drawn = np.random.default_rng(0)
    cells = drawn.integers(0, 256, (len(part), size, size, 3), dtype=np.uint8)
    step = fixed_steps(recipe, size, batch)
    step()
    found: dict[str, dict[str, list[float]]] = {
        "cells": defaultdict(list),
        "processor": defaultdict(list),
    }
    marks: list[tuple[float, float]] = []

    def now() -> tuple[float, float]:
        return time.perf_counter(), time.process_time()

    def noted(way: str, began: tuple[float, float], ended: tuple[float, float], n: int) -> None:
        found["cells"][way].append(n * batch / (ended[0] - began[0]))
        found["processor"][way].append((ended[1] - began[1]) / n)

    def on_step(_epoch: int, _done: float, _loss: float) -> None:
        marks.append(now())

    def on_epoch(entry, _is_best: bool) -> None:  # type: ignore[no-untyped-def]
        if entry.epoch > 1:  # the first fills caches
            noted(LOOP, marks[0], marks[-1], len(marks) - 1)
            began = now()
            for _ in range(steps - 1):
                step()
            noted(FIXED, began, now(), steps - 1)
            if peer:
                found["cells"][KERAS].append(peer())
        marks.clear()

    with tempfile.TemporaryDirectory() as out:
        fit(
            cohort,
            cells,
            recipe,
            Path(out),
            jobs=usable_cores(),
            on_step=on_step,
            on_epoch=on_epoch,
        )
    return {key: dict(values) for key, values in found.items()}


def memory(name: str, folder: str, batch: int) -> dict[str, float]:
    """Estimated and real peak of a whole training in this process, in bytes."""
    import leukoscope as ls
    from leukoscope.models.recipe.recipe import NetworkRecipe, read_recipe
    from leukoscope.training.memory import peak_memory

    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("leukoscope").addHandler(handler)
    logging.getLogger("leukoscope").setLevel(logging.INFO)
    settings = SETTINGS | {"fit.batch_size": batch, "fit.epochs": 1}
    network = isinstance(read_recipe(name), NetworkRecipe)
    with tempfile.TemporaryDirectory() as out:
        ls.train(folder, name, out=Path(out) / "run", settings=settings if network else {})
    said = [float(found[1]) * 1e9 for line in lines if (found := PEAK.search(line))]
    return {"estimate": said[0] if said else float("nan"), "peak": float(peak_memory() or 0)}


def inside(*arguments: object) -> dict:  # type: ignore[type-arg]
    """Run a function of this file in a process of its own."""
    command = [sys.executable, __file__, "--inside", *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def audited_cells(folder: Path, persons: int) -> Path:
    """Synthetic cells with their audit; the path of its table."""
    import leukoscope as ls

    ls.make_synthetic(folder / "cells", persons=persons, cells=6)
    ls.audit(folder / "cells", out=folder / "audit")
    return folder / "audit" / "cohort.csv"


def work(kind: str, name: str, *others: str) -> object:
    """What a process of its own measures."""
    if kind == "memory":
        return memory(name, others[0], int(others[1]))
    *counts, python = others
    batch = int(counts[0])
    with keras(python, batch) if python else nullcontext() as peer:
        return speed(name, *map(int, counts), peer)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipes", nargs="*", default=RECIPES)
    parser.add_argument("--memory", nargs="*", default=(*RECIPES, "local"))
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--persons", type=int, default=12, help="of 6 cells, to measure memory")
    parser.add_argument("--peers", type=Path, help="Python of the environment of `make bench`")
    parser.add_argument("--inside", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.inside:
        print(json.dumps(work(*args.inside)))
        return
    for name in args.recipes:
        python = args.peers if args.peers and name == BESIDE else ""
        found = inside("speed", name, args.batch, args.steps, args.rounds, python)
        title = f"Training: {name}, batches of {args.batch}, fp32"
        print(Table(title, "cells/s", found["cells"], LOOP).text(), end="\n\n")
        table = Table("", "processor seconds", found["processor"], LOOP, more_is_better=False)
        reached = table.median(FIXED) / table.median(LOOP)
        print(f"By processor time: {reached:.0%} of the speed of one batch in memory.", end="\n\n")
    if args.memory:
        print(
            f"### Training: memory, {args.persons * 6} synthetic cells, batches of {args.batch}\n"
        )
        print("| recipe | estimate | peak | estimate is |\n|---|---:|---:|---:|")
        with tempfile.TemporaryDirectory() as folder:
            table_of_cells = audited_cells(Path(folder), args.persons)
            for name in args.memory:
                found = inside("memory", name, table_of_cells, args.batch)
                estimate, peak = found["estimate"], found["peak"]
                print(
                    f"| {name} | {estimate / 1e9:.2f} GB | {peak / 1e9:.2f} GB | "
                    f"{estimate / peak:.2f} of the peak |"
                )


if __name__ == "__main__":
    main()
