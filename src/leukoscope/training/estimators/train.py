"""Train a classical estimator: measure, choose settings, fit, measure importance, package."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np

from leukoscope.core.errors import TrainingError
from leukoscope.core.files import write_text
from leukoscope.core.processes import is_first_process
from leukoscope.core.progress import track
from leukoscope.data.cohort import UNKNOWN, Cohort
from leukoscope.data.descriptors import VERSION
from leukoscope.data.splits.partition import Split, check_disjoint
from leukoscope.evaluation.metrics.importance import permutation_importance, write_importance
from leukoscope.inference.model_file.card import Card, Descriptors
from leukoscope.models.estimators.base import FittedEstimator
from leukoscope.models.recipe.recipe import EstimatorRecipe
from leukoscope.training.cache import usable_rows
from leukoscope.training.calibration.new_card import new_card
from leukoscope.training.calibration.package import package_model
from leukoscope.training.estimators.grid_search import Choice, choose
from leukoscope.training.estimators.inputs import crop_of, estimate, feature_matrix, file_inputs
from leukoscope.training.loggers.run_settings import final_values, logged_run
from leukoscope.training.loggers.targets import Target, run_log
from leukoscope.training.memory import FIRST_EXPORT, expected_peak, fit_arrays
from leukoscope.training.network.sampling import even_weights, subset_rows
from leukoscope.training.plausible import check_cells_differ
from leukoscope.training.run import CHOICE, IMPORTANCE, Run, check_kind, clear, run_key, write_run

log = logging.getLogger(__name__)


def run_classical(
    cohort: Cohort,
    recipe: EstimatorRecipe,
    split: Split,
    out: Path,
    *,
    seed: int,
    resume: bool = True,
    jobs: int = 2,
    target_recall: float = 0.95,
    targets: Sequence[Target] = (),
) -> Run:
    """Train a classical estimator, export and calibrate it; the run folder holds everything.

    A fit takes seconds to minutes and is not resumed, but repeated from the cached descriptors. Of
    several processes only the first trains.

    Args:
        cohort: Hashed cells with person and part; those with the part "" are not used.
        recipe: The settings.
        split: How the subsets were made.
        out: The run folder.
        seed: Random seed of the folds and of trees.
        resume: Refuse a folder that holds another run; otherwise clear it.
        jobs: Number of threads.
        target_recall: The wanted sensitivity for ALL at the operating point.
        targets: Loggers that also get settings and metrics.

    Raises:
        LeakageError: The split is not marked as leaky, but a person, image or cell is in two
            subsets.
        TrainingError: A subset lacks a class, or `out` holds a different run.
    """
    if not split.leaky:
        check_disjoint(cohort)
    if not is_first_process():
        return Run(out, recipe, split, cohort.select(cohort["part"] != ""))
    cohort, values = load_inputs(cohort, recipe, jobs)
    run = Run(out, recipe, split, cohort)
    key = run_key(cohort, recipe.to_dict(), seed, VERSION)
    if resume:
        _check_folder(out, recipe, key)
    else:
        clear(out)
    train, validation = subset_rows(cohort, "train"), subset_rows(cohort, "validation")
    write_run(run)
    exports = recipe.classical.READS_IMAGES
    grows = fit_arrays(values, jobs) + (FIRST_EXPORT if exports else 0)
    if memory := expected_peak(grows, exports=exports):
        log.info(f"{recipe.name}: about {memory / 1e9:.2f} GB of memory")
    with run_log(targets, logged_run(run, seed, resumed=False)) as logs:
        started = perf_counter()
        choice, fitted = choose_and_fit(recipe, cohort.select(train), values[train], seed, jobs)
        _write_choice(choice, key, perf_counter() - started, out / CHOICE)
        log.info("measuring the importance of the descriptor groups on validation persons")
        importance = permutation_importance(
            fitted.logit,
            values[validation],
            cohort["label"][validation],
            cohort["person"][validation],
            recipe.classical.groups(),
            seed=seed,
        )
        write_importance(importance, out / IMPORTANCE)
        card = package_model(  # last: a run with a model file is complete
            fitted.exportable(recipe.input.size),
            estimator_card(cohort, recipe, split, choice, fitted),
            cohort,
            file_inputs(cohort, recipe, values),
            run.model,
            target_recall=target_recall,
        )
        logs.values(_auroc(choice) | final_values(card), 1)
    return run


def load_inputs(cohort: Cohort, recipe: EstimatorRecipe, jobs: int) -> tuple[Cohort, np.ndarray]:
    """The readable cells of all subsets, and the values that the estimator is fitted on.

    All labeled cells are measured, so that another split of them uses the same cached values.

    Raises:
        TrainingError: The cells are all alike.
    """
    cohort = cohort.select(cohort["label"] != UNKNOWN)
    note = f"{recipe.name}: {estimate(len(cohort), recipe, jobs)}"
    cached = feature_matrix(cohort, recipe, jobs=jobs, note=note)
    for problem in cached.problems.values():
        log.warning("skipped: %s", problem)
    rows = usable_rows(cohort, cached.problems)
    cohort = cohort.select(rows)
    check_cells_differ(cohort.paths, crop_of(recipe), cohort.source)
    return cohort, np.asarray(cached.cells)[rows]


def choose_and_fit(
    recipe: EstimatorRecipe,
    cohort: Cohort,
    values: np.ndarray,
    seed: int,
    jobs: int,
    *,
    quiet: bool = False,
) -> tuple[Choice, FittedEstimator]:
    """Choose among the recipe's candidates by cross-validation over persons, and fit all cells.

    Args:
        recipe: The settings, with their candidates.
        cohort: N cells with label and person.
        values: float32 (N, F), what the estimator is fitted on.
        seed: Random seed of the folds and of trees.
        jobs: Number of threads.
        quiet: Show no progress, and log the choice at the level DEBUG.
    """
    settings = recipe.classical
    weights = even_weights(cohort["label"], cohort["person"], settings.balance)
    shown = {} if quiet else {"track": track}
    choice = choose(settings, cohort, values, weights, seed=seed, jobs=jobs, **shown)
    text = ", ".join(f"{name} {value:g}" for name, value in choice.chosen.items())
    text = text or "no settings to choose"
    if choice.auroc.size:
        best = choice.auroc.mean(axis=1).max()
        text = f"chose {text}: AUROC {best:.3f} in cross-validation over training persons"
    level = logging.DEBUG if quiet else logging.INFO
    log.log(level, "%s: %s; fitting %s cells", recipe.name, text, f"{len(cohort):,}")
    label = cohort["label"].astype(np.int64)
    fitted = settings.fit(
        choice.chosen, values, label, weights, person=cohort["person"], seed=seed, jobs=jobs
    )
    return choice, fitted


def estimator_card(
    cohort: Cohort,
    recipe: EstimatorRecipe,
    split: Split,
    choice: Choice,
    fitted: FittedEstimator,
) -> Card:
    """The card of a fitted estimator, not yet calibrated, with the chosen settings in its recipe.

    Args:
        cohort: The cells of all subsets.
        recipe: The recipe it was trained by.
        split: How the subsets were made.
        choice: The choice among the recipe's candidates.
        fitted: The fitted estimator.
    """
    chosen = {f"classical.{name}": value for name, value in choice.chosen.items()}
    names = recipe.classical.descriptors()
    return new_card(
        cohort,
        recipe.with_settings(chosen),
        split,
        packages=recipe.classical.PACKAGES,
        heatmap="none" if fitted.cam_bias is None else "cam",
        cam_bias=fitted.cam_bias,
        descriptors=Descriptors(VERSION, names) if names else None,
    )


def _check_folder(out: Path, recipe: EstimatorRecipe, key: str) -> None:
    check_kind(out, recipe)
    path = out / CHOICE
    try:
        known = json.loads(path.read_text("utf-8"))["run"] if path.is_file() else key
    except (ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{path}: is damaged; start again with --fresh.") from error
    if known != key:
        raise TrainingError(
            f"{out}: holds a run with other settings, seed or cells; choose another --out, or "
            "start again there with --fresh."
        )


def _write_choice(choice: Choice, key: str, seconds: float, path: Path) -> None:
    """Write the candidates, the choice, and the time that both it and the final fit took."""
    tried = [
        {"settings": candidate, "auroc": auroc.round(4).tolist()}
        for candidate, auroc in zip(choice.candidates, choice.auroc, strict=True)
    ]
    content = {"run": key, "chosen": choice.chosen, "seconds": seconds, "candidates": tried}
    write_text(path, json.dumps(content, indent=1) + "\n")


def _auroc(choice: Choice) -> dict[str, float]:
    """The out-of-fold AUROC of the chosen settings; none where nothing was chosen."""
    return {"fold_auroc": float(choice.auroc.mean(axis=1).max())} if choice.auroc.size else {}
