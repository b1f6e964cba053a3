"""Predictions for several images: a sequence that prints as a short table."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from leukoscope.core.data_frames import to_data_frame
from leukoscope.core.errors import RESEARCH_USE
from leukoscope.core.verdicts import Verdict
from leukoscope.core.wording import count as counted
from leukoscope.data.imaging.scale import CNMC_UM_PER_PX, differs
from leukoscope.inference.notes import beyond_note, other_scale_note, repeated_note, seen_note
from leukoscope.inference.results import FIELDS, Prediction, as_row, summary_row
from leukoscope.inference.subject.model import SubjectModel
from leukoscope.inference.subject.rows import context_column
from leukoscope.inference.summary import Outcome, SubjectSummary, summarize

if TYPE_CHECKING:
    import pandas

SHOWN = 10
"""Rows of a printed table; of longer sequences the first and the last ones are shown."""
WIDEST = 60
"""Characters of a printed path or reason; of longer paths the end is shown."""


class Predictions(Sequence[Prediction]):
    """Predictions in the order of the images.

    Attributes:
        model: The name of the model, from its card.
        subject_model: The model of subjects, from its card.
        um_per_px: The scale of the model, from its card.
    """

    def __init__(
        self,
        predictions: Iterable[Prediction],
        model: str,
        subject_model: SubjectModel | None = None,
        um_per_px: float = CNMC_UM_PER_PX,
    ) -> None:
        self._predictions = tuple(predictions)
        self.model = model
        self.subject_model = subject_model
        self.um_per_px = um_per_px

    def __len__(self) -> int:
        return len(self._predictions)

    def __iter__(self) -> Iterator[Prediction]:
        return iter(self._predictions)

    @overload
    def __getitem__(self, index: int) -> Prediction: ...
    @overload
    def __getitem__(self, index: slice) -> "Predictions": ...
    def __getitem__(self, index: int | slice) -> "Prediction | Predictions":
        if isinstance(index, slice):
            part = self._predictions[index]
            return Predictions(part, self.model, self.subject_model, self.um_per_px)
        return self._predictions[index]

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows that `leukoscope predict` writes, with the columns `results.FIELDS`."""
        return [as_row(prediction, self.model) for prediction in self]

    def to_pandas(self) -> "pandas.DataFrame":
        """Copy the rows into a DataFrame; `p_all` and `logit` are nan where there is no answer.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        rows = self.rows()
        columns: dict[str, Any] = {name: [row[name] for row in rows] for name in FIELDS}
        for name in ("p_all", "logit"):
            columns[name] = [float("nan") if value is None else value for value in columns[name]]
        return to_data_frame(columns, "Predictions.to_pandas")

    @cached_property
    def outcome(self) -> Outcome:
        """Counts and the summary of each subject."""
        return summarize(self._summary_rows(), self.subject_model)

    @property
    def p_all_in_context(self) -> list[float | None]:
        """Probability of ALL of each cell, given the other cells of its subject.

        It is not a verdict: a person after treatment has both kinds of cells. None for cells that
        are not usable or have no subject.
        """
        return context_column(self._summary_rows(), self.subject_model)

    @property
    def subjects(self) -> tuple[SubjectSummary, ...]:
        """A summary of each subject's cells with the answer for the subject, in natural order.

        Images without a subject come last.
        """
        return self.outcome.subjects

    @property
    def failed(self) -> int:
        """The number of images that could not be used (verdict "error")."""
        return self.outcome.failed

    def __repr__(self) -> str:
        table = self._table()
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        rows = [
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
            for row in table
        ]
        notes = (
            beyond_note(self.outcome.beyond_crop, len(self)),
            seen_note(self.outcome.seen_in_training, len(self)),
            repeated_note(self.outcome.copies, len(self)),
            other_scale_note(self._of_other_scale(), len(self), self.um_per_px),
        )
        return "\n".join([self._summary(), *rows, *filter(None, notes), RESEARCH_USE])

    def _repr_html_(self) -> str:
        from leukoscope.core.html import notebook_table

        head, *rows = self._table()
        return notebook_table(self._summary(), head, rows)

    def _of_other_scale(self) -> int:
        scales = [one.um_per_px for one in self if one.um_per_px is not None]
        return sum(differs(scale, self.um_per_px) for scale in scales)

    def _summary_rows(self) -> list[dict[str, Any]]:
        return [summary_row(prediction, self.model) for prediction in self]

    def _summary(self) -> str:
        """Count the verdicts in one line."""
        counts = {verdict: sum(p.verdict == verdict for p in self) for verdict in Verdict}
        text = ", ".join(f"{count:,} {verdict}" for verdict, count in counts.items() if count)
        images = counted(len(self), "image")
        return f"Model {self.model!r}, {images}{': ' * bool(text)}{text}"

    def _table(self) -> list[tuple[str, ...]]:
        """Lay out the head and at most `SHOWN` rows."""
        head = ("image", "verdict", "p_all", "reason")
        numbers = list(range(len(self)))
        if len(self) > SHOWN:
            numbers = [*numbers[: SHOWN // 2], *numbers[-(SHOWN // 2) :]]
        rows = [_cells(self[number], number) for number in numbers]
        if len(self) > SHOWN:
            rows.insert(SHOWN // 2, ("...", "", "", ""))
        return [head, *rows]


def _cells(prediction: Prediction, number: int) -> tuple[str, ...]:
    name = _printable(prediction.name) or f"image {number}"
    name = name if len(name) <= WIDEST else f"...{name[3 - WIDEST :]}"
    p_all = "" if prediction.p_all is None else f"{prediction.p_all:.3f}"
    reason = _printable(prediction.reason)
    reason = reason if len(reason) <= WIDEST else f"{reason[: WIDEST - 3]}..."
    return name, str(prediction.verdict), p_all, reason


def _printable(text: str) -> str:
    """Escape what a terminal could take for a command, and bytes that are no text."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
