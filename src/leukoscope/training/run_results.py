"""A run that was trained and measured, as a comparison takes it: read from its folder."""

import json
from dataclasses import dataclass
from math import inf, isfinite
from pathlib import Path
from typing import Any

import numpy as np

from leukoscope.core.errors import CohortError, LeukoscopeError, TrainingError
from leukoscope.core.tables import read_table
from leukoscope.data.cohort import Cohort, read_cohort_table
from leukoscope.data.splits.partition import Split, read_split
from leukoscope.evaluation.comparison.comparison import Entry
from leukoscope.evaluation.metrics.confusion import confusion
from leukoscope.evaluation.metrics.metrics import METRICS
from leukoscope.evaluation.predictions import Predictions, digest, predictions_of
from leukoscope.evaluation.record import Evaluation
from leukoscope.evaluation.report.report import RECORD_NAME
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.hashes import truncate
from leukoscope.inference.model_file.model_file import read_card
from leukoscope.inference.model_file.parameter_count import count_parameters
from leukoscope.models.recipe.recipe import EstimatorRecipe, Recipe, read_recipe, recipe_names
from leukoscope.training.run import CHOICE, COHORT, LOG, MODEL, PREDICTIONS, RECIPE, SPLIT

UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True)
class RunResult:
    """A run for a comparison, and what is odd about its folder, a line each."""

    entry: Entry
    remarks: tuple[str, ...] = ()


def read_run_result(folder: Path | str) -> RunResult:
    """Read what a comparison needs of a run folder.

    Raises:
        LeukoscopeError: It is no run folder, its training has not finished, it was not measured, a
            file is damaged, or its files do not belong together; the message says what to do.
    """
    folder = Path(folder)
    _check_files(folder)
    recipe, split = read_recipe(folder / RECIPE), read_split(folder / SPLIT)
    card = read_card(folder / MODEL)
    record = _read_record(folder)
    cells = read_cohort_table(folder / PREDICTIONS)
    predictions = _read_predictions(folder, cells)
    _check_together(folder, record, predictions, card)
    epochs, seconds, remarks = _cost(folder, recipe)
    entry = Entry(
        name=printable(str(folder)),
        recipe=printable(recipe.name),
        settings=changed_settings(recipe),
        evaluation=record,
        predictions=predictions,
        training=_training(split, card),
        cohort=_cohort(card, cells),
        file_bytes=(folder / MODEL).stat().st_size,
        weights=count_parameters(folder / MODEL) if card.descriptors is None else None,
        epochs=epochs,
        seconds=seconds,
    )
    return RunResult(entry, remarks)


def printable(text: str) -> str:
    """Text with a mark for every character that could upset a terminal or a file."""
    return "".join(one if one.isprintable() else UNPRINTABLE for one in text)


def changed_settings(recipe: Recipe) -> tuple[str, ...]:
    """What differs from the recipe of the same name that comes with the package: "NAME=VALUE"."""
    if recipe.name not in recipe_names():
        return ()
    usual, own = _flat(read_recipe(recipe.name).to_dict()), _flat(recipe.to_dict())
    names = [name for name in {**usual, **own} if usual.get(name) != own.get(name)]
    return tuple(
        f"{name}={printable(json.dumps(own.get(name), ensure_ascii=False)).strip(chr(34))}"
        for name in names
        if name != "summary"
    )


def _check_files(folder: Path) -> None:
    if missing := [name for name in (RECIPE, SPLIT, COHORT) if not (folder / name).is_file()]:
        raise TrainingError(
            f"{folder}: not a run folder (no {', '.join(missing)}); name folders that `leukoscope "
            "train` wrote."
        )
    if not (folder / MODEL).is_file():
        raise TrainingError(
            f"{folder}: this training has not finished (no {MODEL}); the same `leukoscope train` "
            "goes on."
        )
    for name in (RECORD_NAME, PREDICTIONS):
        if not (folder / name).is_file():
            raise TrainingError(
                f"{folder}: not measured yet (no {name}); measure it: leukoscope evaluate {folder}"
            )


def _read_record(folder: Path) -> Evaluation:
    path = folder / RECORD_NAME
    try:
        record = Evaluation.from_json(path.read_text("utf-8"))
        sound = _is_sound(record)
    except (LeukoscopeError, OSError, ValueError, RecursionError):
        sound = False
    except (LookupError, TypeError, AttributeError):  # JSON of another form
        sound = False
    if not sound:
        raise TrainingError(
            f"{path}: is damaged, or of another version; measure again: leukoscope evaluate "
            f"{folder}"
        )
    return record


def _is_sound(record: Evaluation) -> bool:
    """Whether all that a comparison shows and sorts by is there and of its kind."""
    how, point = record.protocol, record.operating_point
    needed = [record.metrics[metric.key] for metric in METRICS]
    needed += [record.metrics_at_half[metric.key] for metric in METRICS if metric.needs_threshold]
    numbers = [value for one in needed for value in (one.value, one.low, one.high)]
    numbers += [point.threshold, point.target_recall]
    counts = [record.cells[name] for name in ("ALL", "HEM")]
    counts += [record.person_count[name] for name in ("ALL", "HEM")]
    counts += [*record.confusion.counts, *how.cells.values()]
    return (
        all(value is None or abs(value) != inf for value in numbers)
        and all(isinstance(count, int) for count in counts)
        and all(isinstance(text, str) for text in (how.split, how.part))
        and all(isinstance(flag, bool) for flag in (how.leaky, how.synthetic))
        and isinstance(how.split_seed, int | None)
        and isinstance(point.threshold, float | int)
    )


def _read_predictions(folder: Path, cells: Cohort) -> Predictions:
    try:
        return predictions_of(cells)
    except LeukoscopeError as error:
        raise CohortError(
            f"{folder / PREDICTIONS}: {error}; measure again: leukoscope evaluate {folder}"
        ) from error


def _check_together(folder: Path, record: Evaluation, predictions: Predictions, card: Card) -> None:
    """Make sure that report, predictions and model speak of one and the same evaluation."""
    counted = confusion(predictions.label, predictions.p, record.operating_point.threshold)
    if counted != record.confusion:
        raise TrainingError(
            f"{folder}: {RECORD_NAME} was not made from {PREDICTIONS}; measure again: leukoscope "
            f"evaluate {folder}"
        )
    # A model that is trained on gets a new card, without results.
    own_test = record.protocol.part == "test"
    auroc = card.results.get("auroc")
    if own_test and (auroc is None or auroc.value != _number(record.metrics["auroc"].value)):
        raise TrainingError(
            f"{folder}: its model was trained or measured again since {RECORD_NAME}; measure "
            f"again: leukoscope evaluate {folder}"
        )


def _training(split: Split, card: Card) -> str:
    """A hash of the cells a model learned from and of how all parts were made."""
    seen = card.training
    parts = {part: split.units(part) for part in sorted(set(split.parts.values()))}
    persons = {part: sorted(names) for part, names in sorted(seen.persons.items())}
    cells = {part: dict(sorted(counts.items())) for part, counts in sorted(seen.cells.items())}
    return digest(split.kind, split.unit, parts, persons, seen.hashes, cells)


def _cohort(card: Card, predictions: Cohort) -> str:
    """A hash of all images of a run: those it learned from and those it was measured on."""
    measured = {truncate(sha256) for sha256 in predictions["sha256"] if sha256}
    return digest(sorted(card.hash_set() | measured))


def _cost(folder: Path, recipe: Recipe) -> tuple[int | None, float | None, tuple[str, ...]]:
    """Epochs and seconds of a training as far as they are on record, and what is not."""
    is_estimator = isinstance(recipe, EstimatorRecipe)
    name = CHOICE if is_estimator else LOG
    try:
        if is_estimator:
            seconds = json.loads((folder / name).read_text("utf-8")).get("seconds")
            return None, _seconds(seconds), ()
        log = read_table(folder / name)
        return len(log["epoch"]), _seconds(float(np.sum(log["seconds"]))), ()
    except (LeukoscopeError, OSError, ValueError, KeyError, TypeError, AttributeError):
        remark = f"{folder / name}: cannot be read, so what the training took is not shown."
        return None, None, (remark,)


def _seconds(value: Any) -> float | None:
    """A duration, or None where none is on record."""
    return float(value) if isinstance(value, int | float) and isfinite(value) else None


def _number(value: float) -> float | None:
    return value if isfinite(value) else None


def _flat(tree: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Dotted names to values."""
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{above}{name}.")
        else:
            flat[above + name] = value
    return flat
