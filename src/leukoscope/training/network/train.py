"""Train a network: cache the crops, fit, draw the learning curves, package the model."""

import logging
from functools import partial
from pathlib import Path

import numpy as np

from leukoscope.core.files import atomic_path
from leukoscope.core.tables import read_table
from leukoscope.data.cohort import UNKNOWN, Cohort
from leukoscope.data.imaging.image import Crop
from leukoscope.data.splits.partition import Split, check_disjoint
from leukoscope.evaluation.report.plots_cells import learning_curves
from leukoscope.models.network.onnx_export import TrainedNetwork
from leukoscope.models.recipe.recipe import NetworkRecipe
from leukoscope.training.cache import cached_crops, estimate, usable_rows
from leukoscope.training.calibration.package import package_model
from leukoscope.training.network.allocator import keep_memory
from leukoscope.training.network.display import training_display
from leukoscope.training.network.distributed import is_first_process
from leukoscope.training.network.export import network_card, try_export
from leukoscope.training.network.fit import finished_epochs, fit
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

    Raises:
        LeakageError: The split is not marked as leaky, but a person, image or cell is in two
            subsets.
        ModelFileError: The network cannot be exported.
        TrainingError: See `fit`.
    """
    keep_memory()
    # All labeled cells are cached, so that another split of them uses the same crops.
    cohort = cohort.select(np.flatnonzero(cohort["label"] != UNKNOWN))
    if not split.leaky:
        check_disjoint(cohort)
    crop = Crop(recipe.input.crop, recipe.input.size)
    first = is_first_process()
    note = f"{recipe.name}: {estimate(len(cohort), crop, jobs)}" if first else ""
    crops = cached_crops(cohort, crop, jobs=jobs, note=note)
    if first:
        for problem in crops.problems.values():
            log.warning("skipped: %s", problem)
    rows = usable_rows(cohort, crops.problems)
    cells = crops.cells if len(rows) == len(cohort) else crops.cells[rows]
    cohort = cohort.select(rows)

    check_cells_differ(cohort.paths, crop, cohort.source)

    run = Run(out, recipe, split, cohort)
    begun = False
    if resume:
        check_kind(out, recipe)  # the folder of another run is refused and not changed
        begun = bool(finished_epochs(out, cohort, recipe, seed))
    if is_first_process():
        if not begun and recipe.network.architecture.startswith("timm:"):
            try_export(recipe)
        if not resume:
            clear(out)
        write_run(run)
    trained = int(np.sum(cohort["part"] == "train"))
    fitting = partial(fit, cohort, cells, recipe, out, seed=seed, resume=resume, jobs=jobs)
    if is_first_process():
        with training_display(plan(recipe), trained) as display:
            fitted = fitting(
                on_step=display.on_step, on_epoch=display.on_epoch, on_stage=display.on_stage
            )
    else:
        fitted = fitting()
    if is_first_process():
        with atomic_path(out / CURVES) as temporary:
            figure = learning_curves(read_table(out / LOG), best_epoch=fitted.best + 1)
            figure.savefig(temporary, dpi=110)
        package_model(
            TrainedNetwork(fitted.network, recipe.input.size),
            network_card(fitted.network, cohort, recipe, split),
            cohort,
            cells,
            run.model,
            target_recall=target_recall,
        )
    return run
