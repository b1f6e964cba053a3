"""Statistics of real cells for drawing synthetic ones: by class, between and within persons.

They are in `statistics.json`, which `benchmarks/synthetic_statistics.py` computes from the real
images. It contains only numbers, no image.
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
    """Random-effects model of one class: cell = class mean + effect of person + effect of cell.

    Attributes:
        persons: Number of persons.
        cells: Number of cells.
        mean: `(12,)` mean over persons of each measure, in the order of `measures.MEASURES`.
        between: `(12,)` standard deviation of the effects of persons.
        within: `(12,)` standard deviation of cells around their person, pooled over persons.
        within_correlation: `(12, 12)` correlation of cells around their person.
    """

    persons: int
    cells: int
    mean: Floats
    between: Floats
    within: Floats
    within_correlation: Floats


@dataclass(frozen=True)
class Statistics:
    """All statistics from which a synthetic cohort is drawn.

    Attributes:
        classes: Statistics by label, 1 for ALL and 0 for HEM.
        between_correlation: `(12, 12)` correlation of the effects of persons, pooled over the
            classes, because each class has too few persons.
        rim_depth: `(k,)` distance from the edge in px.
        rim: `(k, 3)` RGB at that depth relative to the center of the cell.
        chroma: `(3,)` change of R, G, B per gray level within a cell.
        residual: `(3,)` standard deviation of R, G, B that gray does not explain, relative to that
            of gray.
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
    """Split the variance of one class into the variance between and within persons.

    The variance between persons is that of the person means minus the sampling variance of these
    means (the moment estimator of a one-way random-effects model).

    Args:
        measures: `(n, 12)` from `measure_cell`.
        persons: `(n,)` person of each cell.
        least_cells: Persons with fewer cells are excluded.

    Returns:
        The statistics of the class, and the `(p, 12)` person means minus the class mean.

    Raises:
        ValueError: Fewer than two persons have enough cells.
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
    statistics = ClassStatistics(
        persons=len(groups),
        cells=len(around),
        mean=mean,
        between=np.sqrt(np.maximum(means.var(axis=0, ddof=1) - noise, 1e-6)),
        within=np.sqrt(spread.mean(axis=0)),
        within_correlation=np.corrcoef(around.T),
    )
    return statistics, means - mean


def dump_statistics(statistics: Statistics, notes: Mapping[str, Any]) -> str:
    """Convert statistics to JSON, rounded to four decimals, with `notes` on their origin."""
    body = asdict(statistics)
    body["classes"] = {str(label): values for label, values in body["classes"].items()}
    return json.dumps({**notes, **_plain(body)}, indent=1) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return np.round(value.astype(float), 4).tolist() if isinstance(value, np.ndarray) else value


@lru_cache(maxsize=1)
def load_statistics() -> Statistics:
    """Read the statistics in the package."""
    text = (files("leukoscope.data.synthetic") / "statistics.json").read_text(encoding="utf-8")
    body = json.loads(text)
    classes = {int(label): _read_class(values) for label, values in body["classes"].items()}
    arrays = ("between_correlation", "rim_depth", "rim", "chroma", "residual")
    return Statistics(classes=classes, **{name: np.array(body[name]) for name in arrays})


def _read_class(values: Mapping[str, Any]) -> ClassStatistics:
    arrays = ("mean", "between", "within", "within_correlation")
    return ClassStatistics(
        persons=values["persons"],
        cells=values["cells"],
        **{name: np.array(values[name]) for name in arrays},
    )
