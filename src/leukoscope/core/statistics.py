"""Small statistics that every layer may use."""

from math import exp, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray


def sigmoid(logit: ArrayLike) -> NDArray[np.float64]:
    """The logistic function 1 / (1 + exp(-logit)), without overflow at either end.

    It uses math.exp, for the last bit of NumPy's exp depends on the processor and would make
    predictions depend on it.

    Args:
        logit: Any shape.
    """
    values = np.asarray(logit, np.float64)
    return np.array([_sigmoid(value) for value in values.ravel().tolist()]).reshape(values.shape)


def _sigmoid(value: float) -> float:
    if value >= 0:
        return 1 / (1 + exp(-value))
    return exp(value) / (1 + exp(value))


def wilson_interval(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The Wilson score interval of a proportion of `k` out of `n`.

    Unlike `k / n` plus or minus a standard error, it stays within 0 and 1 and has the stated
    coverage for small `n` and for proportions near either end. It assumes independent trials.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", J.
    Am. Stat. Assoc. 22 (1927) 209-212; recommended by L. D. Brown, T. T. Cai and A. DasGupta, Stat.
    Sci. 16 (2001) 101-133.

    Args:
        k: Number of successes.
        n: Number of trials.
        confidence: Two-sided confidence, between 0 and 1.

    Returns:
        Lower and upper bound; (0.0, 1.0) without trials.

    Raises:
        ValueError: If not 0 <= k <= n, or the confidence is not strictly between 0 and 1.
    """
    if not 0 <= k <= n:
        raise ValueError(f"expected 0 <= k <= n, got k={k}, n={n}")
    if not 0 < confidence < 1:
        raise ValueError(f"expected a confidence between 0 and 1, got {confidence}")
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share, spread = k / n, z * z / n
    center = share + spread / 2
    half = sqrt(spread * (share * (1 - share) + spread / 4))
    # At k = 0 and k = n the bound is exactly 0 or 1; rounding would leave 1e-17 off it.
    low = 0.0 if k == 0 else (center - half) / (1 + spread)
    high = 1.0 if k == n else (center + half) / (1 + spread)
    return low, high
