"""Draw persons and the parameters of their cells from the statistics of real cells.

A random-effects model over the twelve measures of `measures`: class mean, plus an effect common to
the cells of a person (size, stain, focus and texture depend on person and slide), plus an effect of
the cell.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.synthetic.cell import CellParams
from leukoscope.data.synthetic.statistics import load_statistics

Floats = NDArray[np.floating[Any]]

NUCLEOLI = {1: 1.8, 0: 0.3}
"""Mean number of pale spots, by class: blasts show nucleoli, most normal lymphocytes none."""

CRESCENT = {1: 0.15, 0: 0.05}
"""Fraction of cells with a crescent of cytoplasm beside the nucleus, by class."""

_SHRED, _BITE, _CUT, _NEIGHBOR = 0.25, 0.20, 0.18, 0.12  # fraction of cells, both classes

# Artifacts, nucleoli and finite textures also change mean and spread of the measures. These factors
# and shifts of the parameters, in the order of MEASURES, compensate for that.
_SPREAD = np.array([0.97, 0.95, 0.95, 1.0, 1.0, 1.0, 0.75, 0.7, 0.75, 0.75, 0.7, 0.95])
_SHIFT = np.array([-0.01, -0.05, -0.2, 0.0, 0.0, 0.0, -0.02, -0.05, -0.06, -0.03, 0.1, 0.0])


@dataclass(frozen=True)
class Person:
    """Distribution of the cells of one person.

    Attributes:
        label: 1 ALL, 0 HEM.
        center: `(12,)` mean of the cells on the scales of `measures.MEASURES`.
        nucleoli: Mean number of nucleoli.
        crescent: Fraction of cells with a crescent of cytoplasm.
    """

    label: int
    center: Floats
    nucleoli: float
    crescent: float


def sample_person(rng: np.random.Generator, label: int) -> Person:
    """Draw the common properties of the cells of one person."""
    stats = load_statistics().classes[label]
    effect = _root(None) @ rng.standard_normal(len(stats.mean))
    return Person(
        label,
        center=stats.mean + stats.between * effect,
        nucleoli=NUCLEOLI[label] * float(rng.gamma(4.0, 1 / 4)),
        crescent=CRESCENT[label] * float(rng.gamma(1.0)),
    )


def sample_cell(rng: np.random.Generator, person: Person) -> CellParams:
    """Draw the parameters of one cell of a person."""
    stats = load_statistics().classes[person.label]
    effect = stats.within * _SPREAD * (_root(person.label) @ rng.standard_normal(len(_SPREAD)))
    measures = person.center + _SHIFT + effect
    scale = np.exp(np.clip(measures, -6, 11.5))  # the upper limit is a cell that fits the frame
    return CellParams(
        area=float(scale[0]),
        eccentricity=float(scale[1] / (1 + scale[1])),
        irregularity=float(scale[2]),
        stain=(float(scale[3]), float(scale[4]), float(scale[5])),
        bands=(float(scale[6]), float(scale[7]), float(scale[8]), float(scale[9])),
        skewness=float(measures[10]),
        rim=float(scale[11]),
        nucleoli=int(rng.poisson(person.nucleoli)),
        cytoplasm=float(rng.uniform(6, 18)) if rng.random() < person.crescent else 0.0,
        shreds=int(rng.integers(1, 4)) if rng.random() < _SHRED else 0,
        bites=int(rng.integers(1, 3)) if rng.random() < _BITE else 0,
        cut=float(rng.uniform(0.02, 0.12)) if rng.random() < _CUT else 0.0,
        neighbor=str(rng.choice(["red cell", "red cell", "nucleus"]))
        if rng.random() < _NEIGHBOR
        else "",
        shift=(int(rng.integers(-2, 3)), int(rng.integers(-2, 3))),
    )


@lru_cache(maxsize=4)
def _root(label: int | None) -> Floats:
    """Square root of the correlation of cells within a class, or of persons for None."""
    stats = load_statistics()
    if label is None:
        correlation = stats.between_correlation
    else:
        correlation = stats.classes[label].within_correlation
    values, vectors = np.linalg.eigh(correlation)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)))
