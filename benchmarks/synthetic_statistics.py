"""Measure real cells and write the statistics from which synthetic cohorts are drawn.

python benchmarks/synthetic_statistics.py DIR [--per-subject 60] [--out FILE]

DIR holds the C-NMC 2019 training images (UID_<subject>_<image>_<cell>_<all|hem>.bmp, at any depth).
Needs the train extra (OpenCV for the distance to the edge). Takes one to two minutes on one core.
"""

import argparse
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from leukoscope.core.files import write_text
from leukoscope.core.progress import track
from leukoscope.data.imaging.image import decode
from leukoscope.data.synthetic.measures import MEASURES, measure_cell
from leukoscope.data.synthetic.statistics import Statistics, dump_statistics, summarize

ONE_PERSON = ("51 75 78", "H2 H4 H5 H6 H7", "43 44", "1 15 16 17 20 21", "H14 H24", "H10 h3")
"""Groups of subject ids of the training set that belong to one person, as found by the audit."""

RIM_DEPTH = np.array([1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 22, 27, 33, 40, 50, 65, 90.0])
PACKAGED = Path(__file__).parents[1] / "src/leukoscope/data/synthetic/statistics.json"


def sample(root: Path, per_subject: int) -> list[tuple[Path, int, str]]:
    """Choose up to `per_subject` evenly spaced images per subject, as (path, label, person)."""
    person = {subject: group.split()[0] for group in ONE_PERSON for subject in group.split()}
    subjects: dict[str, list[Path]] = {}
    for path in sorted(root.rglob("UID_*.bmp")):
        subjects.setdefault(path.name.split("_")[1], []).append(path)
    chosen = []
    for subject, paths in subjects.items():
        places = np.unique(np.linspace(0, len(paths) - 1, per_subject).round().astype(int))
        for path in (paths[i] for i in places):
            label = int(re.search(r"_(all|hem)\.bmp$", path.name)[1] == "all")  # type: ignore[index]
            chosen.append((path, label, person.get(subject, subject)))
    return chosen


def rim_and_color(image: NDArray[np.uint8]) -> tuple[Any, ...] | None:
    """Rim profile, color slopes against gray and residual color spread of one cell."""
    mask = (image.max(axis=2) > 0).astype(np.uint8)
    depth = cv2.distanceTransform(np.pad(mask, 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    inside = depth > 12
    if inside.sum() < 1000:
        return None
    cell, weight = image.astype(np.float32), mask.astype(np.float32)
    middle = cell[inside].mean(axis=0)
    bins = np.digitize(depth, RIM_DEPTH)
    rim = [
        cell[bins == k].mean(axis=0) / middle if (bins == k).any() else np.full(3, np.nan)
        for k in range(1, len(RIM_DEPTH))
    ]
    fine, coarse = (
        cv2.GaussianBlur(cell, (0, 0), s)
        / np.maximum(cv2.GaussianBlur(weight, (0, 0), s), 1e-3)[..., None]
        for s in (1.5, 8.0)
    )
    texture = (fine - coarse)[inside]
    texture = texture - texture.mean(axis=0)
    gray = texture.mean(axis=1)
    variance = float(gray.var())
    slope = (texture * gray[:, None]).mean(axis=0) / variance
    residual = np.sqrt((texture - gray[:, None] * slope).var(axis=0) / variance)
    return rim, slope, residual


def main() -> None:
    """Measure the cells, summarize, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("dir", type=Path)
    parser.add_argument("--per-subject", type=int, default=60)
    parser.add_argument("--out", type=Path, default=PACKAGED)
    options = parser.parse_args()

    rows = sample(options.dir, options.per_subject)
    measures, profiles = [], []
    for path, _, _ in track(rows, "measuring cells"):
        image = decode(path)
        measures.append(measure_cell(image))
        profiles.append(rim_and_color(image))
    table = np.array(measures)
    labels, persons = np.array([r[1] for r in rows]), np.array([r[2] for r in rows])
    summaries = {
        k: summarize(table[labels == k], persons[labels == k], least_cells=10) for k in (1, 0)
    }
    effects = np.concatenate([(effect / effect.std(axis=0)) for _, effect in summaries.values()])
    rims, slopes, residuals = zip(*filter(None, profiles), strict=True)
    statistics = Statistics(
        classes={label: statistics for label, (statistics, _) in summaries.items()},
        between_correlation=np.corrcoef(effects.T),
        rim_depth=RIM_DEPTH[:-1],
        rim=np.nanmedian(np.array(rims), axis=0),
        chroma=np.median(slopes, axis=0),
        residual=np.median(residuals, axis=0),
    )
    notes = {
        "source": "C-NMC 2019 training images (doi 10.7937/tcia.2019.dc64i46r, CC BY 3.0), "
        "measured by benchmarks/synthetic_statistics.py",
        "per_subject": options.per_subject,
        "one_person": list(ONE_PERSON),
        "measures": list(MEASURES),
    }
    write_text(options.out, dump_statistics(statistics, notes))
    print(f"{len(rows)} cells of {len(set(persons))} persons -> {options.out}")


if __name__ == "__main__":
    main()
