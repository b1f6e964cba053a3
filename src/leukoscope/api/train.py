"""Train a model, calibrate it again, and preview its augmentation."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukoscope.api.data import Source, audited, read_cohort
from leukoscope.api.extras import needs_train_extra
from leukoscope.core.cores import usable_cores
from leukoscope.core.errors import FileError, RecipeError, SplitError
from leukoscope.core.processes import is_first_process
from leukoscope.core.seeds import require_seed
from leukoscope.data.cohort import Cohort
from leukoscope.data.splits.partition import KINDS, Split, apply_split, read_split
from leukoscope.data.splits.splits import FRACTIONS, split_cohort

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from leukoscope.inference.model_file.card import Card
    from leukoscope.models.recipe.recipe import Recipe
    from leukoscope.training.run import Run


def train(
    source: Source,
    recipe: str = "cnn",
    *,
    out: Path | str | None = None,
    split: Split | Path | str = "person",
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
    weights: str | None = None,
    resume: bool = True,
    jobs: int | None = None,
    fractions: Sequence[float] = FRACTIONS,
    target_recall: float = 0.95,
    log_to: Sequence[str] = (),
    data_source: str | None = None,
    data_license: str | None = None,
) -> "Run":
    """Train a model, export it as one file, and calibrate it on validation persons.

    A data set that was not audited is audited first, so that all cells of a person, also under two
    ids, are in one subset.

    Args:
        source: As for `read_cohort`; a cohort.csv written by an audit saves auditing again.
        recipe: Name of a recipe, or a YAML file.
        out: Run folder; by default runs/<recipe>-<split>-seed<seed>.
        split: "person", "image", "subject", "official", a split file, or a split.
        seed: Random seed of the split (if it is made here) and of the training.
        settings: Recipe fields to replace, by dotted name.
        weights: Initial weights of the network's trunk, instead of the recipe's: "hub", "none", or
            a .safetensors or .npz file.
        resume: Continue an interrupted run in `out`.
        jobs: Threads for reading and augmentation; by default one for each core.
        fractions: Wanted fractions of train, validation and test.
        target_recall: Sensitivity for ALL that the operating point is chosen for.
        log_to: Loggers that also get settings and metrics: "mlflow:URI", "tensorboard:DIR".
        data_source: Name of the data set for the model's card; see `audit`.
        data_license: Its license.

    Returns:
        The run; its folder holds all files.

    Raises:
        LeukoscopeError: The recipe, data, split or run folder cannot be used; the message says what
            to do.
    """
    with needs_train_extra("train"):
        from leukoscope.models.recipe.recipe import read_recipe
        from leukoscope.training.loggers.targets import parse_target
        from leukoscope.training.network.distributed import lost_process_is_said, require_audit
        from leukoscope.training.run import LAST, exclusive
    seed = require_seed(seed)
    targets = [parse_target(text) for text in log_to]
    jobs = jobs or usable_cores()
    named = {} if weights is None else {"network.weights": weights}
    chosen = read_recipe(recipe).with_settings({**(settings or {}), **named})
    folder = Path(out) if out else Path("runs") / f"{chosen.name}-{_kind(split)}-seed{seed}"
    if not (resume and (folder / LAST).is_file()):
        check_weights(chosen)
    source = read_cohort(source)
    require_audit(source, folder)
    cohort = audited(source, jobs=jobs, data_source=data_source, data_license=data_license)
    check_ground(cohort, chosen)
    made = resolve_split(cohort, split, seed, fractions)
    for warning in made.warnings:
        log.warning(warning)
    # Under `torchrun` the first process holds the folder for all.
    held = exclusive(folder) if is_first_process() else nullcontext()
    with lost_process_is_said(folder), held:
        return trainer(chosen)(
            apply_split(cohort, made),
            chosen,
            made,
            folder,
            seed=seed,
            resume=resume,
            jobs=jobs,
            target_recall=target_recall,
            targets=targets,
        )


def check_ground(cohort: Cohort, recipe: "Recipe") -> None:
    """Refuse or warn of images that are not cells on black or too large, before the long work.

    Raises:
        CohortError: Most images are not one cell on black, and the recipe measures the foreground.
    """
    with needs_train_extra("train"):
        from leukoscope.data.advice import crop_advice, ground_advice, require_black_ground
        from leukoscope.data.scale import scale_advice
        from leukoscope.models.recipe.recipe import EstimatorRecipe
    if isinstance(recipe, EstimatorRecipe):
        require_black_ground(cohort)
    elif line := ground_advice(cohort):
        log.warning(line)
    if line := scale_advice(cohort):
        log.warning(line)
    if line := crop_advice(cohort, recipe.input.crop):
        log.warning(f"recipe {recipe.name}: {line}")


def check_weights(recipe: "Recipe") -> None:
    """Check that a network can be made and its initial weights be found, before the long work.

    Raises:
        LeukoscopeError: There is no such network of timm, it does not take cells of this size, or
            the weights cannot be found; the message says what to do.
    """
    with needs_train_extra("train"):
        from leukoscope.models.recipe.recipe import NetworkRecipe
    if isinstance(recipe, NetworkRecipe):
        with needs_train_extra("train"):
            from leukoscope.models.network.weights import find_weights

            find_weights(recipe.network)
            if recipe.network.architecture.startswith("timm:"):  # the others follow from rules
                import torch

                from leukoscope.models.network.networks import build

                with torch.random.fork_rng(devices=[]):
                    build(recipe)


def trainer(recipe: "Recipe") -> "Callable[..., Run]":
    """Return the function that trains a recipe: `run_classical` or `run_training`."""
    with needs_train_extra("train"):
        from leukoscope.models.recipe.recipe import EstimatorRecipe

        # Without PyTorch an estimator starts seconds sooner.
        if isinstance(recipe, EstimatorRecipe):
            from leukoscope.training.estimators.train import run_classical

            return run_classical
        from leukoscope.training.network.train import run_training
    return run_training


def recalibrate(run: "Run | Path | str", *, jobs: int | None = None) -> "Card":
    """Repeat the calibration of a finished run: temperature, operating point and rejection limits.

    A model of an earlier version gets the limits that let it abstain; its weights stay the same.
    Evaluate it again afterwards.

    Args:
        run: A run, or its folder, with its images where its cohort.csv names them.
        jobs: Threads; by default one for each core.

    Returns:
        The new card of the model file.

    Raises:
        TrainingError: Not a finished run, or its images are missing.
    """
    with needs_train_extra("recalibrate"):
        from leukoscope.training.calibration.recalibrate import recalibrate as repeat_calibration
        from leukoscope.training.run import Run, read_run
    return repeat_calibration(
        run if isinstance(run, Run) else read_run(run), jobs=jobs or usable_cores()
    )


def preview(
    source: Source, recipe: str = "cnn", *, out: Path | str = "preview.html", seed: int = 0
) -> Path:
    """Draw cells as they are augmented for training, several random versions of each.

    Args:
        source: As for `read_cohort`.
        recipe: Name of a recipe of a network, or a YAML file.
        out: Page to write.
        seed: Random seed.

    Returns:
        The path of the page.

    Raises:
        RecipeError: The recipe has no augmentation.
        FileError: The page is not named .html.
    """
    with needs_train_extra("preview"):
        from leukoscope.models.recipe.recipe import NetworkRecipe, read_recipe
        from leukoscope.training.preview import write_preview
    seed = require_seed(seed)
    chosen = read_recipe(recipe)
    if not isinstance(chosen, NetworkRecipe):
        raise RecipeError(
            f"recipe {chosen.name}: uses no augmentation, so there is nothing to preview; "
            "look at the cells with: leukoscope data report"
        )
    if Path(out).suffix.lower() != ".html":
        raise FileError(f"{out}: the page must be an .html file; name one with --out.")
    return write_preview(read_cohort(source), chosen, Path(out), seed=seed)


def _kind(split: Split | Path | str) -> str:
    if isinstance(split, Split):
        return split.kind
    is_file = str(split) not in KINDS and Path(split).is_file()
    return read_split(Path(split)).kind if is_file else str(split)


def resolve_split(
    cohort: Cohort, split: Split | Path | str, seed: int, fractions: Sequence[float]
) -> Split:
    """Return a split: as it is, from a file, or made of this kind.

    Raises:
        SplitError: Neither a kind of split nor a split file, or the cohort cannot be divided.
    """
    if isinstance(split, Split):
        return split
    if str(split) in KINDS:
        return split_cohort(cohort, str(split), fractions=fractions, seed=seed)
    if Path(split).is_file():
        return read_split(Path(split))
    raise SplitError(f"{split}: neither a kind of split ({', '.join(KINDS)}) nor a split file.")
