"""Small tables of scored cells for the tests: persons differ, as real ones do."""

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray


def table(
    seed: int = 0, all_persons: int = 6, hem_persons: int = 5, cells: int = 40
) -> dict[str, NDArray]:
    """Cells of persons with their own mean score, rounded so that scores are tied."""
    random = np.random.default_rng(seed)
    columns: dict[str, list] = {
        name: [] for name in ("label", "logit", "person", "subject", "path", "area")
    }
    for k in range(all_persons + hem_persons):
        label = int(k < all_persons)
        name = f"{k + 1}" if label else f"H{k - all_persons + 1}"
        shift = random.normal(1.0 if label else -1.0, 0.9)
        for i in range(int(random.integers(cells // 2, cells + 1))):
            columns["label"].append(label)
            columns["logit"].append(round(2 * (shift + random.normal()), 1))
            columns["person"].append(name)
            columns["subject"].append(name if i % 3 else f"{name}0")
            columns["path"].append(f"cells/{name}_{i}.bmp")
            columns["area"].append(24_000 + 6_000 * label + random.normal(0, 2_000))
    text = ("person", "subject", "path")
    out = {
        name: np.array(values, dtype=object if name in text else None)
        for name, values in columns.items()
    }
    return out | {"p_all": 1 / (1 + np.exp(-out["logit"] / 1.5))}


PERSONS = tuple(np.unique(table()["person"]).tolist())
"""The persons of every table of the usual size."""


@st.composite
def scored(draw: st.DrawFn) -> tuple[NDArray, NDArray, NDArray]:
    """Labels, tied probabilities and persons, each person with one label, both labels present."""
    count = draw(st.integers(2, 60))
    owner = draw(st.lists(st.integers(0, 7), min_size=count, max_size=count))
    owner[0], owner[1] = 0, 1
    score = draw(st.lists(st.integers(0, 12), min_size=count, max_size=count))
    person = np.array([f"P{k}" for k in owner], dtype=object)
    return np.array(owner) % 2, np.array(score) / 12, person
