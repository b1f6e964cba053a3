"""Measure the performance of a model on labeled cells."""

from collections.abc import Callable
from dataclasses import replace
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from leukoscope.api.data import Source, audited
from leukoscope.api.extras import needs_train_extra
from leukoscope.core.cores import usable_cores
from leukoscope.core.errors import CohortError, LeakageError, TrainingError
from leukoscope.core.files import natural_key
from leukoscope.core.values import Cells, MetricResult, OperatingPoint, Overlap
from leukoscope.data.cohort import UNKNOWN, Cohort, hash_cells, write_cohort
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.model_file import read_card, write_card

if TYPE_CHECKING:
    from leukoscope.evaluation.record import Evaluation, Protocol
    from leukoscope.training.run import Run

CHOSEN_ON_VALIDATION = ("best epoch", "temperature", "operating point", "abstention")
CHOSEN_OF_ESTIMATORS = {
    "settings of the estimator": "train, by cross-validation over persons",
    "temperature": "validation",
    "operating point": "validation",
    "abstention": "validation",
}


def evaluate(
    run: "Run | Path | str",
    data: "Source | None" = None,
    *,
    part: str = "test",
    allow_overlap: bool = False,
    out: Path | str | None = None,
    jobs: int | None = None,
) -> "Evaluation":
    """Measure the performance of a model on persons it has not seen.

    Writes report.html, report.json and predictions.csv. The results on a run's own test subset are
    also written into the card of its model.

    Args:
        run: A run, its folder, or a model file (then name `data`).
        data: A data set to evaluate on instead of the run's own; all its labeled cells are used.
        part: Subset of the run's own split: "train", "validation" or "test".
        allow_overlap: Evaluate although persons or images are shared with the training data; the
            result is marked.
        out: Folder for the files; by default the run folder, or evaluation-<model> beside a model
            file.
        jobs: Threads; by default one for each core.

    Returns:
        The results; `metrics` maps names to values with 95 % intervals.

    Raises:
        LeakageError: Persons or images, named, are shared with the training data. A run whose split
            is leaky by design (image, subject, official) is evaluated on its own test subset, and
            marked.
    """
    jobs = jobs or usable_cores()
    with needs_train_extra("evaluate"):
        from leukoscope.evaluation.report.report import render_report
        from leukoscope.evaluation.summary import evaluate_table
        from leukoscope.training.network.log import LOG
        from leukoscope.training.run import IMPORTANCE, PREDICTIONS

    own, model = _opened(run)
    if data is not None:
        cells = _labeled(audited(data, jobs=jobs))
    elif own is not None:
        cells = _own_part(own, part)
    else:
        raise TrainingError(
            f"{model}: a model file alone has no test cells; name them with --data DIR."
        )
    cells = hash_cells(cells)
    card = read_card(model)
    beside = own.folder if own else model.with_name(f"evaluation-{model.stem}")
    folder = Path(out) if out else beside
    overlap = _overlap(card, cells, own_part=data is None, part=part, allowed=allow_overlap)

    answered = predicted(cells, model)
    columns = {**answered.columns, "area": areas(answered, jobs)}
    protocol = _protocol(card, own, cells, "all" if data is not None else part, overlap)
    evaluation = evaluate_table(
        columns, operating_point=_operating_point(card), limits=card.abstention, protocol=protocol
    )
    write_cohort(answered, folder / PREDICTIONS)
    render_report(
        evaluation,
        columns,
        folder,
        cells=pictures(card),
        learning_log=own.folder / LOG if own else None,
        importance=own.folder / IMPORTANCE if own else None,
    )
    if data is None and part == "test":
        write_card(model, replace(card, results=_results(evaluation, part)))
    return evaluation


def _opened(run: "Run | Path | str") -> "tuple[Run | None, Path]":
    """The run, where it is one, and the model file."""
    from leukoscope.training.run import Run, read_run

    if isinstance(run, Run):
        return run, run.model
    path = Path(run)
    if path.is_dir():
        own = read_run(path)
        return own, own.model
    return None, path


def predicted(cohort: Cohort, model: Path) -> Cohort:
    """The cohort with p_all, logit and verdict; nan where an image could not be answered for."""
    from leukoscope.core.progress import track
    from leukoscope.inference.predictor import Predictor

    answers = list(track(Predictor(model).stream(cohort.paths), "Predicting", total=len(cohort)))
    return cohort.with_columns(
        p_all=np.array([np.nan if a.p_all is None else a.p_all for a in answers]),
        logit=np.array([np.nan if a.logit is None else a.logit for a in answers]),
        verdict=np.array([str(a.verdict) for a in answers], dtype=object),
    )


def areas(cohort: Cohort, jobs: int) -> np.ndarray:
    """Cell area in pixels, nan where the image cannot be read.

    The report draws it against p_all, for size is a shortcut.
    """
    from concurrent.futures import ThreadPoolExecutor

    from leukoscope.core.errors import ImageError
    from leukoscope.data.imaging.foreground import nonblack_mask
    from leukoscope.data.imaging.image import decode

    def area(path: Path) -> float:
        try:
            return float(nonblack_mask(decode(path)).sum())
        except ImageError:
            return float("nan")

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        return np.array(list(pool.map(area, cohort.paths)))


def pictures(card: Card) -> Callable[[str], np.ndarray]:
    """How the report fetches the picture of a cell: as the model saw it."""
    from leukoscope.data.imaging.image import read_cell

    return lambda path: read_cell(path, card.input)


def _own_part(run: "Run", part: str) -> Cohort:
    rows = np.flatnonzero(run.cohort["part"] == part)
    if not len(rows):
        named = ", ".join(run.cohort.unique("part"))
        raise CohortError(f"{run.folder}: its split has no part {part!r}; choose one of {named}.")
    return run.cohort.select(rows)


def _labeled(cohort: Cohort) -> Cohort:
    rows = np.flatnonzero(cohort["label"] != UNKNOWN)
    if not len(rows):
        raise CohortError(
            f"{cohort.source}: no cell has a label, so nothing can be measured; use `leukoscope "
            "predict`."
        )
    return cohort.select(rows)


def _overlap(card: Card, cells: Cohort, *, own_part: bool, part: str, allowed: bool) -> Overlap:
    """What the cells share with the training data.

    Refused unless it was allowed or is the nature of the split.
    """
    shared = card.overlap(cells["subject"], cells["person"], cells["sha256"])
    expected = own_part and (card.training.split.leaky or part != "test")
    if shared and not (allowed or expected):
        who = ", ".join(sorted({*shared.persons, *shared.subjects}, key=natural_key)[:8])
        raise LeakageError(
            f"{cells.source}: the model was trained on {len(shared.persons)} of these persons "
            f"({who or 'none'}) and {shared.hashes} of these images, so the figures would flatter "
            "it. Name cells of other persons, or add --allow-overlap to measure all the same and "
            "have the result marked."
        )
    return shared


def _protocol(
    card: Card, run: "Run | None", cells: Cohort, part: str, overlap: Overlap
) -> "Protocol":
    from leukoscope.evaluation.record import Protocol

    persons: dict[str, tuple[str, ...]] = dict(card.training.persons)
    counts = {name: sum(by_class.values()) for name, by_class in card.training.cells.items()}
    persons[part], counts[part] = tuple(cells.unique("person")), len(cells)
    own = card.training.split
    return Protocol(
        split=f"by {own.kind}" if run else f"other cells than the model's own split by {own.kind}",
        model=card.name,
        data=cells.source,
        part=part,
        split_seed=own.seed,
        persons=persons,
        cells=counts,
        chosen_on=CHOSEN_OF_ESTIMATORS
        if "classical" in card.recipe
        else dict.fromkeys(CHOSEN_ON_VALIDATION, "validation"),
        temperature=card.temperature,
        leaky=own.leaky and run is not None,
        synthetic=card.training.synthetic,
        overlap=overlap,
        notes=run.split.warnings if run else (),
    )


def _operating_point(card: Card) -> OperatingPoint:
    """The card's own, or 0.5 where it has none."""
    return card.operating_point or OperatingPoint(0.5, nan, nan, nan, Cells("", 0, 0))


def _results(evaluation: "Evaluation", part: str) -> dict[str, MetricResult]:
    """The metrics as the model's card holds them."""
    count = evaluation.cells["ALL"] + evaluation.cells["HEM"]
    cells = Cells(part, sum(evaluation.person_count.values()), count)
    return {key: MetricResult.of(e, cells) for key, e in evaluation.metrics.items()}
