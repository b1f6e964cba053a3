"""The bundled example cells, drawn and not photographed, and which of them a cell looks like.

They lie beside this module as PNG files with a list; `tools/make_examples.py` made both.
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Literal

import numpy as np

from leukoscope.app.schemas import Neighbor
from leukoscope.data.imaging.image import read_cell
from leukoscope.inference.model_file.model_file import ModelFile

FOLDER = files("leukoscope.app") / "examples"
LIST = "examples.json"
FLOOR = 0.05
"""Least spread of a dimension, as a share of the largest."""


@dataclass(frozen=True)
class Example:
    """One example cell. `name` is as C-NMC names its files, `label` what the cell was drawn as."""

    name: str
    label: Literal["ALL", "HEM"]
    synthetic: bool = True

    @property
    def file(self) -> str:
        """The file in `FOLDER`: no official name, by which images of the data set are told."""
        return self.name.removeprefix("UID_")


class Examples:
    """The example cells as one model sees them. May be used from several threads at once.

    Attributes:
        listing: The cells in the order to show them.
    """

    def __init__(self, model: ModelFile, listing: tuple[Example, ...]) -> None:
        self.listing = listing
        self._model = model
        self._by_name: Mapping[str, Example] = {example.name: example for example in listing}
        self._lock = threading.Lock()

    def image(self, name: str) -> bytes:
        """The PNG file of an example.

        Raises:
            KeyError: There is no example of this name.
        """
        return (FOLDER / self._by_name[name].file).read_bytes()

    def nearest(self, embedding: np.ndarray, k: int = 4) -> list[Neighbor]:
        """The examples most alike to the model: those whose embeddings are nearest.

        Embeddings are pooled activations, all of one sign and much the same direction, so that the
        cosine is near 1 for any two cells. Therefore distances are compared, each dimension by its
        spread over the examples, in units of the examples' own distance from their mean (root mean
        square): similarity is 1 / (1 + distance). An example turned, mirrored or shifted still
        finds itself, at 0.99. The first call embeds the examples, which takes about as long as
        predicting them.

        Args:
            embedding: Of a cell, float32 `(d,)`, by the model of these examples.
            k: How many, at most.

        Returns:
            The nearest first, also where a model makes no difference between cells.

        Raises:
            ModelFileError: The network fails to run.
        """
        with self._lock:
            space = self._space
        distance = np.linalg.norm(space.places - space.place(embedding), axis=1)
        order = np.argsort(distance, kind="stable")[:k]
        return [self._neighbor(index, 1 / (1 + float(distance[index]))) for index in order.tolist()]

    @cached_property
    def _space(self) -> "_Space":
        crop = self._model.card.input
        cells = [read_cell(self.image(example.name), crop) for example in self.listing]
        embedding = self._model.run(np.stack(cells), embeddings=True).embedding
        assert embedding is not None  # was asked for
        return _Space.of(embedding)

    def _neighbor(self, index: int, similarity: float) -> Neighbor:
        example = self.listing[index]
        return Neighbor(
            name=example.name,
            label=example.label,
            similarity=similarity,
            synthetic=example.synthetic,
        )


def load_examples(model: ModelFile) -> Examples:
    """The bundled examples for use with `model`. Cheap: reads the list alone."""
    body = json.loads((FOLDER / LIST).read_text(encoding="utf-8"))
    listing = tuple(Example(cell["name"], cell["label"]) for cell in body["cells"])
    return Examples(model, listing)


@dataclass(frozen=True)
class _Space:
    """Embeddings with every dimension in units of its spread over the examples.

    `unit` float64 `(d,)` is what counts as a distance of 1, `places` float64 `(n, d)` where the
    examples are.
    """

    unit: np.ndarray
    places: np.ndarray

    @staticmethod
    def of(embeddings: np.ndarray) -> "_Space":
        values = _numbers(embeddings)
        spread = values.std(axis=0)
        # In a dimension that hardly differs between examples, noise would decide.
        spread = np.maximum(spread, max(FLOOR * spread.max(), np.finfo(np.float32).tiny))
        typical = np.linalg.norm(values.std(axis=0) / spread)
        unit = spread * (typical if typical > 0 else 1.0)
        return _Space(unit, values / unit)

    def place(self, embedding: np.ndarray) -> np.ndarray:
        """Where a cell is."""
        return _numbers(embedding) / self.unit


def _numbers(values: np.ndarray) -> np.ndarray:
    return np.nan_to_num(values).astype(np.float64)
