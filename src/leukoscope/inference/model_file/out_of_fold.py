"""Figures by person of a model that has seen everyone, as its card holds them."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

LABELS = ("ALL", "HEM")


@dataclass(frozen=True)
class OutOfFoldResult:
    """What a model of the same recipe, which had not seen a person, said of that person's cells.

    `area` is the median of the pixels that are not black. Of the `cells` of this class, `right`
    were called so at the operating point; `answered` got a verdict, and `wrong` of these the other
    class; `not_cells` were taken for something else; `covered` kept their class among the possible
    ones. What a call hangs on was set on other persons.
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
    """Of whose cells the smallest share was called rightly."""
    return min(rows, key=lambda row: row.right / row.cells)


def persons_text(rows: Sequence[OutOfFoldResult]) -> str:
    """How far persons lie apart, and who is worst, on one line."""
    worst = worst_person(rows)
    shares = [row.right / row.cells for row in rows]
    return (
        f"of the cells of a person left out {median(shares):.1%} called rightly in the median of "
        f"{len(rows)}, below half of {sum(share < 0.5 for share in shares)} of them; worst is "
        f"{worst_text(worst)}"
    )


def worst_text(row: OutOfFoldResult) -> str:
    """What became of one person's cells."""
    return (
        f"person {row.person} ({row.label}): {row.right} of {row.cells} cells called rightly; "
        f"{row.answered} answered, {row.wrong} of these wrongly"
    )
