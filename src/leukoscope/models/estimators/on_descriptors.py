"""The common part of estimators on descriptors: inputs, standardizing, and the fitted model."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from leukoscope.data.descriptors import GROUPS, NAMES, VERSION, describe, names_without
from leukoscope.data.imaging.image import Crop
from leukoscope.models.estimators.base import Estimator, Floats, Measurements
from leukoscope.models.estimators.onnx_graph import OnnxPart, assemble

LIMIT = 5.0
"""Standardized descriptors are clipped here, so that a cell unlike any other has bounded weight."""
NARROWEST = 1e-9
"""A descriptor with a smaller standard deviation is not scaled."""


@dataclass(frozen=True)
class Standardizer:
    """Descriptors less their mean, over their standard deviation, clipped at `LIMIT`.

    Attributes:
        mean: float64 (F,), weighted mean over the training cells.
        std: float64 (F,), weighted standard deviation; 1 for a descriptor that never changes.
    """

    mean: Floats
    std: Floats

    @classmethod
    def fit(cls, values: Floats, weights: Floats) -> Self:
        """The standardizer of some cells.

        Args:
            values: float32 (n, F), descriptors.
            weights: (n,) sample weights.
        """
        mean = np.average(values, axis=0, weights=weights)
        std = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights))
        return cls(mean, np.where(std > NARROWEST, std, 1.0))

    def __call__(self, values: Floats) -> Floats:
        """Standardized descriptors, float64 (n, F)."""
        return np.clip((values.astype(np.float64) - self.mean) / self.std, -LIMIT, LIMIT)


@dataclass(frozen=True)
class DescriptorModel(ABC):
    """An estimator fitted on descriptors.

    Attributes:
        standardize: The standardizer of the training cells. The result is the embedding.
        model: The fitted estimator, of scikit-learn or our own.
    """

    standardize: Standardizer
    model: Any

    cam_bias: ClassVar[None] = None

    @abstractmethod
    def logit(self, values: Floats) -> Floats:
        """Log-odds of ALL, float64 (n,), not calibrated, for descriptors float32 (n, F)."""

    @abstractmethod
    def onnx_part(self) -> OnnxPart:
        """The part of the ONNX graph that follows standardizing."""

    def embedding(self, values: Floats) -> Floats:
        """The standardized descriptors, float64 (n, F)."""
        return self.standardize(values)

    def to_onnx(self, path: Path) -> None:
        """Write the ONNX model, from `features` to `logit` and `embedding`, without a card."""
        import onnx

        mean, std = self.standardize.mean, self.standardize.std
        onnx.save(assemble(mean, std, LIMIT, self.onnx_part()), path)

    def file_logits(self, inputs: np.ndarray) -> np.ndarray:
        """Logits (n,) of descriptors float32 (n, F)."""
        return self.logit(inputs)

    def exportable(self, size: int) -> Self:
        """The model itself; the size of the crop does not matter."""
        return self


@dataclass(frozen=True, kw_only=True)
class OnDescriptors(Estimator):
    """An estimator on measured descriptors."""

    PACKAGES: ClassVar = ("scikit-learn", "skl2onnx", "onnx", "onnxruntime", "numpy")
    MEASURED: ClassVar = f"{len(NAMES)} descriptors"

    def measurements(self, crop: Crop) -> Measurements:
        """All descriptors of a cell, and the columns of those that are not left out."""
        columns = [NAMES.index(name) for name in self.descriptors()]
        return Measurements(("descriptors", VERSION, crop), len(NAMES), describe, columns)

    def groups(self) -> dict[str, list[int]]:
        """Columns by group of descriptors."""
        names = self.descriptors()
        groups = {
            group: [names.index(member.name) for member in members if member.name in names]
            for group, members in GROUPS.items()
        }
        return {group: columns for group, columns in groups.items() if columns}

    def descriptors(self) -> tuple[str, ...]:
        """Names of the descriptors that are not left out."""
        return names_without(self.leave_out)

    def rules(self) -> list[tuple[bool, str]]:
        """Conditions on the settings; at least one descriptor is left."""
        known = set(self.leave_out) <= {*GROUPS, *NAMES}
        return [
            *super().rules(),
            (
                known and bool(self.descriptors()),
                f"classical.leave_out: descriptors, or some of the groups {', '.join(GROUPS)}",
            ),
        ]
