"""Cases, their cells, and the reviews of them."""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from leukoscope.app.schemas.base import SEEN, Probability, RequestBody, Schema
from leukoscope.app.schemas.predictions import CellPrediction, SubjectSummary
from leukoscope.core.errors import RESEARCH_USE

LABELS = ("ALL", "HEM", "not a cell", "cannot tell")
"""The labels that every reviewer can give; any other names another type of cell."""
Label = Annotated[
    str,
    Field(
        min_length=1,
        max_length=40,
        pattern=r"^[^\s\x00-\x1f]([^\x00-\x1f]*[^\s\x00-\x1f])?$",
        description="ALL, HEM, not a cell, cannot tell, or the name of another type of cell.",
    ),
]


class CaseIn(RequestBody):
    """A new case."""

    name: str = Field(default="", max_length=200, description="If empty, the time is the name.")
    notes: str = Field(default="", max_length=20_000)
    keep_images: bool = Field(default=False, description="Also store the image files.")
    model_sha256: str = Field(
        default="", max_length=64, description="One of the served models; by default the first."
    )


class CaseChange(RequestBody):
    """Changes to a case; fields that are left out stay unchanged."""

    name: str | None = Field(default=None, min_length=1, max_length=200)
    notes: str | None = Field(default=None, max_length=20_000)
    threshold: Probability | None = Field(
        default=None, description="Threshold of this case; null: the threshold of the model."
    )


class Review(RequestBody):
    """A person's label for a cell."""

    label: Label
    reviewer: str = Field(default="", max_length=100)
    note: str = Field(default="", max_length=1_000)


class Reviews(Review):
    """One label for several cells."""

    cells: list[int] = Field(min_length=1, max_length=20_000)


class ReviewOut(Review):
    """A stored review."""

    model_config = ConfigDict(strict=False)

    created: datetime


class Cell(CellPrediction):
    """A prediction stored in a case. `verdict` follows the threshold of the case, if it has one."""

    id: int
    answered: datetime
    has_image: bool
    review: ReviewOut | None


class CellChange(RequestBody):
    """A new subject for some cells."""

    cells: list[int] = Field(min_length=1, max_length=20_000)
    subject: str = Field(max_length=100)


class AbstentionThresholds(Schema):
    """Conformal thresholds. A cell is uncertain if both classes, or neither, remain possible."""

    all_from: Probability = Field(description="ALL is possible from this probability.")
    hem_to: Probability = Field(description="HEM is possible up to this probability.")


class CaseHead(Schema):
    """A case without its cells."""

    id: str
    name: str
    notes: str
    keep_images: bool
    created: datetime
    updated: datetime
    model: str
    model_sha256: str
    threshold: Probability = Field(description="The threshold in use: of the case or the model.")
    own_threshold: bool
    abstains: AbstentionThresholds | None = Field(
        default=None, description="Null: the model never abstains."
    )
    verdicts: dict[str, int]
    reviewed: int
    can_undo: bool
    subjects: list[SubjectSummary]


class Case(CaseHead):
    """A case with its cells, in the order in which they were added."""

    notice: str = RESEARCH_USE
    seen_in_training: int = SEEN
    cells: list[Cell]


class CaseExport(Case):
    """An exported case, with the software and the time of the export."""

    software: str
    exported: datetime
