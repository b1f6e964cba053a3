"""Stochastic gradient boosting of small trees on descriptors."""

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

SUBSAMPLE = 0.5
"""Fraction of the cells that each tree is fitted on: J. H. Friedman, "Stochastic gradient
boosting", Computational Statistics and Data Analysis 38, 2002."""


@register
@dataclass(frozen=True, kw_only=True)
class GradientBoosting(OnDescriptors):
    """Settings of the estimator.

    Attributes:
        trees: Number of trees.
        learning_rate: Weight of each tree.
        depth: Depth of a tree.
    """

    SPACE: ClassVar = {
        "trees": {"low": 100, "high": 600},
        "learning_rate": {"low": 0.01, "high": 0.2, "log": True},
        "depth": {"low": 1, "high": 5},
        "balance": ["none", "class", "person"],
    }

    estimator: Literal["gradient-boosting"] = "gradient-boosting"
    trees: int = 300
    learning_rate: float = 0.05
    depth: tuple[int, ...] = (1, 3, 5)

    def rules(self) -> list[tuple[bool, str]]:
        """Conditions on the settings."""
        return [
            *super().rules(),
            (1 <= self.trees <= 5000, "classical.trees: from 1 to 5000"),
            (0 < self.learning_rate <= 1, "classical.learning_rate: above 0, at most 1"),
        ]

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
    ) -> "GradientBoostingModel":
        """Fit the estimator; see `Estimator.fit`."""
        from sklearn.ensemble import GradientBoostingClassifier

        model = GradientBoostingClassifier(
            n_estimators=self.trees,
            learning_rate=self.learning_rate,
            max_depth=int(chosen["depth"]),
            subsample=SUBSAMPLE,
            max_features="sqrt",
            random_state=seed,
        )
        model.fit(values, label, sample_weight=weights)
        return GradientBoostingModel(Standardizer.fit(values, weights), model)


class GradientBoostingModel(DescriptorModel):
    """Fitted boosted trees; their decision function is the logit."""

    def logit(self, values: Floats) -> Floats:
        """Log-odds of ALL, float64 (n,)."""
        return np.asarray(self.model.decision_function(values))

    def onnx_part(self) -> OnnxPart:
        """The trees on the descriptors: their float32 thresholds then agree on every branch."""
        return score_part(self.model, "features", len(self.standardize.mean))
