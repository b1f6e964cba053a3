"""Verbs that train, and that show what training will see."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukoscope.api.data import Source, audited, read_cohort
from leukoscope.api.extras import needs_train_extra
from leukoscope.core.errors import RecipeError, SplitError
from leukoscope.data.cohort import Cohort, hash_cells
from leukoscope.data.splits.partition import KINDS, Split, apply_split, read_split
from leukoscope.data.splits.splits import FRACTIONS, split_cohort

if TYPE_CHECKING:
    from leukoscope.inference.model_file.card import Card
    from leukoscope.models.recipe.recipe import Recipe
    from leukoscope.training.run import Run


def train(
    source: Source,
    recipe: str = "cnn",
    out: Path | str | None = None,
    *,
    split: Split | Path | str = "person",
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
    weights: str | None = None,
    resume: bool = True,
    jobs: int = 2,
    fractions: Sequence[float] = FRACTIONS,
    target_recall: float = 0.95,
) -> "Run":
    """Train a recipe, export it, and set temperature and operating point on validation persons.

    A data set that was not audited is audited first, so that a person under two ids stays on one
    side.

    Args:
        source: See `read_cohort`; a cohort.csv that an audit wrote saves auditing again.
        recipe: A recipe's name or YAML file.
        out: Run folder; by default runs/<recipe>-<split>-seed<seed>.
        split: "person", "image", "subject", "official", a split file, or a split.
        seed: Of the split (where it is made here) and of the training.
        settings: Recipe fields to replace, by dotted name.
        weights: What the network's trunk starts from, instead of what the recipe says: "hub",
            "none", or a .safetensors or .npz file.
        resume: Go on where an interrupted run in `out` stopped.
        jobs: Threads for reading and augmentation.
        fractions: Wanted shares of train, validation and test.
        target_recall: The recall of ALL that the operating point is set for.

    Returns:
        The run; its folder holds all files.

    Raises:
        LeukoscopeError: The recipe, data, split or run folder cannot be used; the message says what
            to do.
    """
    with needs_train_extra("train"):
        from leukoscope.models.recipe.recipe import read_recipe
        from leukoscope.training.run import LAST
    named = {} if weights is None else {"network.weights": weights}
    chosen = read_recipe(recipe).with_settings({**(settings or {}), **named})
    folder = Path(out) if out else Path("runs") / f"{chosen.name}-{_kind(split)}-seed{seed}"
    if not (resume and (folder / LAST).is_file()):
        check_weights(chosen)
    cohort = hash_cells(audited(source, jobs=jobs))
    made = resolve_split(cohort, split, seed, fractions)
    return trainer(chosen)(
        apply_split(cohort, made),
        chosen,
        made,
        folder,
        seed=seed,
        resume=resume,
        jobs=jobs,
        target_recall=target_recall,
    )


def check_weights(recipe: "Recipe") -> None:
    """Make sure, before the long work, that the weights a network starts from can be found.

    Raises:
        LeukoscopeError: They cannot; the message says what to do.
    """
    with needs_train_extra("train"):
        from leukoscope.models.recipe.recipe import NetworkRecipe
    if isinstance(recipe, NetworkRecipe):
        with needs_train_extra("train"):
            from leukoscope.models.network.weights import find_weights

            find_weights(recipe.network)


def trainer(recipe: "Recipe") -> "Callable[..., Run]":
    """What trains a recipe: `run_classical` or `run_training`."""
    with needs_train_extra("train"):
        from leukoscope.models.recipe.recipe import EstimatorRecipe

        if isinstance(
            recipe, EstimatorRecipe
        ):  # apart, for it starts seconds sooner without PyTorch
            from leukoscope.training.estimators.train import run_classical

            return run_classical
        from leukoscope.training.network.train import run_training
    return run_training


def recalibrate(run: "Run | Path | str", jobs: int = 2) -> "Card":
    """Set temperature, operating point and limits of a finished run's model file anew.

    So a model of an earlier version learns to abstain; no weight changes. Evaluate it again after.

    Args:
        run: A run, or its folder, with its images where its cohort.csv names them.
        jobs: Threads.

    Returns:
        The card that now stands in the model file.

    Raises:
        TrainingError: It is no finished run, or its images have gone.
    """
    with needs_train_extra("recalibrate"):
        from leukoscope.training.calibration.recalibrate import recalibrate as anew
        from leukoscope.training.run import Run, read_run
    return anew(run if isinstance(run, Run) else read_run(run), jobs=jobs)


def preview(source: Source, recipe: str, out: Path | str, seed: int = 0) -> Path:
    """Write a sheet of cells as training would see them, several random versions of each."""
    with needs_train_extra("preview"):
        from leukoscope.models.recipe.recipe import NetworkRecipe, read_recipe
        from leukoscope.training.preview import write_preview
    chosen = read_recipe(recipe)
    if not isinstance(chosen, NetworkRecipe):
        raise RecipeError(
            f"recipe {chosen.name}: measures cells as they are, so there is no augmentation to "
            "preview; see them with: leukoscope data report"
        )
    return write_preview(read_cohort(source), chosen, Path(out), seed=seed)


def _kind(split: Split | Path | str) -> str:
    if isinstance(split, Split):
        return split.kind
    is_file = str(split) not in KINDS and Path(split).is_file()
    return read_split(Path(split)).kind if is_file else str(split)


def resolve_split(
    cohort: Cohort, split: Split | Path | str, seed: int, fractions: Sequence[float]
) -> Split:
    """The split meant by a name, a file, or itself."""
    if isinstance(split, Split):
        return split
    if str(split) in KINDS:
        return split_cohort(cohort, str(split), fractions=fractions, seed=seed)
    if Path(split).is_file():
        return read_split(Path(split))
    raise SplitError(f"{split}: neither a kind of split ({', '.join(KINDS)}) nor a split file.")
