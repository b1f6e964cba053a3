"""Predict images."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leukoscope.inference.predictions import Predictions
    from leukoscope.inference.predictor import Predictor
    from leukoscope.inference.sources import Image, Images
    from leukoscope.inference.summary import Outcome


SCALE = "um_per_px"
"""Column of the scale, where a table states it."""


def predict(
    images: "Images",
    model: "Predictor | Path | str | None" = None,
    *,
    out: Path | str | None = None,
    labels: Mapping[str, str] | str | None = None,
    columns: Mapping[str, str] | str | None = None,
    subject_pattern: str | None = None,
    heatmaps: bool = False,
    embeddings: bool = False,
) -> "Predictions":
    """Predict images.

    An image that cannot be used gets the verdict "error" and a reason; the others are predicted.
    All results are held in memory; for millions of images see `Predictor.stream`.

    Args:
        images: One image or several: files, folders, patterns, bytes, uint8 arrays (H, W, 3) in RGB
            at the original scale; or a cohort or DataFrame with a column `path`.
        model: An open model or a model file; by default the one that ships with the package.
        out: Table to write: .csv, .jsonl or .parquet.
        labels: Words for the classes in a table, as for `read_cohort`.
        columns: Headings of a table, as for `read_cohort`.
        subject_pattern: Regular expression that finds the subject in a path, as for `read_cohort`.
        heatmaps: Add the exact heatmaps, if the model has them; `explain` makes one for any model.
        embeddings: Add the embeddings.

    Returns:
        The predictions in the order of the images, with `to_pandas()` and a summary of each subject
        in `subjects`. They print as a short table.

    Raises:
        ModelFileError: The model cannot be used.
        CohortError: `out` does not end in one of the formats.
        FileError: `out` is one of the images, or a table of them.
    """
    from leukoscope.core.files import keep_inputs
    from leukoscope.core.tables import TableWriter
    from leukoscope.inference.results import FIELDS, NUMBERS, in_file
    from leukoscope.inference.sources import named_inputs

    if out is not None:
        keep_inputs([out], named_inputs(images))
    if labels or columns or subject_pattern:
        images = _listed(images, labels, columns, subject_pattern)
    predictor = open_predictor(model)
    if out is None:
        return predictor.predict(images, heatmaps=heatmaps, embeddings=embeddings)
    with TableWriter(
        out, FIELDS, numbers=NUMBERS
    ) as table:  # a wrong name is refused before the work
        predictions = predictor.predict(images, heatmaps=heatmaps, embeddings=embeddings)
        for row in predictions.rows():
            table.write(in_file(row))
    return predictions


def predict_to_table(
    images: "Images",
    model: Path | str | None = None,
    *,
    out: Path | None = None,
    subjects_out: Path | None = None,
    labels: Mapping[str, str] | str | None = None,
    columns: Mapping[str, str] | str | None = None,
    subject_pattern: str | None = None,
    in_context: bool = False,
) -> "Outcome":
    """Predict images row by row into a table, for any number of them; for the command line.

    A run that is stopped, or killed, resumes with the same arguments: see `bulk.resume`.

    Args:
        images: As for `predict`.
        model: As for `predict`.
        out: Table to write; None for CSV on standard output.
        subjects_out: Table of subjects to write.
        labels: As for `predict`.
        columns: As for `predict`.
        subject_pattern: As for `predict`.
        in_context: Add the column `p_all_in_context`; all rows are then held in memory.

    Returns:
        Counts, and a summary of each subject.

    Raises:
        ModelFileError: The model cannot be used.
        FileError: A table would be written over another or over an input.
    """
    from leukoscope.core.files import keep_inputs
    from leukoscope.core.tables import check_suffix
    from leukoscope.inference.results import FIELDS
    from leukoscope.inference.scales import check_scales, expected_scale
    from leukoscope.inference.sources import Source, named_inputs
    from leukoscope.inference.subject.rows import IN_CONTEXT, with_context
    from leukoscope.inference.subject.table import check_name, write_subjects
    from leukoscope.inference.summary import save

    check_name(subjects_out)  # a wrong name is refused before the work
    out = None if out is None or str(out) == "-" else out
    if out is not None:
        check_suffix(out)
    keep_inputs([out, subjects_out], named_inputs(images))
    predictor = open_predictor(model)
    card = predictor.card
    fields = (*FIELDS, IN_CONTEXT) if in_context else FIELDS
    listed = _listed(images, labels, columns, subject_pattern)
    scales = [one.um_per_px if isinstance(one, Source) else None for one in listed]
    with _rows(predictor, listed, out) as rows:
        if any(scales):
            fields = (*fields, SCALE)
            rows = ({**row, SCALE: scale} for row, scale in zip(rows, scales, strict=True))
        rows = with_context(rows, card.subjects) if in_context else rows
        outcome = save(rows, out, fields, card.subjects)
    expected = expected_scale(card)
    found = check_scales(listed, expected)
    outcome = replace(
        outcome,
        unknown_scale=found.unknown,
        scale_looked_at=found.looked_at,
        other_scale=found.other,
        expected_um_per_px=expected,
        color_profiles=found.profiles,
    )
    if subjects_out is not None:
        write_subjects(subjects_out, outcome.subjects, card.name)
    return outcome


def _listed(
    images: "Images",
    labels: Mapping[str, str] | str | None,
    columns: Mapping[str, str] | str | None,
    subject_pattern: str | None,
) -> "list[Image]":
    """The images behind what a user named, read by the user's own names."""
    from leukoscope.data.options import reading_options
    from leukoscope.inference.sources import list_images

    options = reading_options(labels=labels, columns=columns, subject_pattern=subject_pattern)
    return list_images(images, options)


@contextmanager
def _rows(
    predictor: "Predictor", listed: "list[Image]", out: Path | None
) -> Iterator[Iterable[dict[str, Any]]]:
    """The rows of images in order, as they come; or, for many images and a file, kept in parts."""
    from leukoscope.core.progress import track
    from leukoscope.inference.bulk.plan import FEWEST_ROWS
    from leukoscope.inference.bulk.resume import resumable_rows
    from leukoscope.inference.results import in_file, summary_row
    from leukoscope.inference.sources import Source

    sources = [image for image in listed if isinstance(image, Source)]
    if out is not None and len(sources) == len(listed) > FEWEST_ROWS:
        with resumable_rows(predictor, sources, out) as kept:
            yield kept
        return
    stream = track(predictor.stream(listed), "Predicting", total=len(listed))
    rows = (summary_row(prediction, predictor.card.name) for prediction in stream)
    yield rows if out is None else (dict(in_file(row)) for row in rows)


def open_predictor(model: "Predictor | Path | str | None") -> "Predictor":
    """Open a model that is not open yet."""
    from leukoscope.inference.predictor import Predictor

    return model if isinstance(model, Predictor) else Predictor(model)
