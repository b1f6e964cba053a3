"""The estimators of the classical recipes, fitted and asked for log-odds of ALL."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from leukoscope.models.recipe.estimator_settings import (
    Classical,
    GradientBoosting,
    Kernel,
    Local,
    Logistic,
    Neighbors,
    RandomForest,
    Svm,
)
from leukoscope.training.estimators.kernel import KernelMachine

if TYPE_CHECKING:
    from leukoscope.training.estimators.local_ridge import LocalFit

Floats = NDArray[np.floating]

LIMIT = 5.0
"""Standardized descriptors end here, so that a cell unlike any known pulls no harder than it."""
HALF_A_VOTE = 0.5
"""Added to both sides of a vote, so that the log-odds of an unanimous one are finite."""
SUBSAMPLE = 0.5
"""Part of the cells that a tree of gradient boosting sees: J. H. Friedman, "Stochastic gradient
boosting", Computational Statistics and Data Analysis 38, 2002."""


@dataclass(frozen=True)
class Fitted:
    """A fitted estimator.

    Attributes:
        settings: The recipe's.
        mean: float64 (F,), of each descriptor over the training cells, as they count.
        scale: float64 (F,), their standard deviation; 1 where that is 0.
        model: Of scikit-learn, or a `KernelMachine`. Trees are given the descriptors, others the
            standardized ones.
        votes: Number of trees or neighbors where these vote, else 0.
    """

    settings: Classical
    mean: Floats
    scale: Floats
    model: Any
    votes: int

    def embedding(self, values: Floats) -> Floats:
        """As the model file has it: the standardized descriptors, float64 (n, F)."""
        return self.standard(values)

    def standard(self, values: Floats) -> Floats:
        """Standardized descriptors, float64 (n, F), within `LIMIT`."""
        return np.clip((values.astype(np.float64) - self.mean) / self.scale, -LIMIT, LIMIT)

    def logit(self, values: Floats) -> Floats:
        """Log-odds of ALL, float64 (n,), not calibrated.

        Args:
            values: float32 (n, F), descriptors.
        """
        kind = self.settings.estimator
        if kind == "gradient-boosting":
            return self.model.decision_function(values)
        if kind == "random-forest":
            share = self.model.predict_proba(values)[:, 1]
            return log_odds(share * self.votes, (1 - share) * self.votes)
        standard = self.standard(values)
        if kind == "knn":
            from sklearn import config_context

            # Its other way of finding neighbors clashes with OpenBLAS where threads call it.
            with config_context(enable_cython_pairwise_dist=False):
                share = self.model.predict(standard)  # (n, 2): mean weight for HEM, for ALL
            return log_odds(share[:, 1] * self.votes, share[:, 0] * self.votes)
        return self.model.decision_function(standard)


def fit_estimator(
    settings: Classical,
    chosen: dict[str, float],
    values: Floats,
    label: np.ndarray,
    weights: Floats,
    *,
    seed: int,
    jobs: int = 1,
) -> "Fitted | LocalFit":
    """Fit an estimator.

    Args:
        settings: The recipe's.
        chosen: One value for each setting that holds candidates.
        values: float32 (n, F), of the training cells: descriptors, or what `local` is given.
        label: (n,) 0 or 1.
        weights: (n,) what each cell counts, with a mean of 1.
        seed: Of the trees.
        jobs: Threads of a forest.
    """
    if isinstance(settings, Local):
        from leukoscope.training.estimators.local_ridge import fit_local  # PyTorch takes a second

        return fit_local(settings, chosen["ridge"], values, label, weights)
    mean = np.average(values, axis=0, weights=weights)
    scale = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights))
    scale = np.where(scale > 1e-9, scale, 1.0)
    if isinstance(settings, Kernel):
        standard = Fitted(settings, mean, scale, None, 0).standard(values)
        gamma = chosen["gamma"] / values.shape[1]
        machine = KernelMachine.fit(standard, label, weights, ridge=chosen["ridge"], gamma=gamma)
        return Fitted(settings, mean, scale, machine, 0)
    made, votes = _made(settings, chosen, values.shape, seed, jobs)
    fitted = Fitted(settings, mean, scale, made, votes)
    if isinstance(settings, Neighbors):
        sides = np.stack([weights * (1 - label), weights * label], axis=1)
        made.fit(fitted.standard(values), sides)
    elif isinstance(settings, RandomForest | GradientBoosting):
        made.fit(values, label, sample_weight=weights)
    else:
        made.fit(fitted.standard(values), label, sample_weight=weights)
    return fitted


def log_odds(one: Floats, other: Floats) -> Floats:
    """Of two numbers of votes."""
    return np.log((one + HALF_A_VOTE) / (other + HALF_A_VOTE))


def _made(
    settings: Classical, chosen: dict[str, float], shape: tuple[int, ...], seed: int, jobs: int
) -> tuple[Any, int]:
    """The estimator of scikit-learn for (n, F) descriptors, and how many vote in it."""
    cells, descriptors = shape
    if isinstance(settings, Logistic):
        from sklearn.linear_model import LogisticRegression

        solver = "newton-cholesky"  # many cells, few descriptors: a few exact steps
        return LogisticRegression(C=chosen["c"], solver=solver, max_iter=1000), 0
    if isinstance(settings, Svm):
        from sklearn.svm import SVC

        return SVC(C=chosen["c"], gamma=chosen["gamma"] / descriptors, cache_size=500), 0
    if isinstance(settings, RandomForest):
        from sklearn.ensemble import RandomForestClassifier

        forest = RandomForestClassifier(
            settings.trees, min_samples_leaf=int(chosen["leaf"]), random_state=seed, n_jobs=jobs
        )
        return forest, settings.trees
    if isinstance(settings, GradientBoosting):
        from sklearn.ensemble import GradientBoostingClassifier

        boosting = GradientBoostingClassifier(
            n_estimators=settings.trees,
            learning_rate=settings.learning_rate,
            max_depth=int(chosen["depth"]),
            subsample=SUBSAMPLE,
            max_features="sqrt",
            random_state=seed,
        )
        return boosting, 0
    from sklearn.neighbors import KNeighborsRegressor

    neighbors = min(int(chosen["neighbors"]), cells)
    return KNeighborsRegressor(neighbors, algorithm="brute"), neighbors
