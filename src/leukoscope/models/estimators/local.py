"""Ridge regression on the local structure of a cell and its size, with an exact heatmap.

The fixed layers of `leukoscope.models.network.local_features` measure structure and size; the last
layer is fitted in closed form: weighted least squares of +1 for ALL and -1 for HEM on centered
inputs, with a ridge, as in A. E. Hoerl, R. W. Kennard, "Ridge regression: biased estimation for
nonorthogonal problems", Technometrics 12, 1970. There are far fewer inputs than cells, so a fit
takes a second; no random numbers are involved.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from leukoscope.data.imaging.image import Crop
from leukoscope.models.estimators.base import Estimator, Exportable, Floats, Measurements, register

if TYPE_CHECKING:
    from leukoscope.models.network.local_features import BagOfLocalFeatures

NARROWEST = 1e-6
"""Values with a smaller standard deviation are not scaled up."""


@register
@dataclass(frozen=True, kw_only=True)
class Local(Estimator):
    """Settings of the estimator.

    Attributes:
        frequencies: Number of random Fourier features; more approximate the kernel better.
        gamma: Width parameter of the kernel, in units of 1 / number of filters.
        size: Weight of the cell's size relative to its structure.
        ridge: Added to the mean square of each input; larger values give a smoother answer.
    """

    SPACE: ClassVar = {
        "ridge": {"low": 1e-6, "high": 1e-3, "log": True},
        "gamma": {"low": 0.03, "high": 3, "log": True},
        "size": {"low": 0.03, "high": 3, "log": True},
        "frequencies": [128, 256, 512],
    }
    PACKAGES: ClassVar = ("torch", "onnx", "onnxruntime", "numpy")
    MEASURED: ClassVar = "the local structure"
    READS_IMAGES: ClassVar = True

    estimator: Literal["local"] = "local"
    frequencies: int = 512
    gamma: float = 0.3
    size: float = 0.3
    ridge: tuple[float, ...] = (3e-6, 1e-5, 3e-5, 1e-4)

    def rules(self) -> list[tuple[bool, str]]:
        """Conditions on the settings."""
        return [
            *super().rules(),
            (not self.leave_out, "classical.leave_out: empty, as no descriptors are measured"),
            (1 <= self.frequencies <= 4096, "classical.frequencies: from 1 to 4096"),
            (self.gamma > 0, "classical.gamma: above 0"),
            (self.size >= 0, "classical.size: not negative"),
        ]

    def measurements(self, crop: Crop) -> Measurements:
        """Mean of each Fourier feature over the cell, and 17 measures of filters and area."""
        import torch

        from leukoscope.models.network.local_features import MEASURES, VERSION

        network = self.network()

        def measure(cell: np.ndarray) -> np.ndarray:
            with torch.inference_mode():
                return np.asarray(network.values(torch.from_numpy(cell)[None])[0].numpy())

        key = ("local", VERSION, crop, self.frequencies, self.gamma)
        return Measurements(key, 2 * self.frequencies + MEASURES, measure)

    def groups(self) -> dict[str, list[int]]:
        """Columns of the structure, and of the logarithm of the area, which is the last measure."""
        from leukoscope.models.network.local_features import MEASURES

        features = 2 * self.frequencies
        return {"local structure": list(range(features)), "size": [features + MEASURES - 1]}

    def network(self) -> "BagOfLocalFeatures":
        """The network with its fixed layers; the last layer is 0."""
        from leukoscope.models.network.local_features import BagOfLocalFeatures

        return BagOfLocalFeatures(self.frequencies, self.gamma).eval()

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
    ) -> "LocalModel":
        """Fit the last layer; see `Estimator.fit`.

        Args:
            chosen: Has `ridge`.
            values: float32 (n, 2 * frequencies + 17).
            label: (n,) 1 for ALL, 0 for HEM.
            weights: (n,) sample weights.
            person: Not used.
            seed: Not used.
            jobs: Not used.
        """
        count = 2 * self.frequencies
        w = weights / weights.sum()
        features, basis = values[:, :count].astype(np.float64), _area_basis(values)
        feature_mean, basis_mean = w @ features, w @ basis
        structure, structure_scale = _scaled(features - feature_mean, w, 1.0)
        size, size_scale = _scaled(basis - basis_mean, w, self.size)
        inputs = np.concatenate([structure, size], axis=1)
        target = np.where(label == 1, 1.0, -1.0)
        bias = float(w @ target)
        gram = (inputs * w[:, None]).T @ inputs + chosen["ridge"] * np.eye(inputs.shape[1])
        coefficients = np.linalg.solve(gram, inputs.T @ (w * (target - bias)))
        coef = coefficients[:count] * structure_scale
        size_coef = coefficients[count:] * size_scale
        measures = values[:, count:].astype(np.float64)
        mean = w @ measures
        std = np.sqrt(w @ (measures - mean) ** 2)
        return LocalModel(
            settings=self,
            coef=coef,
            offset=float(feature_mean @ coef),
            size_coef=size_coef,
            size_offset=float(basis_mean @ size_coef),
            bias=bias,
            mean=mean,
            std=np.maximum(std, NARROWEST),
        )


@dataclass(frozen=True)
class LocalModel:
    """A fitted last layer, and what it takes to put it into the network.

    Attributes:
        settings: The settings of the recipe.
        coef: float64 (2 * frequencies,), coefficient of each Fourier feature.
        offset: Sum of the mean features times their coefficients, which is subtracted.
        size_coef: float64 (10,), coefficient of each basis function of the area.
        size_offset: Sum of their means times their coefficients, which is subtracted.
        bias: Logit of the mean cell.
        mean: float64 (17,), weighted mean of each measure over the training cells.
        std: float64 (17,), their weighted standard deviation.
    """

    settings: Local
    coef: Floats
    offset: float
    size_coef: Floats
    size_offset: float
    bias: float
    mean: Floats
    std: Floats

    @property
    def cam_bias(self) -> float:
        """Logit minus the mean of the heatmap."""
        return self.bias

    def logit(self, values: Floats) -> Floats:
        """Log-odds of ALL, float64 (n,), not calibrated.

        Args:
            values: float32 (n, 2 * frequencies + 17), as `BagOfLocalFeatures.values` returns them.
        """
        structure = values[:, : len(self.coef)].astype(np.float64) @ self.coef - self.offset
        size = _area_basis(values) @ self.size_coef - self.size_offset
        return np.asarray(structure + size + self.bias)

    def embedding(self, values: Floats) -> Floats:
        """The standardized measures, float64 (n, 17)."""
        return np.asarray((values[:, len(self.coef) :] - self.mean) / self.std)

    @cached_property
    def network(self) -> "BagOfLocalFeatures":
        """The network with this last layer."""
        import torch

        network = self.settings.network()
        cosine, sine = np.split(self.coef, 2)
        state = {
            "amplitude": np.hypot(cosine, sine)[None, :, None, None],
            "phase": np.arctan2(sine, cosine),
            "classifier.bias": [self.bias],
            "offset": self.offset,
            "size_coef": self.size_coef,
            "size_offset": self.size_offset,
            "mean": self.mean,
            "std": self.std,
        }
        tensors = {name: torch.tensor(value).float() for name, value in state.items()}
        network.load_state_dict(tensors, strict=False)  # the frequencies are fixed
        return network.eval()

    def exportable(self, size: int) -> Exportable:
        """The network with the size of its input."""
        from leukoscope.models.network.onnx_export import TrainedNetwork

        return TrainedNetwork(self.network, size)


def _scaled(inputs: Floats, w: Floats, wanted: float) -> tuple[Floats, float]:
    """Inputs (n, F) scaled to a mean squared length of `wanted`, and the scale."""
    length = float(w @ (inputs * inputs).sum(axis=1))
    scale = float(np.sqrt(wanted / length)) if length > NARROWEST**2 else 0.0
    return inputs * scale, scale


def _area_basis(values: Floats) -> Floats:
    """Basis functions (n, 10) of the logarithmic area, the last column of the values."""
    import torch

    from leukoscope.models.network.local_features import area_basis

    ln_area = torch.from_numpy(np.ascontiguousarray(values[:, -1], dtype=np.float64))
    return np.asarray(area_basis(ln_area).numpy())
