"""The training loop, top to bottom: rate, batch, loss, step, validate, save, log, stop."""

import hashlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from leukoscope.data.cohort import Cohort
from leukoscope.errors import TrainingError
from leukoscope.evaluation.metrics import probability_metrics, threshold_metrics
from leukoscope.models.networks import build
from leukoscope.models.recipe import Loss, Optimiser, Recipe
from leukoscope.tables import write_table
from leukoscope.training import checkpoint
from leukoscope.training.batches import training_batches
from leukoscope.training.process import processes_here, world_size
from leukoscope.training.sampling import class_weights, epoch_order
from leukoscope.training.schedule import best_epoch, learning_rate, score, should_stop

LOG = "log.csv"
VALIDATION_BATCH = 64

OPTIMISERS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "adamax": torch.optim.Adamax,
    "rmsprop": torch.optim.RMSprop,
    "sgd": lambda parameters, **settings: torch.optim.SGD(parameters, momentum=0.9, **settings),
}


@dataclass(frozen=True)
class Epoch:
    """One line of the log; `epoch` counts from 1."""

    epoch: int
    learning_rate: float
    train_loss: float
    validation_loss: float
    validation_auroc: float
    validation_balanced_accuracy: float
    validation_sensitivity: float
    validation_specificity: float
    images_per_second: float
    seconds: float

    def monitored(self, name: str) -> float:
        """The value of `fit.monitor` on the validation persons."""
        return float(getattr(self, f"validation_{name}"))


@dataclass(frozen=True)
class Fitted:
    """A finished training: the best epoch's network (in float32, on the CPU) and the whole log."""

    network: nn.Module
    log: tuple[Epoch, ...]
    best: int


# Called after every step with the epoch's number, the part of it done (0 to 1), and the loss so far.
OnStep = Callable[[int, float, float], None]
OnEpoch = Callable[[Epoch, bool], None]


def fit(
    cohort: Cohort,
    cells: np.ndarray,
    recipe: Recipe,
    out: Path,
    *,
    seed: int = 0,
    resume: bool = True,
    jobs: int = 2,
    on_step: OnStep = lambda *_: None,
    on_epoch: OnEpoch = lambda *_: None,
) -> Fitted:
    """Train a recipe on the rows whose part is "train"; choose the epoch on those of "validation".

    Under `torchrun` every process takes its share of each batch and the result is the one of a single process,
    up to the order of floating-point sums (and, with dropout, other masks).

    Args:
        cohort: N cells with label, person, part.
        cells: uint8 (N, S, S, 3) crops.
        recipe: The settings.
        out: Folder for checkpoints and log.
        seed: Of weights, order, augmentation and dropout.
        resume: Go on from the last finished epoch found in `out`.
        jobs: Threads that prepare batches.
        on_step: Told of progress within an epoch.
        on_epoch: Told of each finished epoch and whether it is the best so far.

    Raises:
        TrainingError: A class is missing in a part, `out` holds a different run, or the loss is not finite.
    """
    train, validation = _rows(cohort, "train"), _rows(cohort, "validation")
    label, person = cohort["label"].astype(np.float32), cohort["person"]
    run_key = _run_key(cohort, recipe, seed)

    fabric = _fabric(recipe)
    torch.manual_seed(seed)
    network = build(recipe)
    optimiser = make_optimiser(network, recipe.optimiser)
    log = _resume(out, network, optimiser, run_key) if resume else []
    model, stepper = fabric.setup(network, optimiser)
    weights = class_weights(label[train], recipe.loss.class_weights)

    while len(log) < recipe.fit.epochs and not should_stop(_scores(recipe, log), recipe.fit.patience):
        epoch, began = len(log), time.perf_counter()
        rate = learning_rate(
            recipe.optimiser.learning_rate, recipe.schedule, recipe.fit.epochs, _scores(recipe, log)
        )
        for group in stepper.param_groups:
            group["lr"] = rate
        torch.manual_seed(np.random.SeedSequence((seed, epoch, 2)).generate_state(1)[0].item())
        order = train[
            epoch_order(
                label[train], person[train], sampling=recipe.fit.sampling, seed=seed, epoch=epoch
            )
        ]

        model.train()
        summed, seen = 0.0, 0
        batches = training_batches(
            cells,
            order,
            recipe.augment,
            batch_size=recipe.fit.batch_size,
            seed=seed,
            epoch=epoch,
            rank=fabric.global_rank,
            world=fabric.world_size,
            jobs=jobs,
        )
        for rows, batch in batches:
            together = len(rows) * fabric.world_size  # ranks' shares differ by at most one cell
            target = fabric.to_device(torch.from_numpy(label[rows]))
            logit = model(fabric.to_device(torch.from_numpy(batch))).logit
            loss = weighted_loss(logit.float(), target, weights, recipe.loss.smoothing)
            stepper.zero_grad(set_to_none=True)
            fabric.backward(loss + penalty(network, recipe.loss))
            if recipe.optimiser.clip:
                fabric.clip_gradients(model, stepper, max_norm=recipe.optimiser.clip)
            stepper.step()
            summed, seen = summed + loss.item() * together, seen + together
            on_step(epoch, min(1.0, seen / len(order)), summed / seen)

        trained = time.perf_counter() - began
        logit = predict_logits(fabric, model, cells, validation)
        entry = _entry(logit, label[validation], epoch + 1, rate, summed / max(1, seen), len(order) / trained, began)
        if not math.isfinite(entry.train_loss + entry.validation_loss):
            raise TrainingError(
                f"{out}: the loss is not a number after epoch {epoch + 1}; lower optimiser.learning_rate or "
                "set fit.precision=fp32."
            )
        log.append(entry)
        is_best = best_epoch(_scores(recipe, log)) == epoch
        if fabric.global_rank == 0:
            state = {"run": run_key, "log": [vars(line) for line in log]}
            if is_best:
                checkpoint.save(out / checkpoint.BEST, network, None, state)
            checkpoint.save(out / checkpoint.LAST, network, optimiser, state)
            write_log(log, out / LOG)
            on_epoch(entry, is_best)
        fabric.barrier()

    checkpoint.load(out / checkpoint.BEST, network)
    return Fitted(network.float().cpu().eval(), tuple(log), best_epoch(_scores(recipe, log)))


def weighted_loss(logit: Tensor, target: Tensor, weights: np.ndarray, smoothing: float) -> Tensor:
    """Binary cross-entropy, each cell weighed by its class, averaged over the batch.

    Divided by the number of cells, not by the sum of weights, so that the mean over processes is the whole batch's.
    """
    weight = torch.where(target > 0.5, float(weights[1]), float(weights[0]))
    smooth = target * (1 - smoothing) + smoothing / 2
    return nn.functional.binary_cross_entropy_with_logits(logit, smooth, weight)


def penalty(network: nn.Module, settings: Loss) -> Tensor | float:
    """L1 and L2 penalties over kernels; biases and norms are left free."""
    if not (settings.l1 or settings.l2):
        return 0.0
    kernels = [weight for weight in network.parameters() if weight.ndim > 1]
    total: Tensor | float = 0.0
    for kernel in kernels:
        total = total + settings.l1 * kernel.abs().sum() + settings.l2 * kernel.square().sum()
    return total


def make_optimiser(network: nn.Module, settings: Optimiser) -> torch.optim.Optimizer:
    """The optimiser a recipe names."""
    optimiser: torch.optim.Optimizer = OPTIMISERS[settings.name](
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    return optimiser


def predict_logits(fabric: Fabric, model: nn.Module, cells: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Logits of some rows, float32 (n,). Every process computes all: validation is small and needs no exchange."""
    model.eval()
    answers = []
    with torch.inference_mode():
        for start in range(0, len(rows), VALIDATION_BATCH):
            batch = torch.from_numpy(cells[rows[start : start + VALIDATION_BATCH]])
            answers.append(model(fabric.to_device(batch)).logit.float().cpu().numpy())
    return np.concatenate(answers)


def write_log(log: list[Epoch], path: Path) -> None:
    """Write the log as a table, a row per epoch."""
    names = list(Epoch.__dataclass_fields__)
    write_table(path, {name: np.array([getattr(entry, name) for entry in log]) for name in names})


def _rows(cohort: Cohort, part: str) -> np.ndarray:
    rows = np.flatnonzero(cohort["part"] == part)
    present = set(cohort["label"][rows].tolist())
    if not {0, 1} <= present:
        raise TrainingError(
            f"{cohort.source}: the {part} part has {len(rows)} cells and not both classes; ALL and HEM are needed. "
            "Try another --seed or larger parts, or add labelled cells."
        )
    return rows


def _run_key(cohort: Cohort, recipe: Recipe, seed: int) -> str:
    """What makes two runs the same run: settings, seed, and the cells with their parts."""
    settings = recipe.to_dict()
    for allowance in ("epochs", "patience"):  # a finished run may be given more of either
        settings["fit"].pop(allowance)
    cells = [cohort[name].tolist() for name in ("sha256", "part", "label", "person")]
    return hashlib.sha256(json.dumps([settings, seed, cells]).encode()).hexdigest()


def _resume(
    out: Path, network: nn.Module, optimiser: torch.optim.Optimizer, run_key: str
) -> list[Epoch]:
    path = out / checkpoint.LAST
    if not path.exists():
        return []
    state = checkpoint.load(path, network, optimiser)
    if state["run"] != run_key:
        raise TrainingError(
            f"{out}: holds a run with other settings, seed or cells; choose another --out, or delete that folder."
        )
    return [Epoch(**line) for line in state["log"]]


def _scores(recipe: Recipe, log: list[Epoch]) -> list[float]:
    name = recipe.fit.monitor
    return [score(name, entry.monitored(name)) for entry in log]


def _fabric(recipe: Recipe) -> Fabric:
    wanted = recipe.fit.precision
    bf16 = wanted == "bf16" or (wanted == "auto" and computes_bf16())
    fabric = Fabric(
        accelerator="auto",
        devices=processes_here(),
        num_nodes=max(1, world_size() // processes_here()),
        strategy="ddp" if world_size() > 1 else "auto",
        precision="bf16-mixed" if bf16 else "32-true",
    )
    fabric.launch()
    return fabric


def computes_bf16() -> bool:
    """Whether this machine computes in bfloat16 rather than emulating it."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def _entry(
    logit: np.ndarray,
    label: np.ndarray,
    epoch: int,
    rate: float,
    train_loss: float,
    images_per_second: float,
    began: float,
) -> Epoch:
    p = 1 / (1 + np.exp(-logit.astype(np.float64)))
    ranked = probability_metrics(label, p)
    blast, called = label > 0.5, logit >= 0
    called_metrics = threshold_metrics(
        float(np.sum(blast & called)),
        float(np.sum(blast & ~called)),
        float(np.sum(~blast & called)),
        float(np.sum(~blast & ~called)),
    )
    return Epoch(
        epoch=epoch,
        learning_rate=rate,
        train_loss=train_loss,
        validation_loss=float(ranked["nll"]),
        validation_auroc=float(ranked["auroc"]),
        validation_balanced_accuracy=float(called_metrics["balanced_accuracy"]),
        validation_sensitivity=float(called_metrics["sensitivity"]),
        validation_specificity=float(called_metrics["specificity"]),
        images_per_second=images_per_second,
        seconds=time.perf_counter() - began,
    )
