"""Net benefit: is acting on predictions worth it, given the cost of a miss in false alarms?"""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def net_benefit(label: ArrayLike, p: ArrayLike, threshold: ArrayLike) -> NDArray[np.float64]:
    """Net benefit of predicting ALL for `p >= threshold`, per cell, at each threshold.

    It is TP / N - FP / N * t / (1 - t): true positives minus false positives, weighted by the odds
    of the threshold probability, at which a reader is indifferent between both errors. It depends
    on the fraction of ALL cells.

    Source: A. J. Vickers, E. B. Elkin, "Decision curve analysis: a novel method for evaluating
    prediction models", Med. Decis. Making 26 (2006) 565-574.

    Args:
        label: (N,) 1 = ALL, 0 = HEM.
        p: (N,) calibrated probability of ALL.
        threshold: (K,) threshold probabilities, at least 0 and below 1.

    Returns:
        (K,) net benefit, at most the fraction of ALL cells; nan without cells.
    """
    truth, score = np.asarray(label) == 1, np.asarray(p, np.float64)
    t = np.asarray(threshold, np.float64)
    if not len(truth):
        return np.full(t.shape, np.nan)
    true_positives = np.sum(truth) - np.searchsorted(np.sort(score[truth]), t)
    false_positives = np.sum(~truth) - np.searchsorted(np.sort(score[~truth]), t)
    return np.asarray((true_positives - false_positives * t / (1 - t)) / len(truth), np.float64)


def net_benefit_of_all(label: ArrayLike, threshold: ArrayLike) -> NDArray[np.float64]:
    """Net benefit of predicting every cell as ALL; a model should beat that, and 0 for none."""
    return net_benefit(label, np.ones(len(np.asarray(label))), threshold)
