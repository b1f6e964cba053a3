"""Images to predict, and their predictions.

Field names are the column names of `leukoscope predict`.
"""

from dataclasses import asdict
from typing import Literal, Self

from pydantic import Field

from leukoscope.app.schemas.base import SEEN, Probability, RequestBody, Schema
from leukoscope.core.errors import RESEARCH_USE
from leukoscope.core.verdicts import SubjectVerdict, Verdict
from leukoscope.inference import summary as summaries
from leukoscope.inference.occlusion import Kind

Include = Literal["heatmap", "picture", "features", "neighbors"]


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
        description="exact: the contribution of each position to the logit. occlusion: "
        "approximate, "
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
    """The answer for one subject, from its usable cells; no statement about a patient."""

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
    def of(cls, summary: summaries.SubjectSummary) -> Self:
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
    subjects: list[SubjectSummary] = Field(default=[])
