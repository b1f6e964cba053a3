"""The answers for the subjects of a case as a CSV table."""

from collections.abc import Iterator
from dataclasses import astuple, fields

from leukoscope.app.export.csv_rows import csv_lines
from leukoscope.app.export.review_counts import ReviewCounts, review_counts
from leukoscope.app.schemas import Case, SubjectSummary
from leukoscope.inference import summary as summaries
from leukoscope.inference.subject.answer import SubjectAnswer
from leukoscope.inference.subject.table import SUBJECT_FIELDS, subject_row

REVIEW_COLUMNS = tuple(f"review_{field.name}" for field in fields(ReviewCounts))
COLUMNS = (*SUBJECT_FIELDS, *REVIEW_COLUMNS)


def subjects_csv(case: Case) -> Iterator[bytes]:
    """A header, then one row per subject: the columns of `predict --subjects-out`, and reviews."""
    counts = review_counts(case.cells)
    rows = []
    for summary in case.subjects:
        row = subject_row(_summary(summary), case.model)
        reviewed = counts.get(summary.subject, ReviewCounts())
        rows.append((*(row.get(name) for name in SUBJECT_FIELDS), *astuple(reviewed)))
    return csv_lines(COLUMNS, rows)


def _summary(schema: SubjectSummary) -> summaries.SubjectSummary:
    """The summary from which `SubjectSummary.of` made the schema."""
    answer = SubjectAnswer(**schema.answer.model_dump()) if schema.answer else None
    names = {field.name for field in fields(summaries.SubjectSummary)} - {"answer"}
    values = {name: getattr(schema, name) for name in names}
    return summaries.SubjectSummary(**values, answer=answer)
