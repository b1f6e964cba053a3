"""Read an evaluated run from its folder, for a comparison."""

import json
from dataclasses import dataclass
from math import inf, isfinite
from pathlib import Path
from typing import Any

import numpy as np

from leukoscope.core.errors import CohortError, LeukoscopeError, TrainingError
from leukoscope.core.tables import read_table
from leukoscope.core.values import flat
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
    """A run for a comparison, with remarks on its folder, a line each."""

    entry: Entry
    remarks: tuple[str, ...] = ()


def read_run_result(folder: Path | str) -> RunResult:
    """Read a run folder for a comparison.

    Raises:
        LeukoscopeError: Not a run folder, its training has not finished, it was not evaluated, a
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
    """Text with a replacement for every character that is not printable."""
    return "".join(char if char.isprintable() else UNPRINTABLE for char in text)


def changed_settings(recipe: Recipe) -> tuple[str, ...]:
    """Settings that differ from the shipped recipe of the same name, as "NAME=VALUE"."""
    if recipe.name not in recipe_names():
        return ()
    shipped, used = flat(read_recipe(recipe.name).to_dict()), flat(recipe.to_dict())
    names = [name for name in {**shipped, **used} if shipped.get(name) != used.get(name)]
    return tuple(
        f"{name}={printable(json.dumps(used.get(name), ensure_ascii=False)).strip(chr(34))}"
        for name in names
        if name != "summary"
    )


def _check_files(folder: Path) -> None:
    if folder.is_file():
        raise TrainingError(
            f"{folder}: a file, not a run folder. The results of a model file are on its card: "
            f"leukoscope model show {folder}"
        )
    if missing := [name for name in (RECIPE, SPLIT, COHORT) if not (folder / name).is_file()]:
        raise TrainingError(
            f"{folder}: not a run folder (no {', '.join(missing)}); name folders that `leukoscope "
            "train` wrote."
        )
    if not (folder / MODEL).is_file():
        raise TrainingError(
            f"{folder}: this training has not finished (no {MODEL}); repeat the same `leukoscope "
            "train` to resume it."
        )
    for name in (RECORD_NAME, PREDICTIONS):
        if not (folder / name).is_file():
            raise TrainingError(
                f"{folder}: not evaluated yet (no {name}); run: leukoscope evaluate {folder}"
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
            f"{path}: is damaged, or of another version; evaluate again: leukoscope evaluate "
            f"{folder}"
        )
    return record


def _is_sound(record: Evaluation) -> bool:
    """True if every value that a comparison shows or sorts by has the right type."""
    protocol, point = record.protocol, record.operating_point
    needed = [record.metrics[metric.key] for metric in METRICS]
    needed += [record.metrics_at_half[metric.key] for metric in METRICS if metric.needs_threshold]
    numbers = [value for metric in needed for value in (metric.value, metric.low, metric.high)]
    numbers += [point.threshold, point.target_recall]
    counts = [record.cells[name] for name in ("ALL", "HEM")]
    counts += [record.person_count[name] for name in ("ALL", "HEM")]
    counts += [*record.confusion.counts, *protocol.cells.values()]
    return (
        all(value is None or abs(value) != inf for value in numbers)
        and all(isinstance(count, int) for count in counts)
        and all(isinstance(text, str) for text in (protocol.split, protocol.part))
        and all(isinstance(flag, bool) for flag in (protocol.leaky, protocol.synthetic))
        and isinstance(protocol.split_seed, int | None)
        and isinstance(point.threshold, float | int)
    )


def _read_predictions(folder: Path, cells: Cohort) -> Predictions:
    try:
        return predictions_of(cells)
    except LeukoscopeError as error:
        raise CohortError(
            f"{folder / PREDICTIONS}: {error}; evaluate again: leukoscope evaluate {folder}"
        ) from error


def _check_together(folder: Path, record: Evaluation, predictions: Predictions, card: Card) -> None:
    """Make sure that report, predictions and model are of the same evaluation."""
    counted = confusion(predictions.label, predictions.p, record.operating_point.threshold)
    if counted != record.confusion:
        raise TrainingError(
            f"{folder}: {RECORD_NAME} was not made from {PREDICTIONS}; evaluate again: leukoscope "
            f"evaluate {folder}"
        )
    # A training that is continued writes a new card, without results.
    own_test = record.protocol.part == "test"
    auroc = card.results.get("auroc")
    if own_test and (auroc is None or auroc.value != _number(record.metrics["auroc"].value)):
        raise TrainingError(
            f"{folder}: its model was trained or evaluated again since {RECORD_NAME}; evaluate "
            f"again: leukoscope evaluate {folder}"
        )


def _training(split: Split, card: Card) -> str:
    """A hash of the cells that a model was trained on, and of the split."""
    seen = card.training
    parts = {part: split.units(part) for part in sorted(set(split.parts.values()))}
    persons = {part: sorted(names) for part, names in sorted(seen.persons.items())}
    cells = {part: dict(sorted(counts.items())) for part, counts in sorted(seen.cells.items())}
    return digest(split.kind, split.unit, parts, persons, seen.hashes, cells)


def _cohort(card: Card, predictions: Cohort) -> str:
    """A hash of all images of a run: those it was trained on and those it was evaluated on."""
    measured = {truncate(sha256) for sha256 in predictions["sha256"] if sha256}
    return digest(sorted(card.hash_set() | measured))


def _cost(folder: Path, recipe: Recipe) -> tuple[int | None, float | None, tuple[str, ...]]:
    """Recorded epochs and seconds of a training, and remarks on what is missing."""
    is_estimator = isinstance(recipe, EstimatorRecipe)
    name = CHOICE if is_estimator else LOG
    try:
        if is_estimator:
            seconds = json.loads((folder / name).read_text("utf-8")).get("seconds")
            return None, _seconds(seconds), ()
        log = read_table(folder / name)
        return len(log["epoch"]), _seconds(float(np.sum(log["seconds"]))), ()
    except (LeukoscopeError, OSError, ValueError, KeyError, TypeError, AttributeError):
        remark = f"{folder / name}: cannot be read, so the training time is not shown."
        return None, None, (remark,)


def _seconds(value: Any) -> float | None:
    """A duration, or None if it is not recorded."""
    return float(value) if isinstance(value, int | float) and isfinite(value) else None


def _number(value: float) -> float | None:
    return value if isfinite(value) else None
