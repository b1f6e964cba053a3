"""Out-of-fold results by person of a model fitted on all persons, as its card holds them."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from leukoscope.core.wording import count as counted

LABELS = ("ALL", "HEM")


@dataclass(frozen=True)
class OutOfFoldResult:
    """Out-of-fold predictions for the cells of one person and label.

    All thresholds were set on other persons.

    Attributes:
        person: The person.
        label: "ALL" or "HEM".
        cells: Number of cells with this label.
        area: Median number of pixels that are not black.
        right: Cells classified correctly at the operating point.
        answered: Cells with the verdict blast or normal.
        wrong: Answered cells with the verdict of the other class.
        not_cells: Cells rejected as not a cell.
        covered: Cells whose prediction set contains their label.
        mean_p: Mean probability of ALL.
    """

    person: str
    label: str
    cells: int
    area: int | None
    right: int
    answered: int
    wrong: int
    not_cells: int
    covered: int
    mean_p: float

    def __post_init__(self) -> None:
        if self.label not in LABELS:
            raise ValueError(f"label must be ALL or HEM, got {self.label!r}")
        if self.cells < 1:
            raise ValueError(f"cells must be above 0, got {self.cells}")
        for name in ("right", "answered", "wrong", "not_cells", "covered"):
            if not 0 <= getattr(self, name) <= self.cells:
                raise ValueError(f"{name} must be from 0 to cells, got {getattr(self, name)}")
        if not 0 <= self.mean_p <= 1:
            raise ValueError(f"mean_p must be from 0 to 1, got {self.mean_p}")


def worst_person(rows: Sequence[OutOfFoldResult]) -> OutOfFoldResult:
    """The person with the smallest fraction of cells classified correctly."""
    return min(rows, key=lambda row: row.right / row.cells)


def persons_text(rows: Sequence[OutOfFoldResult]) -> str:
    """Describe the spread over persons, and the worst person, in one line."""
    fractions = [row.right / row.cells for row in rows]
    return (
        f"median over {counted(len(rows), 'person')} left out: {median(fractions):.1%} of a "
        "person's cells classified correctly; less than half for "
        f"{sum(f < 0.5 for f in fractions)} of "
        f"them; worst: {worst_text(worst_person(rows))}"
    )


def worst_text(row: OutOfFoldResult) -> str:
    """Describe the results of one person in one line."""
    return (
        f"person {row.person} ({row.label}), {row.right:,} of {counted(row.cells, 'cell')} "
        "classified "
        f"correctly, {row.answered:,} answered, {row.wrong:,} of these incorrectly"
    )
