"""The log: one line of metrics for each epoch."""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from leukoscope.core.statistics import sigmoid
from leukoscope.core.tables import write_table
from leukoscope.evaluation.metrics.cells import ScoredCells
from leukoscope.evaluation.metrics.metrics import metric_values

MEASURED = {
    "validation_loss": "nll",
    "validation_auroc": "auroc",
    "validation_balanced_accuracy": "balanced_accuracy",
    "validation_sensitivity": "sensitivity",
    "validation_specificity": "specificity",
}
"""Field of the log to its metric."""


@dataclass(frozen=True)
class Epoch:
    """One line of the log; `epoch` counts from 1 over all stages, and `stage` from 1.

    `learning_rate` is that of the head.
    """

    epoch: int
    stage: int
    learning_rate: float
    train_loss: float
    validation_loss: float
    validation_auroc: float
    validation_balanced_accuracy: float
    validation_sensitivity: float
    validation_specificity: float
    images_per_second: float
    seconds: float

    def values(self) -> dict[str, float]:
        """All fields but the number of the epoch, by name."""
        return {name: value for name, value in vars(self).items() if name != "epoch"}

    def monitored(self, name: str) -> float:
        """The value of `fit.monitor` on the validation persons."""
        return float(getattr(self, f"validation_{name}"))


def validation_metrics(logit: np.ndarray, label: np.ndarray) -> dict[str, float]:
    """The validation fields of a line; ALL is predicted for logits of 0 or more.

    Args:
        logit: float32 (N,), finite.
        label: (N,) 0 or 1.
    """
    p = sigmoid(logit)
    cells = ScoredCells(label > 0.5, p, np.full(len(label), "", dtype=object), logit >= 0)
    values = metric_values(cells, MEASURED.values())
    return {field: values[key] for field, key in MEASURED.items()}


def write_log(log: list[Epoch], path: Path) -> None:
    """Write the log as a table, a row per epoch."""
    names = [field.name for field in fields(Epoch)]
    write_table(path, {name: np.array([getattr(entry, name) for entry in log]) for name in names})
