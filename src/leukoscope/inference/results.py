"""One prediction, and predictions as rows of a table."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from leukoscope.core.verdicts import Verdict
from leukoscope.data.cnmc.cnmc import parse_name
from leukoscope.inference.subject.copies import PIXEL_DIGITS, PIXELS

FIELDS = ("path", "subject", "p_all", "verdict", "logit", "flags", "reason", "model")
NUMBERS = ("p_all", "logit", "p_all_in_context", "um_per_px")
"""The columns of numbers; all others are text."""

Row = Mapping[str, Any]


@dataclass(frozen=True, repr=False)
class Prediction:
    """The result for one image.

    Attributes:
        name: The path, or "" for an image that came as bytes or as an array.
        verdict: See `leukoscope.Verdict`.
        p_all: Calibrated probability of ALL; None, as `logit`, where the network was not run or
            failed.
        logit: The network's output before the temperature.
        flags: Remarks on the image, such as "no black border".
        reason: Why there is no answer.
        heatmap: float32 (h, w) over the whole crop, positive for evidence for ALL; if requested.
        embedding: float32 (d,), if requested.
        distance: Distance from the training cells, where the card has a limit for it.
        heatmap_kind: "exact", or "occlusion" for an approximate map.
        subject: The subject that a table named for the image; "" if none did.
        um_per_px: Scale of the image by a table or its file; None if unknown.
        pixels: Hash of its pixels, by which copies are known; "" if there is none.
    """

    name: str
    verdict: Verdict
    p_all: float | None = None
    logit: float | None = None
    flags: tuple[str, ...] = ()
    reason: str = ""
    heatmap: np.ndarray | None = None
    embedding: np.ndarray | None = None
    distance: float | None = None
    heatmap_kind: Literal["exact", "occlusion"] | None = None
    subject: str = ""
    um_per_px: float | None = None
    pixels: str = ""

    def __repr__(self) -> str:
        parts = [f"{self.name!r}, {str(self.verdict)!r}"]
        parts += [] if self.p_all is None else [f"p_all={self.p_all:.3f}"]
        parts += [f"flags={self.flags}"] if self.flags else []
        parts += [f"reason={self.reason!r}"] if self.reason else []
        if self.heatmap is not None:
            size = "x".join(map(str, self.heatmap.shape))
            parts.append(f"heatmap=<{size}, {self.heatmap_kind}>")
        if self.embedding is not None:
            parts.append(f"embedding=<{len(self.embedding)}>")
        return f"Prediction({', '.join(parts)})"


def as_row(prediction: Prediction, model: str) -> dict[str, Any]:
    """Convert a prediction to a row of the result table; `model` is the card's name.

    The subject is that of the user's table, else that of an official file name.
    """
    parsed = parse_name(Path(prediction.name).name) if prediction.name else None
    return {
        "path": printable(prediction.name),
        "subject": printable(prediction.subject) or (parsed.subject if parsed else ""),
        "p_all": prediction.p_all,
        "verdict": str(prediction.verdict),
        "logit": prediction.logit,
        "flags": " | ".join(prediction.flags),
        "reason": printable(prediction.reason),
        "model": model,
    }


def summary_row(prediction: Prediction, model: str) -> dict[str, Any]:
    """The row with its entry `PIXELS`, which `summarize` needs and no table of results has."""
    return {**as_row(prediction, model), PIXELS: prediction.pixels[:PIXEL_DIGITS]}


def in_file(row: Row) -> Row:
    """The row as a file holds it: with an absolute path, so that it can be read from anywhere."""
    return {**row, "path": os.path.abspath(row["path"])} if row.get("path") else row


def printable(text: str) -> str:
    """A file name that isn't valid text in the file system's encoding, made writable."""
    return text.encode("utf-8", "backslashreplace").decode()
