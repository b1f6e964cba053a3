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

from leukoscope.app.schemas import Neighbour
from leukoscope.data.image import read_cell
from leukoscope.inference.model_file import ModelFile

FOLDER = files("leukoscope.app") / "examples"
LIST = "examples.json"


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

    def nearest(self, embedding: np.ndarray, k: int = 4) -> list[Neighbour]:
        """The examples most alike to the model, by the cosine of the embeddings.

        The first call embeds the examples, which takes about as long as predicting them.

        Args:
            embedding: Of a cell, float32 `(d,)`, by the model of these examples.
            k: How many, at most.

        Returns:
            The nearest first. An embedding of length 0 has a similarity of 0 to all.

        Raises:
            ModelFileError: The network fails to run.
        """
        with self._lock:
            directions = self._directions
        cosine = np.clip(directions @ _direction(embedding), -1.0, 1.0)
        order = np.argsort(-cosine, kind="stable")[:k]
        return [self._neighbour(index, float(cosine[index])) for index in order.tolist()]

    @cached_property
    def _directions(self) -> np.ndarray:
        """The embeddings of the examples, float64 `(n, d)`, each of length 1 (or 0)."""
        crop = self._model.card.input
        cells = [read_cell(self.image(example.name), crop) for example in self.listing]
        embedding = self._model.run(np.stack(cells), embeddings=True).embedding
        assert embedding is not None  # was asked for
        return _direction(embedding)

    def _neighbour(self, index: int, similarity: float) -> Neighbour:
        example = self.listing[index]
        return Neighbour(
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


def _direction(embedding: np.ndarray) -> np.ndarray:
    """Vectors along the last axis, brought to length 1; what is no number or 0 counts as 0."""
    values = np.nan_to_num(embedding).astype(np.float64)
    length = np.linalg.norm(values, axis=-1, keepdims=True)
    return values / np.where(length > 0, length, 1.0)
