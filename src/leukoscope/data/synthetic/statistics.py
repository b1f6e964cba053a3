"""Figures of real cells that set the synthetic ones: by class, between persons and within a person.

Stored in `statistics.json`, which `benchmarks/synthetic_statistics.py` writes from the
real images. Only numbers are stored, no image.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class ClassStatistics:
    """One class as a random-effects model: cell = class mean + person's effect + cell's own effect.

    Attributes:
        persons: number of persons the figures rest on.
        cells: number of cells measured.
        mean: `(12,)` mean over persons of each measure, in the order of `measures.MEASURES`.
        between: `(12,)` standard deviation of the persons' effects.
        within: `(12,)` standard deviation of cells around their person, pooled over persons.
        within_correlation: `(12, 12)` of cells around their person.
    """

    persons: int
    cells: int
    mean: Floats
    between: Floats
    within: Floats
    within_correlation: Floats


@dataclass(frozen=True)
class Statistics:
    """All the figures a synthetic cohort is drawn from.

    Attributes:
        classes: by label, 1 for ALL and 0 for HEM.
        between_correlation: `(12, 12)` of the persons' effects, pooled over the classes, for either
            class alone has too few persons for it.
        rim_depth: `(k,)` distance from the edge in px.
        rim: `(k, 3)` RGB at that depth relative to the middle of the cell.
        chroma: `(3,)` change of R, G, B when the gray level rises by one within a cell.
        residual: `(3,)` RGB spread that the gray level does not explain, relative to its spread.
    """

    classes: Mapping[int, ClassStatistics]
    between_correlation: Floats
    rim_depth: Floats
    rim: Floats
    chroma: Floats
    residual: Floats


def summarize(
    measures: ArrayLike, persons: ArrayLike, *, least_cells: int = 5
) -> tuple[ClassStatistics, Floats]:
    """Split the spread of one class into what lies between persons and what lies within them.

    The between-person variance is that of the persons' means less the share that comes from the
    few cells behind each mean (the moment estimator of a one-way random-effects model).

    Args:
        measures: `(n, 12)` from `measure_cell`.
        persons: `(n,)` the person of each cell.
        least_cells: persons with fewer cells are left out.

    Returns:
        The class's figures, and the `(p, 12)` person means minus the class mean.

    Raises:
        ValueError: if fewer than two persons have enough cells.
    """
    table, names = np.asarray(measures, dtype=float), np.asarray(persons)
    groups = [table[names == name] for name in np.unique(names)]
    groups = [group for group in groups if len(group) >= max(least_cells, 2)]
    if len(groups) < 2:
        raise ValueError(f"need two persons with {least_cells} or more cells, got {len(groups)}")
    means = np.array([group.mean(axis=0) for group in groups])
    spread = np.array([group.var(axis=0, ddof=1) for group in groups])
    noise = np.mean([v / len(group) for v, group in zip(spread, groups, strict=True)], axis=0)
    around = np.concatenate([group - group.mean(axis=0) for group in groups])
    mean = means.mean(axis=0)
    figures = ClassStatistics(
        persons=len(groups),
        cells=len(around),
        mean=mean,
        between=np.sqrt(np.maximum(means.var(axis=0, ddof=1) - noise, 1e-6)),
        within=np.sqrt(spread.mean(axis=0)),
        within_correlation=np.corrcoef(around.T),
    )
    return figures, means - mean


def dump_statistics(statistics: Statistics, notes: Mapping[str, Any]) -> str:
    """The figures as JSON text, rounded to four decimals, with `notes` on where they come from."""
    body = asdict(statistics)
    body["classes"] = {str(label): figures for label, figures in body["classes"].items()}
    return json.dumps({**notes, **_plain(body)}, indent=1) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return np.round(value.astype(float), 4).tolist() if isinstance(value, np.ndarray) else value


@lru_cache(maxsize=1)
def load_statistics() -> Statistics:
    """The figures that ship with the package."""
    text = (files("leukoscope.data.synthetic") / "statistics.json").read_text(encoding="utf-8")
    body = json.loads(text)
    classes = {int(label): _read_class(figures) for label, figures in body["classes"].items()}
    arrays = ("between_correlation", "rim_depth", "rim", "chroma", "residual")
    return Statistics(classes=classes, **{name: np.array(body[name]) for name in arrays})


def _read_class(figures: Mapping[str, Any]) -> ClassStatistics:
    arrays = ("mean", "between", "within", "within_correlation")
    return ClassStatistics(
        persons=figures["persons"],
        cells=figures["cells"],
        **{name: np.array(figures[name]) for name in arrays},
    )
