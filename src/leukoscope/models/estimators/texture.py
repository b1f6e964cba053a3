"""Mean of a kernel machine on early ImageNet layers and of ridge regression on local structure.

The fixed layers are those of `leukoscope.models.network.texture`; only last layers are fitted, in
closed form, so that a fit takes seconds. On the early layers the loss has two penalties: a ridge,
and the variance between the mean predictions of persons of the same class. Cells of a person have
much in common that says nothing of the class, such as stain and focus. The second penalty makes the
model rely on what persons of a class share. It is the covariance normalization that speaker
recognition uses to compare voices over telephone lines.

Source: A. O. Hatch, S. Kajarekar, A. Stolcke, "Within-class covariance normalization for SVM-based
speaker recognition", Interspeech 2006.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from leukoscope.data.imaging.image import Crop
from leukoscope.models.estimators.base import Estimator, Exportable, Floats, Measurements, register
from leukoscope.models.estimators.local import Local, LocalModel
from leukoscope.models.network.settings import ALIGN

if TYPE_CHECKING:
    from leukoscope.models.network.texture import TextureNetwork

NARROWEST = 1e-6
"""Values with a smaller standard deviation are not scaled up."""


@register
@dataclass(frozen=True, kw_only=True)
class Texture(Estimator):
    """Settings of the estimator.

    Attributes:
        frequencies: Number of random Fourier features on the early layers.
        gamma: Width parameter of their kernel, in units of 1 / number of pooled values.
        ridge: Ridge of the last layer on them.
        persons: Penalty on the variance between persons of a class.
        local_frequencies: Number of random Fourier features on local structure.
        local_gamma: Width parameter of their kernel, in units of 1 / number of filters.
        local_ridge: Ridge of the last layer on structure and size.
    """

    SPACE: ClassVar = {
        "ridge": {"low": 1e-5, "high": 1e-2, "log": True},
        "gamma": {"low": 0.03, "high": 3, "log": True},
        "persons": {"low": 0.1, "high": 10, "log": True},
    }
    PACKAGES: ClassVar = ("torch", "onnx", "onnxruntime", "numpy", "scipy")
    MEASURED: ClassVar = "the texture"
    READS_IMAGES: ClassVar = True
    SIDE: ClassVar = 400

    estimator: Literal["texture"] = "texture"
    frequencies: int = 1024
    gamma: float = 0.3
    ridge: float = 1e-4
    persons: float = 5.0
    local_frequencies: int = 64
    local_gamma: float = 0.3
    local_ridge: float = 3e-5

    def rules(self) -> list[tuple[bool, str]]:
        """Conditions on the settings."""
        return [
            *super().rules(),
            (not self.leave_out, "classical.leave_out: empty, as no descriptors are measured"),
            (1 <= self.frequencies <= 4096, "classical.frequencies: from 1 to 4096"),
            (1 <= self.local_frequencies <= 4096, "classical.local_frequencies: from 1 to 4096"),
            (self.gamma > 0 and self.local_gamma > 0, "classical.gamma, local_gamma: above 0"),
            (self.ridge > 0 and self.local_ridge > 0, "classical.ridge, local_ridge: above 0"),
            (self.persons >= 0, "classical.persons: not negative"),
        ]

    def input_rules(self, size: int) -> list[tuple[bool, str]]:
        """The windows begin at a place of the heatmap, and can be halved and shrunk."""
        fits = size % ALIGN == 0 and size >= 2 * ALIGN
        rule = f"input.crop, input.size: a multiple of {ALIGN} from {2 * ALIGN} for texture"
        return [(fits, rule)]

    def measurements(self, crop: Crop) -> Measurements:
        """Pooled values of the early layers, then those of `Local.measurements`."""
        import torch

        from leukoscope.models.network.texture import POOLED, VERSION

        network = self.network(crop.size)
        local = self._local().measurements(crop)

        def measure(cell: np.ndarray) -> np.ndarray:
            with torch.inference_mode():
                return np.asarray(network.values(torch.from_numpy(cell)[None])[0].numpy())

        return Measurements(("texture", VERSION, *local.key), POOLED + local.width, measure)

    def groups(self) -> dict[str, list[int]]:
        """Columns of the early layers, of the structure, and of the logarithm of the area."""
        from leukoscope.models.network.texture import POOLED

        later = {
            name: [POOLED + column for column in columns]
            for name, columns in self._local().groups().items()
        }
        return {"early layers": list(range(POOLED)), **later}

    def network(self, side: int) -> "TextureNetwork":
        """The network with its fixed layers; the last layers are 0.

        Args:
            side: Side of the crop in pixels.
        """
        from leukoscope.models.network.texture import TextureNetwork

        return TextureNetwork(
            side, self.frequencies, self.gamma, self.local_frequencies, self.local_gamma
        ).eval()

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
    ) -> "TextureModel":
        """Fit both last layers; see `Estimator.fit`.

        Args:
            chosen: Not used.
            values: float32 (n, POOLED + 2 * local_frequencies + 17).
            label: (n,) 1 for ALL, 0 for HEM.
            weights: (n,) sample weights.
            person: (n,) the person of each cell.
            seed: Not used.
            jobs: Not used.
        """
        from scipy.linalg import cho_factor, cho_solve

        from leukoscope.models.network.texture import POOLED, orthogonal_frequencies

        local = self._local().fit(
            {"ridge": self.local_ridge},
            values[:, POOLED:],
            label,
            weights,
            person=person,
            seed=seed,
            jobs=jobs,
        )
        w = weights / weights.sum()
        pooled = values[:, :POOLED].astype(np.float64)
        mean = w @ pooled
        std = np.sqrt(w @ (pooled - mean) ** 2)
        std = np.where(std > NARROWEST, std, 1.0)
        frequency = orthogonal_frequencies(self.frequencies, POOLED, self.gamma)
        features = _fourier((pooled - mean) / std, frequency)
        centers = w @ features
        features -= centers
        target = np.where(label == 1, 1.0, -1.0)
        bias = float(w @ target)
        between = _between_persons(features, label, person)
        gram = (features * w[:, None]).T @ features + self.persons * between.T @ between
        gram[np.diag_indices(len(gram))] += self.ridge
        moment = features.T @ (w * (target - bias))
        coef = cho_solve(cho_factor(gram, overwrite_a=True), moment)
        return TextureModel(
            settings=self,
            mean=mean,
            std=std,
            coef=coef,
            bias=float(bias - centers @ coef),
            local=local,
        )

    def _local(self) -> Local:
        return Local(
            frequencies=self.local_frequencies, gamma=self.local_gamma, ridge=(self.local_ridge,)
        )


@dataclass(frozen=True)
class TextureModel:
    """Fitted last layers, and what it takes to put them into the network.

    Attributes:
        settings: The settings of the recipe.
        mean: float64 (POOLED,), weighted mean of each pooled value over the training cells.
        std: float64 (POOLED,), their weighted standard deviation.
        coef: float64 (2 * frequencies,), coefficients of cosines less 1, then of sines.
        bias: Logit of the early layers for the mean cell.
        local: The model on local structure and size.
    """

    settings: Texture
    mean: Floats
    std: Floats
    coef: Floats
    bias: float
    local: LocalModel

    @property
    def cam_bias(self) -> float:
        """Logit minus the mean of the heatmap."""
        return (self.bias + self.local.bias) / 2

    def logit(self, values: Floats) -> Floats:
        """Log-odds of ALL, float64 (n,), not calibrated.

        Args:
            values: float32 (n, F), as `TextureNetwork.values` returns them.
        """
        count = len(self.mean)
        x = (values[:, :count].astype(np.float64) - self.mean) / self.std
        early = _fourier(x, self._frequency) @ self.coef + self.bias
        return np.asarray((early + self.local.logit(values[:, count:])) / 2)

    def embedding(self, values: Floats) -> Floats:
        """The standardized measures of `local`, float64 (n, 17)."""
        return self.local.embedding(values[:, len(self.mean) :])

    def exportable(self, size: int) -> Exportable:
        """The network with the size of its input."""
        import torch

        from leukoscope.models.network.onnx_export import TrainedNetwork

        network = self.settings.network(size)
        count = self.settings.frequencies
        scaled = self.coef / np.sqrt(count)
        state = {
            "pooled_mean": self.mean,
            "pooled_std": self.std,
            "cosine": scaled[:count],
            "sine": scaled[count:],
            "classifier.bias": [self.cam_bias],
        }
        tensors = {name: torch.tensor(value).float() for name, value in state.items()}
        network.load_state_dict(tensors, strict=False)  # the frequencies are fixed
        network.local.load_state_dict(self.local.network.state_dict())
        # It is part of the other bias.
        torch.nn.init.zeros_(network.local.get_parameter("classifier.bias"))
        return TrainedNetwork(network.eval(), size)

    @cached_property
    def _frequency(self) -> Floats:
        from leukoscope.models.network.texture import orthogonal_frequencies

        return orthogonal_frequencies(
            self.settings.frequencies, len(self.mean), self.settings.gamma
        )


def _fourier(x: Floats, frequency: Floats) -> Floats:
    """Cosines less 1, then sines, (n, 2 * frequencies), of standardized values (n, F).

    Scaled so that the product of two rows approximates the kernel, but for the constants.
    """
    angle = x @ frequency.T
    both = np.concatenate([np.cos(angle) - 1, np.sin(angle)], axis=1)
    return np.asarray(both / np.sqrt(len(frequency)))


def _between_persons(features: Floats, label: np.ndarray, person: np.ndarray) -> Floats:
    """Rows whose sum of squares is the variance between persons, averaged over the classes.

    Args:
        features: (n, F).
        label: (n,) class.
        person: (n,) the person of each cell; every person weighs the same.

    Returns:
        (persons, F), differences of a person's mean from that of the class, scaled. A class of one
        person has none.
    """
    rows = []
    classes = np.unique(label)
    for value in classes:
        persons = np.unique(person[label == value])
        means = [features[(person == who) & (label == value)].mean(axis=0) for who in persons]
        if len(means) > 1:
            difference = np.stack(means) - np.mean(means, axis=0)
            rows.append(difference / np.sqrt((len(means) - 1) * len(classes)))
    return np.concatenate(rows) if rows else np.zeros((0, features.shape[1]))
