"""The bundled synthetic example cells, and the nearest of them to a cell.

They are PNG files with a list in app/examples/, both made by `tools/make_examples.py`.
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
MIN_SPREAD = 0.05
"""Smallest standard deviation of a dimension, as a fraction of the largest."""


@dataclass(frozen=True)
class Example:
    """One example cell. `name` has the form of a C-NMC file name, `label` the simulated class."""

    name: str
    label: Literal["ALL", "HEM"]
    synthetic: bool = True

    @property
    def file(self) -> str:
        """The file in `FOLDER`, without the prefix that marks images of the data set."""
        return self.name.removeprefix("UID_")


class Examples:
    """The example cells with their embeddings by one model. Safe to use from several threads.

    Attributes:
        listing: The cells in display order.
    """

    def __init__(self, model: ModelFile, listing: tuple[Example, ...]) -> None:
        self.listing = listing
        self._model = model
        self._by_name: Mapping[str, Example] = {example.name: example for example in listing}
        self._lock = threading.Lock()

    def image(self, name: str) -> bytes:
        """The PNG file of an example.

        Raises:
            KeyError: No example has this name.
        """
        return (FOLDER / self._by_name[name].file).read_bytes()

    def nearest(self, embedding: np.ndarray, k: int = 4) -> list[Neighbor]:
        """The examples whose embeddings are nearest to that of a cell.

        Embeddings are pooled activations of one sign and similar direction, so that the cosine is
        near 1 for any two cells. Therefore distances are compared, with each dimension divided by
        its standard deviation over the examples, in units of the root mean square distance of the
        examples from their mean: similarity is 1 / (1 + distance). An example that is rotated,
        mirrored or shifted still finds itself, at 0.99. The first call embeds the examples, which
        takes about as long as predicting them.

        Args:
            embedding: Embedding of a cell by the same model, float32 `(d,)`.
            k: Maximum number of neighbors.

        Returns:
            The neighbors, nearest first; also if a model does not distinguish cells.

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
    """The bundled examples for use with `model`. Only their list is read."""
    body = json.loads((FOLDER / LIST).read_text(encoding="utf-8"))
    listing = tuple(Example(cell["name"], cell["label"]) for cell in body["cells"])
    return Examples(model, listing)


@dataclass(frozen=True)
class _Space:
    """Embeddings with each dimension in units of its standard deviation over the examples.

    Attributes:
        unit: Distance of 1 in each dimension, float64 `(d,)`.
        places: Scaled embeddings of the examples, float64 `(n, d)`.
    """

    unit: np.ndarray
    places: np.ndarray

    @staticmethod
    def of(embeddings: np.ndarray) -> "_Space":
        values = _numbers(embeddings)
        spread = values.std(axis=0)
        # A dimension that hardly differs between examples would be dominated by noise.
        spread = np.maximum(spread, max(MIN_SPREAD * spread.max(), np.finfo(np.float32).tiny))
        typical = np.linalg.norm(values.std(axis=0) / spread)
        unit = spread * (typical if typical > 0 else 1.0)
        return _Space(unit, values / unit)

    def place(self, embedding: np.ndarray) -> np.ndarray:
        """Scale the embedding of a cell."""
        return _numbers(embedding) / self.unit


def _numbers(values: np.ndarray) -> np.ndarray:
    return np.nan_to_num(values).astype(np.float64)
