"""A classical training from cells to model file: measure, choose, fit, export, weigh the groups."""

import hashlib
import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

from leukoscope.data.cohort import UNKNOWN, Cohort
from leukoscope.data.descriptors import GROUPS, NAMES, VERSION
from leukoscope.data.image import Crop
from leukoscope.data.partition import Split, check_disjoint
from leukoscope.data.synthetic.notice import is_synthetic_cohort
from leukoscope.errors import TrainingError
from leukoscope.evaluation.importance import permutation_importance, write_importance
from leukoscope.files import write_text
from leukoscope.inference.card import Card, Descriptors
from leukoscope.models.classical import Classical
from leukoscope.models.recipe import Recipe
from leukoscope.progress import track
from leukoscope.training.cache import cached_descriptors, estimate_measuring, usable_rows
from leukoscope.training.calibrate import complete, new_card
from leukoscope.training.choice import Choice, choose
from leukoscope.training.estimator_export import export_estimator
from leukoscope.training.estimators import Fitted, fit_estimator
from leukoscope.training.process import is_first_process
from leukoscope.training.run import CHOICE, IMPORTANCE, MODEL, Run, check_kind, clear, write_run
from leukoscope.training.sampling import even_weights, part_rows

PACKAGES = ("scikit-learn", "skl2onnx", "onnx", "onnxruntime", "numpy")


def run_classical(
    cohort: Cohort,
    recipe: Recipe,
    split: Split,
    out: Path,
    *,
    seed: int,
    resume: bool = True,
    jobs: int = 2,
    target_recall: float = 0.95,
) -> Run:
    """Train a classical recipe, export and calibrate; the run folder holds everything.

    A fit takes seconds to minutes and is done whole, from the descriptors in the cache. Of several
    processes the first does it all.

    Args:
        cohort: Hashed cells with person and part; those with the part "" are left out.
        recipe: The settings; has `classical`.
        split: How the parts were made.
        out: The run folder.
        seed: Of the folds and of trees.
        resume: Refuse a folder that holds another run; else start anew in it.
        jobs: Threads.
        target_recall: For the operating point.

    Raises:
        LeakageError: A split that claims to be honest has a person, image or cell on two sides.
        TrainingError: A class is missing in a part, or `out` holds a different run.
    """
    if not split.leaky:
        check_disjoint(cohort)
    if not is_first_process():
        return Run(out, recipe, split, cohort.select(cohort["part"] != ""))
    cohort, values = measured(cohort, recipe, jobs)
    run = Run(out, recipe, split, cohort)
    key = _run_key(cohort, recipe, seed)
    if resume:
        _check_folder(out, recipe, key)
    else:
        clear(out)
    train, validation = part_rows(cohort, "train"), part_rows(cohort, "validation")
    write_run(run)
    started = perf_counter()
    choice, fitted = fitted_on(recipe, cohort.select(train), values[train], seed, jobs)
    _write_choice(choice, key, perf_counter() - started, out / CHOICE)
    _exported(run, choice, fitted, values, target_recall)
    _say("weighing the groups of descriptors on validation persons")
    importance = permutation_importance(
        fitted.logit,
        values[validation],
        cohort["label"][validation],
        cohort["person"][validation],
        _columns(settings_of(recipe)),
        seed=seed,
    )
    write_importance(importance, out / IMPORTANCE)
    return run


def measured(cohort: Cohort, recipe: Recipe, jobs: int) -> tuple[Cohort, np.ndarray]:
    """The cells of a part that can be read, and the descriptors that the model is given of them.

    All that have a label are measured, so that another split of them finds the same descriptors.
    """
    cohort = cohort.select(cohort["label"] != UNKNOWN)
    _say(f"{recipe.name}: {estimate_measuring(len(cohort), jobs)}")
    found = cached_descriptors(cohort, Crop(recipe.input.crop, recipe.input.size), jobs=jobs)
    for problem in found.problems.values():
        _say(f"left out: {problem}")
    rows = usable_rows(cohort, found.problems)
    columns = [NAMES.index(name) for name in settings_of(recipe).descriptors()]
    return cohort.select(rows), np.asarray(found.cells)[rows][:, columns]


def fitted_on(
    recipe: Recipe, cohort: Cohort, values: np.ndarray, seed: int, jobs: int
) -> tuple[Choice, Fitted]:
    """Choose among the recipe's candidates over the persons of some cells, and fit all of these."""
    settings = settings_of(recipe)
    weights = even_weights(cohort["label"], cohort["person"], settings.weights)
    choice = choose(settings, cohort, values, weights, seed=seed, jobs=jobs, track=track)
    told = ", ".join(f"{name} {value:g}" for name, value in choice.chosen.items())
    if choice.auroc.size:
        best = choice.auroc.mean(axis=1).max()
        told = f"chose {told}: AUROC {best:.3f} on training persons left out"
    _say(f"{recipe.name}: {told}; fitting {len(cohort):,} cells")
    label = cohort["label"].astype(np.int64)
    fitted = fit_estimator(settings, choice.chosen, values, label, weights, seed=seed, jobs=jobs)
    return choice, fitted


def _exported(
    run: Run, choice: Choice, fitted: Fitted, values: np.ndarray, target_recall: float
) -> None:
    """Write the model file; its card names the recipe with what was chosen."""
    settings = settings_of(run.recipe)
    chosen = {f"classical.{name}": value for name, value in choice.chosen.items()}
    card = new_card(
        run.cohort,
        run.recipe.with_settings(chosen),
        run.split,
        synthetic=is_synthetic_cohort(run.cohort),
        packages=PACKAGES,
        heatmap="none",
        descriptors=Descriptors(VERSION, settings.descriptors()),
    )

    def write(card: Card, some: np.ndarray) -> None:
        export_estimator(fitted, card, run.model, some)

    complete(write, card, run.cohort, values, run.folder / MODEL, target_recall)


def _columns(settings: Classical) -> dict[str, list[int]]:
    """The columns of each group that has any left."""
    names = settings.descriptors()
    groups = {
        group: [names.index(one.name) for one in members if one.name in names]
        for group, members in GROUPS.items()
    }
    return {group: columns for group, columns in groups.items() if columns}


def _run_key(cohort: Cohort, recipe: Recipe, seed: int) -> str:
    """What makes two runs the same run: settings, seed, and the cells with their parts."""
    cells = [cohort[name].tolist() for name in ("sha256", "part", "label", "person")]
    text = json.dumps([recipe.to_dict(), seed, VERSION, cells])
    return hashlib.sha256(text.encode()).hexdigest()


def _check_folder(out: Path, recipe: Recipe, key: str) -> None:
    check_kind(out, recipe)
    path = out / CHOICE
    try:
        known = json.loads(path.read_text("utf-8"))["run"] if path.is_file() else key
    except (ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{path}: is damaged; start anew with --fresh.") from error
    if known != key:
        raise TrainingError(
            f"{out}: holds a run with other settings, seed or cells; choose another --out, or "
            "start anew there with --fresh."
        )


def _write_choice(choice: Choice, key: str, seconds: float, path: Path) -> None:
    """Write what was tried and chosen, and how long that and the last fit took."""
    tried = [
        {"settings": candidate, "auroc": auroc.round(4).tolist()}
        for candidate, auroc in zip(choice.candidates, choice.auroc, strict=True)
    ]
    content = {"run": key, "chosen": choice.chosen, "seconds": seconds, "candidates": tried}
    write_text(path, json.dumps(content, indent=1) + "\n")


def settings_of(recipe: Recipe) -> Classical:
    """The settings of a recipe that is known to be classical."""
    assert recipe.classical is not None  # the verb asked for a classical training
    return recipe.classical


def _say(text: str) -> None:
    print(text, file=sys.stderr)
