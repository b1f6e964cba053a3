"""Draw persons and the parameters of their cells from the figures of the real ones.

A random-effects model over the twelve measures of `measures`: class mean, plus an effect the
person's cells share (size, stain, focus and texture go with person and slide), plus the cell's own.
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
"""Share of cells with a crescent of cytoplasm left beside the nucleus, by class."""

_SHRED, _BITE, _CUT, _NEIGHBOR = 0.25, 0.20, 0.18, 0.12  # share of cells, either class

# Faults, nucleoli and the chance in a finite texture spread what is measured too. This is what the
# parameters shall have, in the order of MEASURES, so that the sum comes out as on real cells.
_SPREAD = np.array([0.97, 0.95, 0.95, 1.0, 1.0, 1.0, 0.75, 0.7, 0.75, 0.75, 0.7, 0.95])
_SHIFT = np.array([-0.01, -0.05, -0.2, 0.0, 0.0, 0.0, -0.02, -0.05, -0.06, -0.03, 0.1, 0.0])


@dataclass(frozen=True)
class Person:
    """One person's cells.

    Attributes:
        label: 1 ALL, 0 HEM.
        center: `(12,)` mean of the person's cells on the scales of `measures.MEASURES`.
        nucleoli: mean number of nucleoli.
        crescent: share of cells with a crescent of cytoplasm.
    """

    label: int
    center: Floats
    nucleoli: float
    crescent: float


def sample_person(rng: np.random.Generator, label: int) -> Person:
    """Draw what the cells of one person have in common."""
    figures = load_statistics().classes[label]
    effect = _root(None) @ rng.standard_normal(len(figures.mean))
    return Person(
        label,
        center=figures.mean + figures.between * effect,
        nucleoli=NUCLEOLI[label] * float(rng.gamma(4.0, 1 / 4)),
        crescent=CRESCENT[label] * float(rng.gamma(1.0)),
    )


def sample_cell(rng: np.random.Generator, person: Person) -> CellParams:
    """Draw the parameters of one of a person's cells."""
    figures = load_statistics().classes[person.label]
    own = figures.within * _SPREAD * (_root(person.label) @ rng.standard_normal(len(_SPREAD)))
    measures = person.center + _SHIFT + own
    scale = np.exp(np.clip(measures, -6, 11.5))  # at most the cells that fit the frame
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
    """Square root of the cells' correlation within a class, or for None of the persons'."""
    figures = load_statistics()
    if label is None:
        correlation = figures.between_correlation
    else:
        correlation = figures.classes[label].within_correlation
    values, vectors = np.linalg.eigh(correlation)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)))
