"""Regularized least squares with a Gaussian kernel, in closed form.

Every training cell pulls the answer near it towards its class, +1 for ALL and -1 for HEM; the ridge
says how far a single cell may pull. Nothing is searched for, so a fit costs one factorization and
its answer depends on no seed. A cell that counts more than another has a smaller ridge.

Sources: J. A. K. Suykens, J. Vandewalle, "Least squares support vector machine classifiers", Neural
Processing Letters 9, 1999; the intercept by generalized least squares as in C. E. Rasmussen, C. K.
I. Williams, "Gaussian processes for machine learning", MIT Press 2006, section 2.7.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


@dataclass
class KernelMachine:
    """Fitted by `fit`; all arithmetic is in float64 on values rounded to float32.

    Attributes:
        ridge: What is added to the diagonal of the kernel, for a cell of weight 1.
        gamma: exp(-gamma * squared distance) is how alike two cells are.
        cells: float32 (n, F), the training cells.
        pull: float32 (n,), how far each pulls the answer.
        middle: The answer far from every cell.
    """

    ridge: float
    gamma: float
    cells: NDArray[np.float32]
    pull: NDArray[np.float32]
    middle: float

    @classmethod
    def fit(
        cls, values: Floats, label: np.ndarray, weights: Floats, *, ridge: float, gamma: float
    ) -> Self:
        """Solve for the pull of each cell.

        Args:
            values: (n, F), standardized descriptors.
            label: (n,) 0 or 1.
            weights: (n,) above 0, what each cell counts.
            ridge: See the class.
            gamma: See the class.
        """
        from scipy.linalg import cho_factor, cho_solve

        cells = values.astype(np.float32)
        kernel = rbf_kernel(cells, cells, gamma)
        kernel[np.diag_indices(len(cells))] += ridge / weights
        factor = cho_factor(kernel, lower=True, overwrite_a=True, check_finite=False)
        wanted = np.where(label == 1, 1.0, -1.0)
        ones = cho_solve(factor, np.ones(len(cells)))
        middle = float(ones @ wanted / ones.sum())
        pull = cho_solve(factor, wanted - middle).astype(np.float32)
        return cls(ridge, gamma, cells, pull, middle)

    def decision_function(self, values: Floats) -> NDArray[np.float64]:
        """The answer (m,), near +1 among ALL cells and near -1 among HEM cells.

        Args:
            values: (m, F), standardized descriptors.
        """
        alike = rbf_kernel(values.astype(np.float32), self.cells, self.gamma)
        return np.asarray(alike @ self.pull.astype(np.float64) + self.middle)


def rbf_kernel(one: Floats, other: Floats, gamma: float) -> NDArray[np.float64]:
    """The Gaussian kernel between (m, F) and (n, F): float64 (m, n), 1 for equal cells."""
    here, there = one.astype(np.float64), other.astype(np.float64)
    found = here @ there.T
    found *= 2
    found -= (here * here).sum(axis=1)[:, None]
    found -= (there * there).sum(axis=1)
    found *= gamma
    return np.asarray(np.exp(found, out=found))
