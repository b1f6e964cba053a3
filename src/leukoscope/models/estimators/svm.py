"""Support-vector machine with a Gaussian kernel on standardized descriptors."""

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
class Svm(OnDescriptors):
    """Settings of the estimator.

    Attributes:
        c: Cost of an error inside the margin.
        gamma: Width parameter of the kernel, in units of 1 / number of descriptors.
    """

    SPACE: ClassVar = {
        "c": {"low": 1e-2, "high": 1e2, "log": True},
        "gamma": {"low": 0.03, "high": 3, "log": True},
        "balance": ["none", "class", "person"],
    }

    estimator: Literal["svm"] = "svm"
    c: tuple[float, ...] = (0.1, 1.0, 10.0)
    gamma: tuple[float, ...] = (0.1, 0.3, 1.0)

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
    ) -> "SvmModel":
        """Fit the estimator; see `Estimator.fit`."""
        from sklearn.svm import SVC

        standardize = Standardizer.fit(values, weights)
        model = SVC(C=chosen["c"], gamma=chosen["gamma"] / values.shape[1], cache_size=500)
        model.fit(standardize(values), label, sample_weight=weights)
        return SvmModel(standardize, model)


class SvmModel(DescriptorModel):
    """A fitted support-vector machine; its decision function serves as the logit."""

    def logit(self, values: Floats) -> Floats:
        """Decision function, float64 (n,)."""
        return np.asarray(self.model.decision_function(self.standardize(values)))

    def onnx_part(self) -> OnnxPart:
        """The classifier on standardized descriptors."""
        return score_part(self.model, "embedding", len(self.standardize.mean))
