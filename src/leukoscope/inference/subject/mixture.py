"""The fraction of blasts in a population that may hold cells of both classes.

The logits are a mixture of the two classes, each with a person's own mean and scatter, which are
unknown and are integrated out. Maximum likelihood of the fraction, with an interval by the
likelihood ratio.

The cells of a person follow no normal distribution exactly, and hundreds of them would make that
look like a mixture. So n cells count as n / (1 + n / 50): a composite likelihood with a tempered
exponent.

Sources: G. J. McLachlan, D. Peel, "Finite mixture models", Wiley 2000; C. Varin, N. Reid, D. Firth,
"An overview of composite likelihood methods", Statistica Sinica 21 (2011) 5-42.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import erf, exp, sqrt

import numpy as np

from leukoscope.inference.subject.model import ClassEffects, Floats, SubjectModel

BINS = 40
STEPS = 41
"""Values of the fraction that are tried: 0, 0.025, ... 1."""
NODES_MEAN, NODES_SCATTER = 7, 3
OUTLIERS = 0.01
"""Fraction of a person's cells that may lie anywhere in the range."""
ENOUGH_CELLS = 50
DROP = 1.9207
"""Half the 95 % quantile of chi-squared with one degree of freedom."""


@dataclass(frozen=True)
class BlastFraction:
    """The most likely fraction of blasts, and its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def mixed(self) -> bool:
        """True if neither a population without blasts nor one of blasts alone fits."""
        return self.low > 0 and self.high < 1


def blast_fraction(model: SubjectModel, logits: Sequence[float] | Floats) -> BlastFraction:
    """Estimate the fraction of blasts among the cells of one subject.

    Args:
        model: The model.
        logits: (N,) uncalibrated logits of its usable cells, at least one.
    """
    fractions = np.linspace(0, 1, STEPS).round(6)
    likelihood = _log_likelihood(model, logits, fractions)
    inside = fractions[likelihood >= likelihood.max() - DROP]
    return BlastFraction(float(fractions[likelihood.argmax()]), float(inside[0]), float(inside[-1]))


def _log_likelihood(
    model: SubjectModel, logits: Sequence[float] | Floats, fractions: Floats
) -> Floats:
    """Log-likelihood of each fraction, integrated over the person's means and scatters."""
    edges = np.linspace(model.low, model.high, BINS + 1)
    count = np.histogram(model.clip(logits), edges)[0].astype(np.float64)
    count /= 1 + count.sum() / ENOUGH_CELLS
    full = count > 0
    normal, leukemic, weight = _tables(model)
    hem, blast = normal[:, None, full], leukemic[None, :, full]
    found = [np.log((1 - w) * hem + w * blast) @ count[full] for w in fractions.tolist()]
    terms = np.array(found).reshape(len(fractions), -1) + np.log(weight).ravel()
    most = terms.max(axis=1, keepdims=True)
    return np.asarray(most[:, 0] + np.log(np.exp(terms - most).sum(axis=1)))


@lru_cache(maxsize=4)
def _tables(model: SubjectModel) -> tuple[Floats, Floats, Floats]:
    """Probability of each bin for persons of either class, (A, BINS), and weights of pairs."""
    normal, left = _table(model, model.normal)
    leukemic, right = _table(model, model.leukemic)
    return normal, leukemic, left[:, None] * right[None, :]


def _table(model: SubjectModel, effects: ClassEffects) -> tuple[Floats, Floats]:
    edges = np.linspace(model.low, model.high, BINS + 1)[1:-1].tolist()
    means, mean_weights = _nodes(NODES_MEAN)
    scales, scale_weights = _nodes(NODES_SCATTER)
    rows, weights = [], []
    for mean, mean_weight in zip(means, mean_weights, strict=True):
        for scale, scale_weight in zip(scales, scale_weights, strict=True):
            center = effects.mean + mean * effects.deviation
            spread = effects.scatter * exp(scale * effects.log_scatter_deviation)
            below = [(1 + erf((edge - center) / spread / sqrt(2))) / 2 for edge in edges]
            rows.append(np.diff([0.0, *below, 1.0]))
            weights.append(mean_weight * scale_weight)
    return (1 - OUTLIERS) * np.array(rows) + OUTLIERS / BINS, np.array(weights)


def _nodes(number: int) -> tuple[list[float], list[float]]:
    """Nodes and weights of Gauss-Hermite quadrature over a standard normal variable."""
    x, weight = np.polynomial.hermite_e.hermegauss(number)
    return x.tolist(), (weight / weight.sum()).tolist()
