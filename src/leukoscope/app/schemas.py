"""Request and response bodies as pydantic models; OpenAPI, client and page types follow from them.

Field names are the column names of `leukoscope predict`.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from leukoscope.core.errors import RESEARCH_USE
from leukoscope.core.verdicts import SubjectVerdict, Verdict
from leukoscope.inference import results
from leukoscope.inference.occlusion import Kind

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
Include = Literal["heatmap", "picture", "features", "neighbors"]
ScaleSource = Literal["given", "file", "red cells", "unknown"]
Probability = Annotated[float, Field(ge=0, le=1)]


SEEN = Field(default=0, description="Number of images that the model was trained on.")


class Schema(BaseModel):
    """Base of all schemas. Unknown fields are refused, so that no typing error goes unnoticed."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class RequestBody(Schema):
    """Base of request bodies, checked strictly: 0 is not false, and "1" is not a number."""

    model_config = ConfigDict(strict=True)


class Neighbor(Schema):
    """A similar example cell, by the distance between embeddings of the model."""

    name: str
    label: Literal["ALL", "HEM"]
    similarity: float = Field(
        ge=0,
        le=1,
        description="1 / (1 + distance). 1: identical embeddings; 0.5: the typical distance of an "
        "example from the mean of all examples.",
    )
    synthetic: bool


class CellPrediction(Schema):
    """The prediction for one image. The fields up to `model` are a row of `leukoscope predict`.

    If the image could not be predicted, `p_all` and `logit` are null and `reason` says why.
    """

    name: str = Field(description="File name; archive/name for a file inside an archive.")
    subject: str = Field(description="Subject id from a C-NMC file name; empty for other names.")
    p_all: Probability | None = Field(description="Calibrated probability of ALL.")
    verdict: Verdict
    logit: float | None
    flags: list[str]
    reason: str
    model: str
    sha256: str = Field(description="sha256 of the file.")
    pixels: str = Field(default="", description="Hash of the pixels: the same for all copies.")
    threshold: Probability = Field(description="A cell is a blast from this probability of ALL.")
    heatmap: list[list[float]] | None = Field(
        default=None,
        description="Heatmap over the crop, row by row; positive values are evidence for ALL.",
    )
    heatmap_kind: Kind | None = Field(
        default=None,
        description="exact: the contribution of each place to the logit. occlusion: approximate, "
        "the change when a part of the cell is smoothed; computed by explain if the model has no "
        "exact map.",
    )
    picture: str | None = Field(
        default=None,
        description="The crop that the model sees, at the original scale, as a JPEG data URL.",
    )
    features: dict[str, float | None] | None = Field(
        default=None, description="Measurements of the cell, in original pixels and gray levels."
    )
    neighbors: list[Neighbor] | None = None
    cell_id: int | None = Field(default=None, description="Id of the cell in its case, if any.")


class SubjectAnswer(Schema):
    """What the usable cells of one subject say together; no statement about a patient."""

    verdict: SubjectVerdict
    reason: str = Field(description="Why the verdict is uncertain.")
    cells: int = Field(description="Usable cells: with the verdict blast, normal or uncertain.")
    probability: Probability | None = Field(description="Of a leukemic population, at even odds.")
    low: Probability | None
    high: Probability | None
    blasts: Probability | None = Field(description="Most likely fraction of blasts.")
    blasts_low: Probability | None
    blasts_high: Probability | None
    copies: int = Field(
        default=0, description="Further usable cells with the pixels of another; left out."
    )


class SubjectSummary(Schema):
    """Counts of the cells of one subject, with the 95 % Wilson interval of the blast fraction."""

    subject: str
    cells: int
    blasts: int
    fraction: Probability | None
    low: Probability | None
    high: Probability | None
    not_answered: int
    uncertain: int = Field(default=0, description="Part of `not_answered`.")
    not_cells: int = Field(default=0, description="Part of `not_answered`.")
    answer: SubjectAnswer | None = Field(
        default=None, description="Null: the model has no model of subjects."
    )
    answer_sentence: str = ""
    sentence: str

    @classmethod
    def of(cls, summary: results.SubjectSummary) -> Self:
        """Take over the summary that `tally` made."""
        return cls(
            **asdict(summary),
            sentence=summary.sentence(),
            answer_sentence=summary.answer_sentence(),
        )


class Predictions(Schema):
    """All predictions of one request, in the order of its images."""

    notice: str = RESEARCH_USE
    answers: list[CellPrediction]
    failed: int
    seen_in_training: int = SEEN
    subjects: list[SubjectSummary]


class StreamEnd(Schema):
    """The last line of a stream of predictions; a stream without it is incomplete."""

    done: Literal[True] = True
    answers: int
    failed: int
    seen_in_training: int = SEEN
    subjects: list[SubjectSummary] = []


class FieldCell(Schema):
    """An object found in a picture of a smear; places in pixels of that picture."""

    number: int = Field(description="From 1, from top to bottom.")
    outline: list[tuple[float, float]] = Field(description="x and y of its outline.")
    diameter_um: float | None = Field(description="Of a disk of its area; null at unknown scale.")
    flags: list[str]
    left_out: str = Field(description="The reason why it is left out unless chosen, or empty.")


class FieldCells(Schema):
    """The objects of a picture of a smear, and the picture reduced for a screen."""

    notice: str = RESEARCH_USE
    name: str
    width: int = Field(description="Pixels of the picture as it was sent.")
    height: int
    um_per_px: float | None = Field(description="Scale that the diameters have; null: unknown.")
    scale_from: ScaleSource
    scale_text: str = Field(description="How sure the scale is, or why it is unknown.")
    picture: str = Field(description="The picture as a JPEG data URL, at most 1600 px wide.")
    problem: str = Field(default="", description="Why it cannot be used, or empty.")
    cells: list[FieldCell]


class ImageIn(RequestBody):
    """One image in a JSON request."""

    name: str = ""
    data: str = Field(
        description="The file in base64 (either alphabet of RFC 4648, padding optional), also as a "
        "data URL."
    )


class PredictIn(RequestBody):
    """Images to predict, as JSON."""

    images: list[ImageIn]


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


class ModelEntry(Schema):
    """A served model with its model card, and the card as text."""

    name: str
    sha256: str = Field(description="sha256 of the model file.")
    created: datetime
    card: dict[str, Any]
    facts: list[tuple[str, str]] = Field(description="Model card as pairs of heading and text.")
    cnmc: bool = Field(description="True if all images trained on are official ones of C-NMC 2019.")
    default: bool = Field(description="True for the model that ships with Leukoscope.")


class ExampleEntry(Schema):
    """A bundled example cell. All of them are synthetic; none comes from a person."""

    name: str
    label: Literal["ALL", "HEM"]
    synthetic: bool
    url: str


class Problem(Schema):
    """An error, as one line of text."""

    error: str
