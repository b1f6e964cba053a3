"""Nearest neighbors among the training cells, by standardized descriptors."""

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
class Knn(OnDescriptors):
    """Settings of the estimator.

    Attributes:
        neighbors: Number of cells that vote.
    """

    SPACE: ClassVar = {
        "neighbors": {"low": 3, "high": 301, "log": True},
        "balance": ["none", "class", "person"],
    }

    estimator: Literal["knn"] = "knn"
    neighbors: tuple[int, ...] = (5, 15, 51, 151)

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
    ) -> "KnnModel":
        """Fit the estimator; see `Estimator.fit`."""
        from sklearn.neighbors import KNeighborsRegressor

        standardize = Standardizer.fit(values, weights)
        model = KNeighborsRegressor(min(int(chosen["neighbors"]), len(values)), algorithm="brute")
        model.fit(standardize(values), np.stack([weights * (1 - label), weights * label], axis=1))
        return KnnModel(standardize, model)


class KnnModel(DescriptorModel):
    """The training cells and their weights; the logit is the log-odds of the weighted votes."""

    def logit(self, values: Floats) -> Floats:
        """Log-odds of the votes, float64 (n,)."""
        from sklearn import config_context

        # The other way of finding neighbors clashes with OpenBLAS when threads call it.
        with config_context(enable_cython_pairwise_dist=False):
            fraction = self.model.predict(self.standardize(values))  # (n, 2): HEM, ALL
        neighbors = self.model.n_neighbors
        return log_odds(fraction[:, 1] * neighbors, fraction[:, 0] * neighbors)

    def onnx_part(self) -> OnnxPart:
        """The search on standardized descriptors in double precision."""
        count, neighbors = len(self.standardize.mean), self.model.n_neighbors
        return votes_part(self.model, "standard", count, neighbors, optim="cdist")
