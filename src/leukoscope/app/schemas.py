"""What travels over HTTP, as pydantic models; the OpenAPI document and the client follow from them.

Words and columns are those of `leukoscope predict`.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from leukoscope.core.errors import RESEARCH_USE
from leukoscope.core.verdicts import Verdict
from leukoscope.inference import results
from leukoscope.inference.occlusion import Kind

Label = Literal["ALL", "HEM", "not a cell"]
Include = Literal["heatmap", "picture", "features", "neighbors"]
Probability = Annotated[float, Field(ge=0, le=1)]


class Schema(BaseModel):
    """Unknown fields are refused, so that a typing error is never silently ignored."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class RequestBody(Schema):
    """What a client sends, taken by the letter: 0 is not false, and "1" is no number."""

    model_config = ConfigDict(strict=True)


class Neighbor(Schema):
    """An example cell that looks alike to the model, by the distance of their embeddings."""

    name: str
    label: Literal["ALL", "HEM"]
    similarity: float = Field(
        ge=0, le=1, description="1: the same to the model; 0.5: as far as a usual example from all."
    )
    synthetic: bool


class CellPrediction(Schema):
    """What is said about one image. The fields up to `model` are a row of `leukoscope predict`.

    `p_all` and `logit` are null where there is no answer; `reason` then says why.
    """

    name: str = Field(description="The file's name; inside an archive, archive/name.")
    subject: str = Field(description="From a C-NMC file name; empty where there is none.")
    p_all: Probability | None = Field(description="Calibrated probability of ALL.")
    verdict: Verdict
    logit: float | None
    flags: list[str]
    reason: str
    model: str
    sha256: str = Field(description="Of the file's bytes.")
    threshold: Probability = Field(description="`blast` from this probability on.")
    heatmap: list[list[float]] | None = Field(
        default=None, description="Rows of a map over the crop; positive speaks for ALL."
    )
    heatmap_kind: Kind | None = Field(
        default=None,
        description="exact: what each place adds. occlusion: approximate, what smoothing each "
        "part of the cell changes; made by explain where the model has no exact map.",
    )
    picture: str | None = Field(
        default=None, description="The crop the model saw, at the original scale: a JPEG data URL."
    )
    features: dict[str, float | None] | None = Field(
        default=None, description="Measurements on the cell, in original pixels and gray levels."
    )
    neighbors: list[Neighbor] | None = None
    cell_id: int | None = Field(default=None, description="Where the answer was added to a case.")


class SubjectSummary(Schema):
    """The cells of one subject; the interval is Wilson's at 95 %."""

    subject: str
    cells: int
    blasts: int
    fraction: Probability | None
    low: Probability | None
    high: Probability | None
    not_answered: int
    uncertain: int = Field(default=0, description="Of those not answered.")
    not_cells: int = Field(default=0, description="Of those not answered.")
    sentence: str

    @classmethod
    def of(cls, summary: results.SubjectSummary) -> Self:
        """Take over the summary that `tally` made."""
        return cls(**asdict(summary), sentence=summary.sentence())


class Predictions(Schema):
    """All answers of one request, in the order of its images."""

    notice: str = RESEARCH_USE
    answers: list[CellPrediction]
    failed: int
    subjects: list[SubjectSummary]


class StreamEnd(Schema):
    """The last line of a stream of answers; a stream without it was cut."""

    done: Literal[True] = True
    answers: int
    failed: int


class ImageIn(RequestBody):
    """One image in a JSON request."""

    name: str = ""
    data: str = Field(description="The file's bytes, base64.")


class PredictIn(RequestBody):
    """A request for answers as JSON."""

    images: list[ImageIn]


class CaseIn(RequestBody):
    """A new case."""

    name: str = Field(default="", max_length=200, description="Empty: named after the time.")
    notes: str = Field(default="", max_length=20_000)
    keep_images: bool = Field(default=False, description="Also store the image files.")


class CaseChange(RequestBody):
    """What can be changed of a case; fields left out stay as they are."""

    name: str | None = Field(default=None, min_length=1, max_length=200)
    notes: str | None = Field(default=None, max_length=20_000)
    threshold: Probability | None = Field(
        default=None, description="Another operating point for this case; null for the model's own."
    )


class Review(RequestBody):
    """What a person says about a cell."""

    label: Label
    reviewer: str = Field(default="", max_length=100)
    note: str = Field(default="", max_length=1_000)


class ReviewOut(Review):
    """A review as it is kept."""

    model_config = ConfigDict(strict=False)

    created: datetime


class Cell(CellPrediction):
    """An answer kept in a case. `verdict` follows the case's threshold where it has its own."""

    id: int
    answered: datetime
    has_image: bool
    review: ReviewOut | None


class CellChange(RequestBody):
    """Cells moved to a subject by hand."""

    cells: list[int] = Field(min_length=1, max_length=20_000)
    subject: str = Field(max_length=100)


class AbstentionThresholds(Schema):
    """Which classes a probability of ALL leaves possible; with both or neither it is uncertain."""

    all_from: Probability = Field(description="ALL is possible from here on.")
    hem_to: Probability = Field(description="HEM is possible up to here.")


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
    threshold: Probability = Field(description="The one in force: the case's or the model's.")
    own_threshold: bool
    abstains: AbstentionThresholds | None = Field(default=None, description="Null: it never does.")
    verdicts: dict[str, int]
    reviewed: int
    can_undo: bool
    subjects: list[SubjectSummary]


class Case(CaseHead):
    """A case with its cells, in the order they came."""

    notice: str = RESEARCH_USE
    cells: list[Cell]


class CaseExport(Case):
    """A case as a file, with what wrote it and when."""

    software: str
    exported: datetime


class ModelEntry(Schema):
    """A model that answers, with its whole card and the same in words."""

    name: str
    sha256: str = Field(description="Of the model file.")
    created: datetime
    card: dict[str, Any]
    facts: list[tuple[str, str]] = Field(description="Pairs of a heading and a line of text.")
    default: bool = Field(description="Whether it answers where no model is named.")


class ExampleEntry(Schema):
    """A bundled cell to try the app with. All of them are drawn, none is a person's."""

    name: str
    label: Literal["ALL", "HEM"]
    synthetic: bool
    url: str


class VerdictEntry(Schema):
    """A verdict with the texts that present it."""

    verdict: Verdict
    plural: str = Field(description="The word for several such images.")
    meaning: str
    color: str = Field(description="Color role in the app's style sheet.")
    label: str | None = Field(description="The label of a reviewer who agrees, if there is one.")
    from_probability: bool = Field(description="Another threshold can change it.")


class MetricEntry(Schema):
    """A metric that a model card can hold."""

    key: str
    title: str
    meaning: str


class FormatEntry(Schema):
    """An image format that is read."""

    name: str
    suffixes: list[str] = Field(description="Lower case, with the dot.")


class Vocabulary(Schema):
    """The tables of names and texts that this server uses, each in reading order."""

    verdicts: list[VerdictEntry]
    metrics: list[MetricEntry]
    image_formats: list[FormatEntry]
    file_name_pattern: str = Field(
        description="Regular expression of a whole C-NMC file name; the first group is the subject."
    )


class Health(Schema):
    """The server is alive."""

    status: Literal["ok"]
    version: str


class Readiness(Schema):
    """The server can do all it does."""

    status: Literal["ready"]
    version: str
    ephemeral: bool = Field(description="Cases are gone when the server stops.")


class Problem(Schema):
    """An error, in one line for the person who sees it."""

    error: str
