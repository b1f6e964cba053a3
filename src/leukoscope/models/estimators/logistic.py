"""Logistic regression on standardized descriptors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from leukoscope.models.estimators.base import Floats, register
from leukoscope.models.estimators.on_descriptors import (
    DescriptorModel,
    OnDescriptors,
    Standardizer,
)
from leukoscope.models.estimators.onnx_graph import OnnxPart, score_part


@register
@dataclass(frozen=True, kw_only=True)
class Logistic(OnDescriptors):
    """Settings of the estimator.

    Attributes:
        c: Inverse of the strength of the L2 penalty.
    """

    SPACE: ClassVar = {
        "c": {"low": 1e-4, "high": 1e2, "log": True},
        "balance": ["none", "class", "person"],
    }

    estimator: Literal["logistic"] = "logistic"
    c: tuple[float, ...] = (0.001, 0.01, 0.1, 1.0, 10.0)

    def fit(
        self,
        chosen: Mapping[str, float],
        values: Floats,
        label: np.ndarray,
        weights: Floats,
        *,
        person: np.ndarray,
        seed: int,
        jobs: int = 1,
    ) -> "LogisticModel":
        """Fit the estimator; see `Estimator.fit`."""
        from sklearn.linear_model import LogisticRegression

        standardize = Standardizer.fit(values, weights)
        solver = "newton-cholesky"  # many cells, few descriptors: a few exact steps
        model = LogisticRegression(C=chosen["c"], solver=solver, max_iter=1000)
        model.fit(standardize(values), label, sample_weight=weights)
        return LogisticModel(standardize, model)


class LogisticModel(DescriptorModel):
    """A fitted logistic regression."""

    def logit(self, values: Floats) -> Floats:
        """Log-odds of ALL, float64 (n,)."""
        return np.asarray(self.model.decision_function(self.standardize(values)))

    def onnx_part(self) -> OnnxPart:
        """The classifier on standardized descriptors in double precision."""
        return score_part(self.model, "standard", len(self.standardize.mean))
