"""The interface of an estimator: settings that can be fitted, and the resulting model.

A setting that is a tuple holds candidates. Training chooses among them by cross-validation over the
training persons, so no other person influences the choice. A single value is used as it is.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from itertools import product
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.imaging.image import Crop

Floats = NDArray[np.floating]
Balance = Literal["none", "class", "person"]

ESTIMATORS: dict[str, type["Estimator"]] = {}
"""The estimators by name, as `classical.estimator` of a recipe names them."""

E = TypeVar("E", bound=type["Estimator"])


def register(estimator: E) -> E:
    """Make an estimator known to recipes under its name; a class decorator."""
    ESTIMATORS[vars(estimator)["estimator"]] = estimator  # the default of the field
    return estimator


@dataclass(frozen=True)
class Measurements:
    """Numbers measured on the crop of an image; an estimator is fitted on them.

    Attributes:
        key: Distinguishes them in the cache from other numbers of the same images.
        width: Count of numbers per image.
        measure: From uint8 (S, S, 3) to float32 (width,).
        columns: Positions of the numbers that the estimator uses; None for all of them.
    """

    key: tuple[object, ...]
    width: int
    measure: Callable[[np.ndarray], np.ndarray]
    columns: list[int] | None = None


class Exportable(Protocol):
    """A fitted model that can be written as ONNX."""

    def to_onnx(self, path: Path) -> None:
        """Write the model, without a card."""

    def file_logits(self, inputs: np.ndarray) -> np.ndarray:
        """Logits (n,) that the file should give for its own inputs (n, ...)."""


class FittedEstimator(Protocol):
    """An estimator after its fit."""

    @property
    def cam_bias(self) -> float | None:
        """Logit minus the mean of the heatmap; None without an exact heatmap."""

    def logit(self, values: Floats) -> Floats:
        """Log-odds of ALL, float64 (n,), not calibrated, for measurements float32 (n, F)."""

    def embedding(self, values: Floats) -> Floats:
        """The embedding as the model file computes it, float64 (n, d)."""

    def exportable(self, size: int) -> Exportable:
        """The model for the ONNX file.

        Args:
            size: Side of the crop in pixels.
        """


@dataclass(frozen=True, kw_only=True)
class Estimator(ABC):
    """Settings that all estimators have.

    Attributes:
        estimator: Name of the estimator.
        balance: Weights of the training cells: equal ("none"), the same total for both classes
            ("class"), or the same total for every person of a class as well ("person").
        leave_out: Descriptors withheld from the model, by name or by group.
        folds: Number of folds of the cross-validation that chooses among candidates.
    """

    SPACE: ClassVar[Mapping[str, Any]]
    """Default search space of `leukoscope tune`, by the names of the settings."""
    PACKAGES: ClassVar[tuple[str, ...]]
    """Packages whose versions the model card names."""
    MEASURED: ClassVar[str]
    """Noun phrase for progress messages."""
    READS_IMAGES: ClassVar[bool] = False
    """Whether the model file is given the crop itself instead of the measurements."""
    SIDE: ClassVar[int] = 450
    """Side of the crop in pixels where a recipe gives none; by default the whole frame."""

    estimator: str
    balance: Balance = "class"
    leave_out: tuple[str, ...] = ()
    folds: int = 5

    @abstractmethod
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
    ) -> FittedEstimator:
        """Fit the estimator.

        Args:
            chosen: One value for each setting that holds candidates.
            values: float32 (n, F), measurements of the training cells.
            label: (n,) 1 for ALL, 0 for HEM.
            weights: (n,) sample weights with a mean of 1.
            person: (n,) the person of each cell; most estimators do not use it.
            seed: Random seed.
            jobs: Number of threads.
        """

    @abstractmethod
    def measurements(self, crop: Crop) -> Measurements:
        """The numbers that the estimator is fitted on.

        Args:
            crop: The part of each image that is measured.
        """

    @abstractmethod
    def groups(self) -> dict[str, list[int]]:
        """Columns of the values by group, for permutation importance; no group is empty."""

    def descriptors(self) -> tuple[str, ...]:
        """Names of the descriptors that the model file is given; none if it is given images."""
        return ()

    def grids(self) -> dict[str, tuple[float, ...]]:
        """The settings that hold candidates."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: value
            for name, value in values.items()
            if isinstance(value, tuple) and name != "leave_out"
        }

    def candidates(self) -> list[dict[str, float]]:
        """Every combination of candidates, the first of each setting first."""
        grids = self.grids()
        return [dict(zip(grids, values, strict=True)) for values in product(*grids.values())]

    def input_rules(self, size: int) -> list[tuple[bool, str]]:
        """Conditions on the side of the crop in pixels, each with the rule in words."""
        return []

    def rules(self) -> list[tuple[bool, str]]:
        """Conditions on the settings, each with the rule in words."""
        return [
            (2 <= self.folds <= 100, "classical.folds: from 2 to 100"),
            *(
                (bool(values) and min(values) > 0, f"classical.{name}: one or more above 0")
                for name, values in self.grids().items()
            ),
        ]
