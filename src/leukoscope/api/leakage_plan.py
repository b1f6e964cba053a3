"""Plan the runs of a leakage study: the same budget and number of cells for every kind of split."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from leukoscope.core.dataclass_reader import build, parse_object, plain
from leukoscope.core.errors import RecipeError, SplitError, TrainingError
from leukoscope.core.files import write_text
from leukoscope.core.renamed import current_names
from leukoscope.core.seeds import SEEDS, is_seed
from leukoscope.core.wording import count as counted
from leukoscope.data.audit.checked import flagged
from leukoscope.data.cohort import ALL, HEM, UNKNOWN, Cohort
from leukoscope.data.hashing import UNREADABLE
from leukoscope.data.splits.partition import OFFICIAL_FOLDS, PARTS, Split, apply_split
from leukoscope.data.splits.splits import split_cohort
from leukoscope.data.splits.subsample import Counts, common_counts, subsample
from leukoscope.models.recipe.recipe import NetworkRecipe, Recipe

SPLITS = ("image", "subject", "official", "person")
STUDY = "study.json"
Schema = Literal["leukoscope-leakage-study-1"]
(SCHEMA,) = get_args(Schema)
Label = Literal["ALL", "HEM"]
LABELS: Mapping[Label, int] = {"ALL": ALL, "HEM": HEM}


@dataclass(frozen=True)
class StudyPlan:
    """The settings that all runs in a folder share, as its file holds them.

    Attributes:
        recipe: All settings of the recipe.
        data: Digest of the cells, labels and persons.
        cells: Numbers of cells by part and label.
    """

    schema: Schema
    recipe: Mapping[str, Any]
    data: str
    cells: Mapping[str, Mapping[Label, int]]


@dataclass(frozen=True)
class PlannedRun:
    """A run to do: its folder, split, seed, and cells with their subsets."""

    folder: Path
    split: Split
    seed: int
    cohort: Cohort


def check_choice(splits: Sequence[str], seeds: Sequence[int], cells: int | None) -> None:
    """Check the choice of splits, seeds and cells before the long work.

    Raises:
        SplitError: No or unknown splits, no seeds, a seed out of range, one named twice, or too
            few cells.
    """
    if not splits or len(set(map(str, splits))) < len(splits) or set(splits) - set(SPLITS):
        raise SplitError(
            f"splits are {', '.join(map(str, splits)) or '(none)'}; name each of "
            f"{', '.join(SPLITS)} at most once, and at least one."
        )
    if not seeds or not all(map(is_seed, seeds)) or len(set(seeds)) < len(seeds):
        raise SplitError(
            f"seeds are {', '.join(map(str, seeds)) or '(none)'}; give different whole "
            f"numbers {SEEDS}."
        )
    if cells is not None and cells < 2:
        raise SplitError(
            f"--cells is {cells}; a run needs at least 2 training cells, one of each class."
        )


def budgeted(recipe: Recipe, epochs: int | None = None) -> Recipe:
    """Return the recipe with a fixed budget: all its epochs, without early stopping.

    The best epoch is still chosen on the validation subset.

    Raises:
        RecipeError: Epochs for an estimator, or for a recipe whose stages have their own.
    """
    if not isinstance(recipe, NetworkRecipe):
        if epochs is not None:
            raise RecipeError(
                f"recipe {recipe.name}: an estimator has no epochs; leave out --epochs."
            )
        return recipe
    if epochs is not None and any(stage.epochs for stage in recipe.stages):
        raise RecipeError(
            f"recipe {recipe.name}: its stages have their own epochs; set each of them, as in "
            "--set stages.0.epochs=2."
        )
    whole = recipe.fit.epochs if epochs is None else epochs
    stages = {
        f"stages.{number}.patience": stage.epochs or whole
        for number, stage in enumerate(recipe.stages)
    }
    return recipe.with_settings({"fit.epochs": whole, "fit.patience": whole, **stages})


def study_cells(cohort: Cohort) -> Cohort:
    """Select the cells that can be used: those with a label and a readable image."""
    return cohort.select((cohort["label"] != UNKNOWN) & ~flagged(cohort, [UNREADABLE]))


def plan_runs(
    cohort: Cohort,
    folder: Path,
    splits: Sequence[str],
    seeds: Sequence[int],
    cells: int | None = None,
    kept: Counts | None = None,
) -> list[PlannedRun]:
    """Make all splits, with the same number of training and validation cells of each class.

    Args:
        cohort: From `study_cells`, hashed and audited.
        folder: Folder of the recipe's runs.
        splits: Kinds of split.
        seeds: Random seeds of the split and the sampled cells.
        cells: Number of training cells; by default as many as every split has.
        kept: Numbers of cells of the runs that exist already.

    Returns:
        The runs, all splits of a seed before the next seed. Cells that are not sampled have the
        part "".

    Raises:
        SplitError: A split cannot be made, or leaves too little in common.
    """
    made = [(protocol_split(cohort, kind, seed), seed) for seed in seeds for kind in splits]
    divided = [apply_split(cohort, split) for split, _ in made]
    available = common_counts(divided, most=cells)
    counts = kept or available
    for part, wanted in counts.items():
        if any(wanted[label] > available[part][label] for label in wanted):
            raise SplitError(
                f"{folder}: its runs have {counted(sum(wanted.values()), 'cell')} in {part}, and "
                "these "
                f"could have {sum(available[part].values()):,}; name other --cells or seeds, or "
                "choose another --out."
            )
    return [
        PlannedRun(folder / f"{split.kind}-seed{seed}", split, seed, subsample(cells, counts, seed))
        for (split, seed), cells in zip(made, divided, strict=True)
    ]


def protocol_split(cohort: Cohort, kind: str, seed: int) -> Split:
    """Make a split; the official one tests another fold for each seed."""
    fold = OFFICIAL_FOLDS[seed % len(OFFICIAL_FOLDS)]
    return split_cohort(cohort, kind, seed=seed, test_fold=fold)


def kept_counts(folder: Path, recipe: Recipe, cohort: Cohort) -> Counts | None:
    """Return the numbers of cells of the runs in a folder, None if there are none yet.

    Raises:
        TrainingError: The runs have another recipe or other data.
    """
    if not (folder / STUDY).is_file():
        return None
    study = read_plan(folder)
    kept = {"recipe": study.recipe, "data": study.data}
    wanted = {"recipe": _plain(recipe), "data": _digest(cohort)}
    if differences := list(_differences(kept, wanted)):
        raise TrainingError(f"{folder}: holds runs whose {differences[0]}; choose another --out.")
    return {
        part: {LABELS[label]: count for label, count in counts.items()}
        for part, counts in study.cells.items()
    }


def keep_study(folder: Path, recipe: Recipe, planned: Sequence[PlannedRun]) -> None:
    """Write the settings that all runs in a folder share."""
    cohort = planned[0].cohort
    cells = {
        part: {
            name: int(np.sum((cohort["part"] == part) & (cohort["label"] == label)))
            for name, label in LABELS.items()
        }
        for part in PARTS[:2]
    }
    study = StudyPlan(SCHEMA, _plain(recipe), _digest(cohort), cells)
    write_text(folder / STUDY, json.dumps(plain(study), indent=1) + "\n")


def read_plan(folder: Path) -> StudyPlan:
    """Read the file that `keep_study` wrote.

    Raises:
        TrainingError: The file is missing or invalid.
    """
    path = folder / STUDY
    try:
        return build(StudyPlan, current_names(parse_object(path.read_text("utf-8"), "it")))
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"{path}: cannot be read as the plan of a leakage study ({error}); choose another "
            "--out."
        ) from error


def _plain(recipe: Recipe) -> Any:
    """Convert a recipe to the form in which a file gives it back."""
    return json.loads(json.dumps(recipe.to_dict()))


def _digest(cohort: Cohort) -> str:
    """Hash the cells, labels and persons, whatever the order of the rows."""
    rows = zip(cohort["sha256"], cohort["label"].tolist(), cohort["person"], strict=True)
    return sha256(json.dumps(sorted(rows)).encode()).hexdigest()


def _differences(old: Any, new: Any, name: str = "") -> Iterator[str]:
    """Describe where two trees of settings differ, a line each."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from _differences(old.get(key), new.get(key), f"{name}.{key}".lstrip("."))
    elif old != new:
        yield f"{name} is {old}, not {new}"
