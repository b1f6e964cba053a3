"""Schemas of the names and texts that the server shares with its clients, and of its state."""

from typing import Literal

from pydantic import Field

from leukoscope.app.schemas import Schema
from leukoscope.core.verdicts import Verdict


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
    """The server process runs."""

    status: Literal["ok"]
    version: str


class Readiness(Schema):
    """Model and database are ready."""

    status: Literal["ready"]
    version: str
    ephemeral: bool = Field(description="Cases are lost when the server stops.")
