"""Pictures of a smear, and the cells found in them."""

from typing import Literal

from pydantic import Field

from leukoscope.app.schemas.base import Schema
from leukoscope.core.errors import RESEARCH_USE

ScaleSource = Literal["given", "file", "red cells", "unknown"]


class FieldCell(Schema):
    """An object found in a picture of a smear; places in pixels of that picture."""

    number: int = Field(description="From 1, from top to bottom.")
    outline: list[tuple[float, float]] = Field(description="x and y of its outline.")
    diameter_um: float | None = Field(
        description="Of a disk of the same area; null: scale unknown."
    )
    flags: list[str]
    left_out: str = Field(description="The reason why it is left out unless chosen, or empty.")


class FieldCells(Schema):
    """The objects of a picture of a smear, and the picture reduced for a screen."""

    notice: str = RESEARCH_USE
    name: str
    width: int = Field(description="Pixels of the picture as it was sent.")
    height: int
    um_per_px: float | None = Field(description="Scale of the diameters; null: unknown.")
    scale_from: ScaleSource
    scale_text: str = Field(description="Error of the scale, or why it is unknown.")
    picture: str = Field(description="The picture as a JPEG data URL, at most 1600 px wide.")
    problem: str = Field(default="", description="Why it cannot be used, or empty.")
    cells: list[FieldCell]
