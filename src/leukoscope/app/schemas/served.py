"""The models, examples and errors of a server."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from leukoscope.app.schemas.base import Schema


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
