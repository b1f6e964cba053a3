"""Measure the performance of a model on labeled cells."""

from collections.abc import Sequence
from dataclasses import replace
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from leukoscope.api.data import Source, audited
from leukoscope.api.extras import needs_train_extra
from leukoscope.api.predict_cells import predict_cells
from leukoscope.core.cores import usable_cores
from leukoscope.core.errors import CohortError, LeakageError, TrainingError
from leukoscope.core.values import Cells, MetricResult, OperatingPoint, Overlap
from leukoscope.data.audit.checked import (
    remarks,
    require_audited,
    require_readable,
    require_unchanged,
)
from leukoscope.data.cnmc.copies import copies_note
from leukoscope.data.cohort import UNKNOWN, Cohort, write_cohort
from leukoscope.data.imaging.image import read_cell
from leukoscope.data.sources import row_sources
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.model_file import default_model, read_card, write_card
from leukoscope.inference.model_file.origin import other_source_note
from leukoscope.inference.notes import repeated_note
from leukoscope.inference.subject.copies import counted_once

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

NO_OPERATING_POINT = OperatingPoint(0.5, nan, nan, nan, Cells("", 0, 0))
"""Of a model whose card has none."""

SHIPPED = "default"
"""The name of the shipped model where a model file or run is expected."""


def evaluate(
    run: "Run | Path | str",
    data: "Source | None" = None,
    *,
    part: str = "test",
    allow_overlap: bool = False,
    out: Path | str | None = None,
    jobs: int | None = None,
    data_source: str | None = None,
) -> "Evaluation":
    """Measure the performance of a model on persons it has not seen.

    Writes report.html, report.json and predictions.csv. The results on a run's own test subset are
    also written into the card of its model.

    Args:
        run: A run, its folder, a model file, or "default" for the shipped model (the last two need
            `data`).
        data: A data set to evaluate on instead of the run's own; all its labeled cells are used.
        part: Subset of the run's own split: "train", "validation" or "test".
        allow_overlap: Evaluate although persons or images are shared with the training data; the
            result is marked.
        out: Folder for the files; by default that of `report_folder`.
        jobs: Threads; by default one for each core.
        data_source: Name of the data set that `data` is from. Ids of subjects are compared with
            those of the training within one data set only; images are always compared.

    Returns:
        The results; `metrics` maps names to values with 95 % intervals.

    Raises:
        LeakageError: Persons or images, named, are shared with the training data. A run whose split
            is leaky by design (image, subject, official) is evaluated on its own test subset, and
            marked.
    """
    jobs = jobs or usable_cores()
    with needs_train_extra("evaluate"):
        from leukoscope.training.run import check_model

    own_run, model = opened(run)
    card = read_card(model)
    if data is not None:
        named = audited(data, jobs=jobs, hashed=False, data_source=data_source)
        cells, part = labeled(named), "all"
    elif own_run is not None:
        check_model(own_run, card)
        cells = _own_part(own_run, part)
    else:
        raise TrainingError(
            f"{model}: a model file alone has no test cells; name them with --data DIR."
        )
    expected = data is None and (card.training.split.leaky or part != "test")
    allowed = allow_overlap or expected
    check_overlap(card, cells, allowed)
    predicted, area = predict_cells(cells, model, jobs=jobs)
    if data is None:
        require_unchanged(cells, predicted, "the training")
    else:
        require_audited(cells, predicted)
    if np.isnan(predicted["p_all"]).all():
        require_readable(predicted, "Put them back where the table names them.")
    overlap = check_overlap(card, predicted, allowed)  # again, now with the hash of every image
    folder = Path(out) if out else report_folder(run)
    evaluation = measure(card, own_run, predicted, area, part, overlap, folder)
    if data is None and part == "test":
        write_card(model, replace(card, results=_results(evaluation, part)))
    return evaluation


def measure(
    card: Card,
    run: "Run | None",
    predicted: Cohort,
    area: np.ndarray,
    part: str,
    overlap: Overlap,
    folder: Path,
) -> "Evaluation":
    """Measure a model on predicted cells, and write the report into a folder.

    Args:
        card: The card of the model.
        run: The run of the model, if there is one.
        predicted: The cells from `predict_cells`.
        area: Their areas in pixels.
        part: Name of the subset.
        overlap: What the cells share with the training data.
        folder: Where report.html, report.json and predictions.csv go.
    """
    with needs_train_extra("evaluate"):
        from leukoscope.evaluation.report.report import render_report
        from leukoscope.evaluation.summary import evaluate_table
        from leukoscope.evaluation.table import scored_cells
        from leukoscope.training.run import IMPORTANCE, LOG, PREDICTIONS

    table = scored_cells({**predicted.columns, "area": area})
    evaluation = evaluate_table(
        table,
        operating_point=card.operating_point or NO_OPERATING_POINT,
        limits=card.abstention,
        subjects=card.subjects,
        protocol=_protocol(card, run, predicted, part, overlap),
    )
    write_cohort(predicted, folder / PREDICTIONS)
    render_report(
        evaluation,
        table,
        folder,
        read_image=lambda path: read_cell(path, card.input),
        learning_log=run.folder / LOG if run else None,
        importance=run.folder / IMPORTANCE if run else None,
    )
    return evaluation


def opened(run: "Run | Path | str") -> "tuple[Run | None, Path]":
    """The run, where it is one, and the model file."""
    from leukoscope.training.run import Run, read_run

    if isinstance(run, Run):
        return run, run.model
    path = Path(run)
    if path.is_dir():
        own = read_run(path)
        return own, own.model
    return None, default_model() if path == Path(SHIPPED) and not path.exists() else path


def report_folder(run: "Run | Path | str") -> Path:
    """The default folder of `evaluate`: the run folder, or evaluation-<model> beside a model file.

    The report of the shipped model goes into the current folder, not into the installed package.
    """
    own_run, model = opened(run)
    if own_run is not None:
        return own_run.folder
    name = f"evaluation-{model.stem}"
    return Path(name) if model.resolve() == default_model().resolve() else model.with_name(name)


def _own_part(run: "Run", part: str) -> Cohort:
    rows = np.flatnonzero(run.cohort["part"] == part)
    if not len(rows):
        named = ", ".join(run.cohort.unique("part"))
        raise CohortError(f"{run.folder}: its split has no part {part!r}; choose one of {named}.")
    return run.cohort.select(rows)


def labeled(cohort: Cohort) -> Cohort:
    """The cells with a label."""
    rows = np.flatnonzero(cohort["label"] != UNKNOWN)
    if not len(rows):
        raise CohortError(
            f"{cohort.source}: no cell has a label, so nothing can be measured; use `leukoscope "
            "predict`."
        )
    return cohort.select(rows)


def check_overlap(card: Card, cells: Cohort, allowed: bool) -> Overlap:
    """The overlap of the cells with the training data.

    Raises:
        LeakageError: They share anything, and that is not allowed.
    """
    pixels = cells.columns.get("pixel_sha256")
    own = row_sources(cells)
    shared = card.overlap(cells["subject"], cells["person"], cells["sha256"], pixels, own)
    if shared and not allowed:
        raise LeakageError(
            f"{cells.source}: the model was trained on {shared.text()}, so the "
            "results would be too good. Name cells of other persons, or add --allow-overlap to "
            f"evaluate anyway and have the result marked.{_way_out(shared)}"
        )
    return shared


def _way_out(shared: Overlap) -> str:
    """The advice for ids that only happen to be the same: no image is shared."""
    if shared.hashes:
        return ""
    return " If other persons have these ids in your data, name it: --data-source NAME."


def _not_compared(card: Card) -> tuple[str, ...]:
    """A note for readers where the model file cannot tell all copies of its training images."""
    if card.training.pixels or not card.training.hashes:
        return ()
    return (
        "The model file holds no hashes of pixels, so these images were compared with its training "
        "images by file only: copies in another format are not recognized.",
    )


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
        notes=_notes(card, run.split.warnings if run and part != "all" else remarks(cells), cells),
    )


def _notes(card: Card, of_audit: Sequence[str], cells: Cohort) -> tuple[str, ...]:
    """The remarks for readers, each once."""
    other = other_source_note(card, [*cells["subject"], *cells["person"]], row_sources(cells) * 2)
    copies = int(np.sum(~counted_once(cells["person"], cells["pixel_sha256"])))
    repeated = repeated_note(copies, len(cells))
    notes = [
        *of_audit,
        *copies_note(cells["official"]),
        *other,
        *_not_compared(card),
        *([f"{repeated} Metrics of cells count all of them."] if copies else []),
    ]
    return tuple(dict.fromkeys(notes))


def _results(evaluation: "Evaluation", part: str) -> dict[str, MetricResult]:
    """The metrics as the model's card holds them."""
    count = evaluation.cells["ALL"] + evaluation.cells["HEM"]
    cells = Cells(part, sum(evaluation.person_count.values()), count)
    return {key: MetricResult.of(e, cells) for key, e in evaluation.metrics.items()}
