"""The reviews of a subject's cells in numbers, as the page shows them beside the model's answer."""

from collections.abc import Iterable
from dataclasses import dataclass

from leukoscope.app.schemas import Cell
from leukoscope.core.verdicts import ANSWERS, VERDICTS, Verdict
from leukoscope.core.wording import count as counted
from leukoscope.data.cohort import ALL, HEM, LABEL_NAMES

_BLAST, _NORMAL = LABEL_NAMES[ALL], LABEL_NAMES[HEM]
_LABEL_OF = {info.verdict: info.label for info in VERDICTS if info.verdict in ANSWERS}


@dataclass
class ReviewCounts:
    """Numbers of cells by review.

    Attributes:
        blasts: Reviewed as blast.
        normal: Reviewed as normal.
        other: Reviewed with another label.
        open: Not reviewed; without files that could not be read.
        compared: With an answer of the model, and reviewed as blast or normal.
        agreed: Those of them where both are the same.
    """

    blasts: int = 0
    normal: int = 0
    other: int = 0
    open: int = 0
    compared: int = 0
    agreed: int = 0

    def add(self, cell: Cell) -> None:
        """Count one cell."""
        label = cell.review.label if cell.review else None
        if label is None:
            self.open += cell.verdict != Verdict.ERROR
        elif label in (_BLAST, _NORMAL):
            self.blasts += label == _BLAST
            self.normal += label == _NORMAL
            if cell.verdict in _LABEL_OF:
                self.compared += 1
                self.agreed += _LABEL_OF[cell.verdict] == label
        else:
            self.other += 1

    def text(self) -> str:
        """The counts in one or two sentences; "" where no cell is reviewed."""
        if not (self.blasts or self.normal or self.other):
            return ""
        other = f", {self.other} with another label" if self.other else ""
        text = (
            f"By review: {self.blasts} of {self.blasts + self.normal} blasts{other}, "
            f"{self.open} open."
        )
        if not self.compared:
            return text
        return (
            f"{text} Model and review agree on {self.agreed} of {counted(self.compared, 'cell')} "
            "with an "
            f"answer ({self.agreed / self.compared:.0%})."
        )


def review_counts(cells: Iterable[Cell]) -> dict[str, ReviewCounts]:
    """The counts of each subject."""
    found: dict[str, ReviewCounts] = {}
    for cell in cells:
        found.setdefault(cell.subject, ReviewCounts()).add(cell)
    return found
