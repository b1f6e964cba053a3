"""Random forest on descriptors; each split considers the square root of their number."""

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
from leukoscope.models.estimators.onnx_graph import OnnxPart
from leukoscope.models.estimators.votes import log_odds, votes_part


@register
@dataclass(frozen=True, kw_only=True)
class RandomForest(OnDescriptors):
    """Settings of the estimator.

    Attributes:
        trees: Number of trees.
        leaf: Minimum number of cells in a leaf.
    """

    SPACE: ClassVar = {
        "leaf": {"low": 1, "high": 40, "log": True},
        "balance": ["none", "class", "person"],
    }

    estimator: Literal["random-forest"] = "random-forest"
    trees: int = 300
    leaf: tuple[int, ...] = (1, 5, 20)

    def rules(self) -> list[tuple[bool, str]]:
        """Conditions on the settings."""
        return [*super().rules(), (1 <= self.trees <= 5000, "classical.trees: from 1 to 5000")]

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
    ) -> "RandomForestModel":
        """Fit the estimator; see `Estimator.fit`."""
        from sklearn.ensemble import RandomForestClassifier

        model = RandomForestClassifier(
            self.trees, min_samples_leaf=int(chosen["leaf"]), random_state=seed, n_jobs=jobs
        )
        model.fit(values, label, sample_weight=weights)
        return RandomForestModel(Standardizer.fit(values, weights), model)


class RandomForestModel(DescriptorModel):
    """A fitted forest; the logit is the log-odds of its votes."""

    def logit(self, values: Floats) -> Floats:
        """Log-odds of the votes, float64 (n,)."""
        fraction, trees = self.model.predict_proba(values)[:, 1], self.model.n_estimators
        return log_odds(fraction * trees, (1 - fraction) * trees)

    def onnx_part(self) -> OnnxPart:
        """The forest on the descriptors: its float32 thresholds then agree on every branch."""
        count, trees = len(self.standardize.mean), self.model.n_estimators
        return votes_part(self.model, "features", count, trees, zipmap=False)
