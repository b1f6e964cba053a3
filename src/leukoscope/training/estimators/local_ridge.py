"""The last layer of `leukoscope.models.network.local_features`, fitted in closed form.

Weighted least squares of +1 for ALL and -1 for HEM on centered inputs, with a ridge, as in A. E.
Hoerl, R. W. Kennard, "Ridge regression: biased estimation for nonorthogonal problems",
Technometrics 12, 1970. There are far fewer inputs than cells, so a fit takes a second; its answer
depends on no seed.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from leukoscope.models.network import local_features
from leukoscope.models.recipe.estimator_settings import Local

Floats = NDArray[np.floating]
NARROWEST = 1e-6
"""What hardly differs between cells is not blown up."""


@dataclass(frozen=True)
class LocalFit:
    """A fitted last layer, with what it takes to put it into the network.

    Attributes:
        settings: The recipe's.
        row: float64 (2 * frequencies,), what each feature adds to the logit.
        offset: What the usual cell's features add, taken off.
        size_row: float64 (10,), what each bump of the size adds.
        size_offset: Likewise, of the usual cell's.
        bias: The logit of the usual cell.
        usual: float64 (17,), mean of each measure over the training cells, as they count.
        spread: float64 (17,), their standard deviation.
    """

    settings: Local
    row: Floats
    offset: float
    size_row: Floats
    size_offset: float
    bias: float
    usual: Floats
    spread: Floats

    def logit(self, values: Floats) -> Floats:
        """Log-odds of ALL, float64 (n,), not calibrated.

        Args:
            values: float32 (n, 2 * frequencies + 17), as `models.local.Local.values` has them.
        """
        structure = values[:, : len(self.row)].astype(np.float64) @ self.row - self.offset
        size = _bumps(values) @ self.size_row - self.size_offset
        return np.asarray(structure + size + self.bias)

    def embedding(self, values: Floats) -> Floats:
        """The standardized measures, float64 (n, 17)."""
        return np.asarray((values[:, len(self.row) :] - self.usual) / self.spread)

    @cached_property
    def network(self) -> local_features.BagOfLocalFeatures:
        """The network with this last layer."""
        made = local_features.BagOfLocalFeatures(self.settings.frequencies, self.settings.gamma)
        state = {
            "classifier.weight": self.row[None],
            "classifier.bias": [self.bias],
            "offset": self.offset,
            "size_row": self.size_row,
            "size_offset": self.size_offset,
            "usual": self.usual,
            "spread": self.spread,
        }
        tensors = {name: torch.tensor(value).float() for name, value in state.items()}
        made.load_state_dict(tensors, strict=False)  # the frequencies are drawn, not fitted
        return made.eval()


def fit_local(
    settings: Local, ridge: float, values: Floats, label: np.ndarray, weights: Floats
) -> LocalFit:
    """Fit the last layer.

    Args:
        settings: The recipe's.
        ridge: See them.
        values: float32 (n, 2 * frequencies + 17).
        label: (n,) 0 or 1.
        weights: (n,) what each cell counts.
    """
    counts = weights / weights.sum()
    features = values[:, : -local_features.MEASURES].astype(np.float64)
    middle, size_middle = counts @ features, counts @ _bumps(values)
    structure, unit = _scaled(features - middle, counts, 1.0)
    size, size_unit = _scaled(_bumps(values) - size_middle, counts, settings.size)
    inputs = np.concatenate([structure, size], axis=1)
    wanted = np.where(label == 1, 1.0, -1.0)
    bias = float(counts @ wanted)
    squares = (inputs * counts[:, None]).T @ inputs + ridge * np.eye(inputs.shape[1])
    rows = np.linalg.solve(squares, inputs.T @ (counts * (wanted - bias)))
    row, size_row = rows[: len(middle)] * unit, rows[len(middle) :] * size_unit
    measured = values[:, -local_features.MEASURES :].astype(np.float64)
    usual = counts @ measured
    spread = np.sqrt(counts @ (measured - usual) ** 2)
    return LocalFit(
        settings,
        row,
        float(middle @ row),
        size_row,
        float(size_middle @ size_row),
        bias,
        usual,
        np.maximum(spread, NARROWEST),
    )


def _scaled(inputs: Floats, counts: Floats, wanted: float) -> tuple[Floats, float]:
    """Inputs (n, F) with this mean squared length, and what they were multiplied by."""
    length = float(counts @ (inputs * inputs).sum(axis=1))
    unit = float(np.sqrt(wanted / length)) if length > NARROWEST**2 else 0.0
    return inputs * unit, unit


def _bumps(values: Floats) -> Floats:
    ln_area = torch.from_numpy(np.ascontiguousarray(values[:, -1], dtype=np.float64))
    return np.asarray(local_features.area_basis(ln_area).numpy())
