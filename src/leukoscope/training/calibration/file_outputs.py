"""ModelOutput of an exported model file for the cells of a cohort."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from leukoscope.core.progress import track
from leukoscope.inference.model_file.model_file import ModelFile, ModelOutput

BATCH = 32  # cells whose inputs are in memory at a time


class Inputs(Protocol):
    """Inputs of a model file, one row per cell: an array, or images that are read when indexed."""

    def __len__(self) -> int:
        """The number of cells."""

    def __getitem__(self, rows: Any, /) -> np.ndarray:
        """Some rows, (n, ...), by an array of row numbers."""


def predict_logits(file: ModelFile, inputs: Inputs, rows: np.ndarray) -> np.ndarray:
    """Logits of some rows, float32 (n,), not calibrated."""
    return np.concatenate([outputs.logit for outputs in _outputs(file, inputs, rows)])


def predict_both(file: ModelFile, inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
    """Logits (N,), not calibrated, and embeddings (N, d) of all rows, in one pass with progress."""
    rows = np.arange(len(inputs))
    batches = _outputs(file, inputs, rows, embeddings=True)
    logits, embeddings = [], []
    for outputs in track(batches, "Predicting cells", total=-(-len(rows) // BATCH)):
        assert outputs.embedding is not None  # it was asked for
        logits.append(outputs.logit)
        embeddings.append(outputs.embedding)
    return np.concatenate(logits), np.concatenate(embeddings)


def predict_embeddings(file: ModelFile, inputs: Inputs, rows: np.ndarray) -> np.ndarray:
    """Embeddings of some rows, float32 (n, d)."""
    outputs = _outputs(file, inputs, rows, embeddings=True)
    return np.concatenate([one.embedding for one in outputs if one.embedding is not None])


def _outputs(
    file: ModelFile, inputs: Inputs, rows: np.ndarray, *, embeddings: bool = False
) -> Iterator[ModelOutput]:
    for start in range(0, len(rows), BATCH):
        batch = np.ascontiguousarray(inputs[rows[start : start + BATCH]])
        yield file.run_inputs(batch, embeddings=embeddings)
