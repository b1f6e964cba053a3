"""The training loop, top to bottom: rate, batch, loss, step, validate, save, log, stop."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

from leukoscope.core.errors import TrainingError
from leukoscope.data.cohort import Cohort
from leukoscope.models.network.networks import build
from leukoscope.models.network.weights import find_weights, load_weights
from leukoscope.models.recipe.recipe import NetworkRecipe
from leukoscope.models.recipe.settings import Stage
from leukoscope.training.calibration.file_outputs import Inputs
from leukoscope.training.network import checkpoint
from leukoscope.training.network.batches import training_batches
from leukoscope.training.network.devices import open_fabric
from leukoscope.training.network.distributed import gathered
from leukoscope.training.network.log import Epoch, validation_metrics, write_log
from leukoscope.training.network.loss import Losses, make_optimizer, penalty, weighted_loss
from leukoscope.training.network.probe import Speed, probe, set_memory_format, unprobed
from leukoscope.training.network.resume import (
    finished_epochs,
    key_of,
    load_best,
    next_stage,
    scores_of,
    speed_of,
    stages_of,
)
from leukoscope.training.network.sampling import class_weights, epoch_order, subset_rows
from leukoscope.training.network.schedule import best_epoch, learning_rate
from leukoscope.training.network.stages import freeze_norms, plan, scores_within, trainable
from leukoscope.training.network.sync_batchnorm import share_batch_norms, unshare_batch_norms
from leukoscope.training.run import LOG

VALIDATION_BATCH = 64


@dataclass(frozen=True)
class Fitted:
    """A finished training.

    Attributes:
        network: The network of the best epoch, in float32 and evaluation mode, on the CPU.
        log: One line per epoch.
        best: Index of the best epoch in the log.
    """

    network: nn.Module
    log: tuple[Epoch, ...]
    best: int


# Called after every step with the epoch's number, the finished fraction of it, and the loss so far.
OnStep = Callable[[int, float, float], None]
OnEpoch = Callable[[Epoch, bool], None]
# Called when a stage begins or is resumed, with its number from 1, the stage and the network.
OnStage = Callable[[int, Stage, nn.Module], None]


def fit(
    cohort: Cohort,
    cells: Inputs,
    recipe: NetworkRecipe,
    out: Path,
    *,
    seed: int = 0,
    resume: bool = True,
    jobs: int = 2,
    on_step: OnStep = lambda *_: None,
    on_epoch: OnEpoch = lambda *_: None,
    on_stage: OnStage = lambda *_: None,
) -> Fitted:
    """Train a network on the training subset, and choose the best epoch on the validation subset.

    A stage begins with the weights of the best epoch so far and a new optimizer state. Under
    `torchrun` every process takes a part of each batch, and the result is that of a single process,
    up to the order of floating-point sums (and, with dropout, other masks).

    Args:
        cohort: N cells with label, person, part.
        cells: uint8 (N, S, S, 3) crops, or what looks up their rows.
        recipe: The settings.
        out: Folder for checkpoints and log.
        seed: Random seed of weights, order, augmentation and dropout.
        resume: Continue after the last complete epoch in `out`.
        jobs: Number of threads that prepare batches.
        on_step: Called after each step.
        on_epoch: Called after each epoch, with True if it is the best so far.
        on_stage: Called at the start of each stage.

    Raises:
        TrainingError: A subset lacks a class, `out` holds a different run, the initial weights
            cannot be used, or the loss is not finite.
        DownloadError: The initial weights cannot be downloaded.
    """
    train, validation = subset_rows(cohort, "train"), subset_rows(cohort, "validation")
    label, person = cohort["label"].astype(np.float32), cohort["person"]
    key, stages = key_of(cohort, recipe, seed), plan(recipe)
    log = finished_epochs(out, cohort, recipe, seed) if resume else []

    fabric, speed = _opened(recipe, out if log else None, cells, train)
    torch.manual_seed(seed)
    network = fabric.to_device(build(recipe))
    if log:
        checkpoint.load(out / checkpoint.LAST, network)
    elif path := find_weights(recipe.network):
        load_weights(network, path)
    if fabric.world_size > 1:
        share_batch_norms(network)
    unformat = set_memory_format(network, speed.memory_format)
    weights = class_weights(label[train], recipe.loss.class_weights)
    ready = 0  # the stage that model, optimizer and stepper belong to

    while (number := next_stage(recipe, log)) <= len(stages):
        epoch, began, stage = len(log), time.perf_counter(), stages[number - 1]
        if number != ready:
            optimizer = make_optimizer(trainable(network, stage), recipe.optimizer)
            if log and log[-1].stage == number:
                checkpoint.load(out / checkpoint.LAST, network, optimizer)
            model, stepper = fabric.setup(network, optimizer)
            ready = number
            on_stage(number, stage, network)
        scores = scores_within(number, stages_of(log), scores_of(recipe, log))
        for group in stepper.param_groups:
            group["lr"] = learning_rate(group["base"], recipe.schedule, stage.epochs, scores)
        torch.manual_seed(np.random.SeedSequence((seed, epoch, 2)).generate_state(1)[0].item())
        order = train[
            epoch_order(
                label[train], person[train], sampling=recipe.fit.sampling, seed=seed, epoch=epoch
            )
        ]

        model.train()
        freeze_norms(network)
        losses = Losses(fabric.device)
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
            together = len(rows) * fabric.world_size  # the ranks' parts differ by at most one cell
            target = fabric.to_device(torch.from_numpy(label[rows]))
            logit = model(fabric.to_device(torch.from_numpy(batch))).logit
            loss = weighted_loss(logit.float(), target, weights, recipe.loss.smoothing)
            stepper.zero_grad(set_to_none=True)
            fabric.backward(loss + penalty(network, recipe.loss))
            if recipe.optimizer.clip:
                # A gradient that is not finite shows in the next loss, which is checked below.
                fabric.clip_gradients(
                    model, stepper, max_norm=recipe.optimizer.clip, error_if_nonfinite=False
                )
            stepper.step()
            if losses.add(loss, together):
                _check_finite(losses.mean, out, epoch)
                on_step(epoch, min(1.0, losses.cells / len(order)), losses.mean)

        if losses.read():
            _check_finite(losses.mean, out, epoch)
            on_step(epoch, 1.0, losses.mean)
        trained = time.perf_counter() - began
        logit = predict_logits(fabric, network, cells, validation)
        _check_finite(float(np.abs(logit).max()), out, epoch)
        entry = Epoch(
            epoch=epoch + 1,
            stage=number,
            learning_rate=stepper.param_groups[0]["lr"],
            train_loss=losses.mean,
            **validation_metrics(logit, label[validation]),
            images_per_second=len(order) / trained,
            seconds=time.perf_counter() - began,
        )
        log.append(entry)
        is_best = best_epoch(scores_of(recipe, log)) == epoch
        state = {"run": key, "log": [vars(line) for line in log], "speed": vars(speed)}
        if is_best and fabric.global_rank == 0:
            checkpoint.save(out / checkpoint.BEST, network, None, state)
        fabric.barrier()
        if number < next_stage(recipe, log) <= len(stages):  # which begins from the best epoch
            load_best(out, key, network)
        if fabric.global_rank == 0:
            # `last` is written last: if the run stops before, the epoch is simply repeated.
            write_log(log, out / LOG)
            checkpoint.save(out / checkpoint.LAST, network, optimizer, state)
            on_epoch(entry, is_best)
        fabric.barrier()

    unformat()
    unshare_batch_norms(network)
    load_best(out, key, network)
    return Fitted(network.float().cpu().eval(), tuple(log), best_epoch(scores_of(recipe, log)))


def _opened(
    recipe: NetworkRecipe, resumed: Path | None, cells: Inputs, train: np.ndarray
) -> tuple[Fabric, Speed]:
    """The device and processes, and what they compute with: measured, or that of the old run."""
    speed = unprobed(recipe) if resumed is None else speed_of(resumed) or unprobed(recipe)
    fabric = open_fabric(speed.precision)
    if resumed is None and recipe.fit.precision == "auto":
        part = train[: max(1, recipe.fit.batch_size // fabric.world_size)]
        measured = fabric.broadcast(probe(recipe, cells[part], fabric.device))
        if measured.precision != speed.precision:
            fabric = open_fabric(measured.precision)
        speed = measured
    return fabric, speed


def predict_logits(
    fabric: Fabric, network: nn.Module, cells: Inputs, rows: np.ndarray
) -> np.ndarray:
    """Logits of some rows, float32 (n,); each process computes a part and gets all."""
    network.eval()  # without the wrapper that lets all processes take as many batches
    logits = []
    with torch.inference_mode(), fabric.autocast():
        own = rows[fabric.global_rank :: fabric.world_size]
        for start in range(0, len(own), VALIDATION_BATCH):
            batch = torch.from_numpy(cells[own[start : start + VALIDATION_BATCH]])
            logits.append(network(fabric.to_device(batch)).logit.float().cpu().numpy())
    everyone = gathered(np.concatenate(logits or [np.empty(0, np.float32)]))
    logit = np.empty(len(rows), np.float32)
    for rank, values in enumerate(everyone):
        logit[rank :: fabric.world_size] = values
    return logit


def _check_finite(value: float, out: Path, epoch: int) -> None:
    if not math.isfinite(value):
        raise TrainingError(
            f"{out}: the loss is not a number in epoch {epoch + 1}; lower optimizer.learning_rate "
            "or set fit.precision=fp32."
        )
