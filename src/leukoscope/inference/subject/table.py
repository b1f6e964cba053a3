"""The table of subjects that `leukoscope predict --subjects-out` writes."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukoscope.core.tables import TableWriter

if TYPE_CHECKING:
    from leukoscope.inference.summary import SubjectSummary

SUBJECT_FIELDS = (
    "subject",
    "verdict",
    "p_leukemic",
    "p_low",
    "p_high",
    "usable_cells",
    "copies",
    "blast_fraction",
    "blast_fraction_low",
    "blast_fraction_high",
    "reason",
    "images",
    "blast_verdicts",
    "not_answered",
    "model",
)


def subject_row(summary: "SubjectSummary", model: str) -> dict[str, Any]:
    """A row with the columns `SUBJECT_FIELDS`; `model` is the card's name."""
    row: dict[str, Any] = {
        "subject": summary.subject,
        "images": summary.cells,
        "blast_verdicts": summary.blasts,
        "not_answered": summary.not_answered,
        "model": model,
    }
    answer = summary.answer
    if answer is None:
        return row | {"verdict": "", "reason": "the model has no model of subjects"}
    return row | {
        "verdict": str(answer.verdict),
        "p_leukemic": answer.probability,
        "p_low": answer.low,
        "p_high": answer.high,
        "usable_cells": answer.cells,
        "copies": answer.copies,
        "blast_fraction": answer.blasts,
        "blast_fraction_low": answer.blasts_low,
        "blast_fraction_high": answer.blasts_high,
        "reason": answer.reason,
    }


def check_name(path: Path | None) -> None:
    """Refuse a name that is not that of a table.

    Raises:
        CohortError: The name ends in none of the formats.
    """
    if path is not None:
        TableWriter(path, SUBJECT_FIELDS)


def write_subjects(path: Path, subjects: Iterable["SubjectSummary"], model: str) -> None:
    """Write a row for each subject: .csv, .jsonl or .parquet."""
    with TableWriter(path, SUBJECT_FIELDS) as table:
        for summary in subjects:
            table.write(subject_row(summary, model))
