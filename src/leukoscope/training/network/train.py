"""Train a network: cache the crops, fit, draw the learning curves, package the model."""

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from leukoscope.core import plot_style
from leukoscope.core.files import atomic_path
from leukoscope.core.processes import is_first_process
from leukoscope.core.tables import read_table
from leukoscope.data.cohort import UNKNOWN, Cohort
from leukoscope.data.imaging.image import Crop
from leukoscope.data.splits.partition import Split, check_disjoint
from leukoscope.evaluation.report.plots_cells import learning_curves
from leukoscope.models.network.onnx_export import TrainedNetwork
from leukoscope.models.recipe.recipe import NetworkRecipe
from leukoscope.training.cache import cached_crops, estimate, usable_rows
from leukoscope.training.calibration.file_outputs import Inputs
from leukoscope.training.calibration.package import package_model
from leukoscope.training.loggers.run_settings import final_values, logged_run
from leukoscope.training.loggers.targets import Target, run_log
from leukoscope.training.mapped_array import SelectedRows
from leukoscope.training.network.allocator import keep_memory
from leukoscope.training.network.devices import share_cores
from leukoscope.training.network.display import training_display
from leukoscope.training.network.export import network_card, try_export
from leukoscope.training.network.fit import fit
from leukoscope.training.network.log import Epoch
from leukoscope.training.network.resume import finished_epochs
from leukoscope.training.network.stages import plan
from leukoscope.training.plausible import check_cells_differ
from leukoscope.training.run import CURVES, LOG, Run, check_kind, clear, write_run

log = logging.getLogger(__name__)


def run_training(
    cohort: Cohort,
    recipe: NetworkRecipe,
    split: Split,
    out: Path,
    *,
    seed: int,
    resume: bool = True,
    jobs: int = 2,
    target_recall: float = 0.95,
    targets: Sequence[Target] = (),
) -> Run:
    """Train a network, export and calibrate it; the run folder holds everything.

    Args:
        cohort: Hashed cells with person and part; those with the part "" are not used.
        recipe: The settings.
        split: How the subsets were made.
        out: The run folder.
        seed: Random seed of weights, order and augmentation.
        resume: Continue an interrupted run.
        jobs: Number of threads.
        target_recall: The wanted sensitivity for ALL at the operating point.
        targets: Loggers that also get settings and metrics.

    Raises:
        LeakageError: The split is not marked as leaky, but a person, image or cell is in two
            subsets.
        ModelFileError: The network cannot be exported.
        TrainingError: See `fit`.
    """
    keep_memory()
    share_cores(jobs)
    # All labeled cells are cached, so that another split of them uses the same crops.
    cohort = cohort.select(np.flatnonzero(cohort["label"] != UNKNOWN))
    if not split.leaky:
        check_disjoint(cohort)
    crop = Crop(recipe.input.crop, recipe.input.size)
    note = f"{recipe.name}: {estimate(len(cohort), crop, jobs)}"
    crops = cached_crops(cohort, crop, jobs=jobs, note=note)
    for problem in crops.problems.values():
        log.warning("skipped: %s", problem)
    rows = usable_rows(cohort, crops.problems)
    cells: Inputs = crops.cells
    if len(rows) < len(cohort):
        cells = SelectedRows(crops.cells, rows)
    cohort = cohort.select(rows)

    check_cells_differ(cohort.paths, crop, cohort.source)

    run = Run(out, recipe, split, cohort)
    past: list[Epoch] = []
    if resume:
        check_kind(out, recipe)  # the folder of another run is refused and not changed
        past = finished_epochs(out, cohort, recipe, seed)
    first = is_first_process()
    if first:
        if not past and recipe.network.architecture.startswith("timm:"):
            try_export(recipe)
        if not resume:
            clear(out)
        write_run(run)
    trained = int(np.sum(cohort["part"] == "train"))
    fitting = partial(fit, cohort, cells, recipe, out, seed=seed, resume=resume, jobs=jobs)
    if not first:
        fitting()
        return run
    with run_log(targets, logged_run(run, seed, resumed=bool(past))) as logs:
        logs.missing({entry.epoch: entry.values() for entry in past})
        read = np.sum(np.isin(cohort["part"], ("train", "validation")))
        cached = int(read) * crop.size**2 * 3
        with training_display(plan(recipe), trained, cached) as display:

            def on_epoch(entry: Epoch, is_best: bool) -> None:
                display.on_epoch(entry, is_best)
                logs.values(entry.values(), entry.epoch)

            fitted = fitting(on_step=display.on_step, on_epoch=on_epoch, on_stage=display.on_stage)
        with atomic_path(out / CURVES) as temporary:
            figure = learning_curves(read_table(out / LOG), best_epoch=fitted.best + 1)
            temporary.write_bytes(plot_style.to_png(figure))
        card = package_model(
            TrainedNetwork(fitted.network, recipe.input.size),
            network_card(fitted.network, cohort, recipe, split),
            cohort,
            cells,
            run.model,
            target_recall=target_recall,
        )
        logs.values(final_values(card), len(fitted.log))
    return run
