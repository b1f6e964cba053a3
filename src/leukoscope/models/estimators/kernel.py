"""Regularized least squares with a Gaussian kernel, in closed form.

The answer near a training cell is pulled towards +1 for ALL and -1 for HEM; the ridge limits the
influence of a single cell. A fit is one Cholesky factorization, without iterations and without
random numbers. A cell with a larger weight has a smaller ridge.

Sources: J. A. K. Suykens, J. Vandewalle, "Least squares support vector machine classifiers", Neural
Processing Letters 9, 1999; the intercept by generalized least squares as in C. E. Rasmussen, C. K.
I. Williams, "Gaussian processes for machine learning", MIT Press 2006, section 2.7.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from leukoscope.models.estimators.base import Floats, register
from leukoscope.models.estimators.on_descriptors import (
    DescriptorModel,
    OnDescriptors,
    Standardizer,
)
from leukoscope.models.estimators.onnx_graph import OnnxPart


@register
@dataclass(frozen=True, kw_only=True)
class Kernel(OnDescriptors):
    """Settings of the estimator.

    Attributes:
        ridge: Added to the diagonal of the kernel matrix; larger values give a smoother answer.
        gamma: Width parameter of the kernel, in units of 1 / number of descriptors.
    """

    SPACE: ClassVar = {
        "ridge": {"low": 0.01, "high": 3, "log": True},
        "gamma": {"low": 0.03, "high": 3, "log": True},
        "balance": ["class", "person"],
    }

    estimator: Literal["kernel"] = "kernel"
    ridge: tuple[float, ...] = (0.1, 0.3, 1.0)
    gamma: tuple[float, ...] = (0.1, 0.3, 1.0)

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
    ) -> "KernelModel":
        """Fit the estimator; see `Estimator.fit`."""
        standardize = Standardizer.fit(values, weights)
        gamma = chosen["gamma"] / values.shape[1]
        machine = KernelMachine.fit(
            standardize(values), label, weights, ridge=chosen["ridge"], gamma=gamma
        )
        return KernelModel(standardize, machine)


@dataclass
class KernelMachine:
    """Fitted by `fit`; all arithmetic is in float64 on values rounded to float32.

    Attributes:
        ridge: Added to the diagonal of the kernel matrix, for a cell of weight 1.
        gamma: The kernel of two cells is exp(-gamma * squared distance).
        cells: float32 (n, F), the training cells.
        dual_coef: float32 (n,), coefficient of the kernel of each training cell.
        intercept: The answer far from every training cell.
    """

    ridge: float
    gamma: float
    cells: NDArray[np.float32]
    dual_coef: NDArray[np.float32]
    intercept: float

    @classmethod
    def fit(
        cls, values: Floats, label: np.ndarray, weights: Floats, *, ridge: float, gamma: float
    ) -> Self:
        """Solve for the dual coefficients.

        Args:
            values: (n, F), standardized descriptors.
            label: (n,) 1 for ALL, 0 for HEM.
            weights: (n,) sample weights above 0.
            ridge: See the class.
            gamma: See the class.
        """
        from scipy.linalg import cho_factor, cho_solve

        cells = values.astype(np.float32)
        kernel = rbf_kernel(cells, cells, gamma)
        kernel[np.diag_indices(len(cells))] += ridge / weights
        factor = cho_factor(kernel, lower=True, overwrite_a=True, check_finite=False)
        target = np.where(label == 1, 1.0, -1.0)
        ones = cho_solve(factor, np.ones(len(cells)))
        intercept = float(ones @ target / ones.sum())
        dual_coef = cho_solve(factor, target - intercept).astype(np.float32)
        return cls(ridge, gamma, cells, dual_coef, intercept)

    def decision_function(self, values: Floats) -> NDArray[np.float64]:
        """The answer (m,), near +1 among ALL cells and near -1 among HEM cells.

        Args:
            values: (m, F), standardized descriptors.
        """
        kernel = rbf_kernel(values.astype(np.float32), self.cells, self.gamma)
        return np.asarray(kernel @ self.dual_coef.astype(np.float64) + self.intercept)


class KernelModel(DescriptorModel):
    """A fitted kernel machine; its answer serves as the logit."""

    def logit(self, values: Floats) -> Floats:
        """Answer of the machine, float64 (n,)."""
        return np.asarray(self.model.decision_function(self.standardize(values)))

    def onnx_part(self) -> OnnxPart:
        """The machine in double precision; its cells are stored in the file as float32.

        -gamma * (|x|^2 + |c|^2 - 2 x.c) is the exponent of the kernel.
        """
        from onnx import TensorProto
        from onnx.helper import make_node

        machine = self.model
        cells = machine.cells.astype(np.float64)
        constants = {
            "cells": machine.cells,
            "cell_norms": (cells * cells).sum(axis=1),
            "dual_coef": machine.dual_coef[:, None],
            "intercept": np.array(machine.intercept),
            "two": np.array(2.0),
            "minus_gamma": np.array(-machine.gamma),
            "last_axis": np.array([1]),
        }
        double, single = TensorProto.DOUBLE, TensorProto.FLOAT
        nodes = [
            make_node("Cast", ["embedding"], ["x"], to=double),
            make_node("Cast", ["cells"], ["c"], to=double),
            make_node("Cast", ["dual_coef"], ["coefficients"], to=double),
            make_node("Transpose", ["c"], ["c_transposed"], perm=[1, 0]),
            make_node("MatMul", ["x", "c_transposed"], ["products"]),
            make_node("Mul", ["products", "two"], ["doubled"]),
            make_node("Mul", ["x", "x"], ["x_squared"]),
            make_node("ReduceSum", ["x_squared", "last_axis"], ["x_norm"], keepdims=1),
            make_node("Add", ["x_norm", "cell_norms"], ["norms"]),
            make_node("Sub", ["norms", "doubled"], ["distances"]),
            make_node("Mul", ["distances", "minus_gamma"], ["exponents"]),
            make_node("Exp", ["exponents"], ["kernel"]),
            make_node("MatMul", ["kernel", "coefficients"], ["weighted"]),
            make_node("Add", ["weighted", "intercept"], ["answers"]),
            make_node("Squeeze", ["answers", "last_axis"], ["answer"]),
            make_node("Cast", ["answer"], ["logit"], to=single),
        ]
        return OnnxPart(nodes, constants)


def rbf_kernel(left: Floats, right: Floats, gamma: float) -> NDArray[np.float64]:
    """The Gaussian kernel between (m, F) and (n, F): float64 (m, n), 1 for equal cells."""
    x, y = left.astype(np.float64), right.astype(np.float64)
    kernel = x @ y.T
    kernel *= 2
    kernel -= (x * x).sum(axis=1)[:, None]
    kernel -= (y * y).sum(axis=1)
    kernel *= gamma
    return np.asarray(np.exp(kernel, out=kernel))
