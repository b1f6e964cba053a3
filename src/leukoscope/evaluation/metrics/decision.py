"""Net benefit: is acting on the calls worth it, if a miss is as bad as so many false alarms?"""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def net_benefit(label: ArrayLike, p: ArrayLike, threshold: ArrayLike) -> NDArray[np.float64]:
    """Net benefit of calling ALL every cell with `p >= threshold`, per cell, at each threshold.

    It is TP / N - FP / N * t / (1 - t): the true calls, less the false ones, exchanged at the odds
    of the threshold probability, which is where a reader is indifferent between both errors. It
    depends on the share of ALL cells.

    Source: A. J. Vickers, E. B. Elkin, "Decision curve analysis: a novel method for evaluating
    prediction models", Med. Decis. Making 26 (2006) 565-574.

    Args:
        label: (N,) 1 = ALL, 0 = HEM.
        p: (N,) calibrated probability of ALL.
        threshold: (K,) threshold probabilities, at least 0 and below 1.

    Returns:
        (K,) net benefit, at most the share of ALL cells; nan without cells.
    """
    truth, score = np.asarray(label) == 1, np.asarray(p, np.float64)
    t = np.asarray(threshold, np.float64)
    if not len(truth):
        return np.full(t.shape, np.nan)
    true_calls = np.sum(truth) - np.searchsorted(np.sort(score[truth]), t)
    false_calls = np.sum(~truth) - np.searchsorted(np.sort(score[~truth]), t)
    return np.asarray((true_calls - false_calls * t / (1 - t)) / len(truth), np.float64)


def net_benefit_of_all(label: ArrayLike, threshold: ArrayLike) -> NDArray[np.float64]:
    """Net benefit of calling every cell ALL; calling none ALL has 0. A model should beat both."""
    return net_benefit(label, np.ones(len(np.asarray(label))), threshold)
