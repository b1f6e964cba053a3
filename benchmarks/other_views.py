"""Test whether other views of a cell add to the descriptors, on unseen persons.

This is a study, not a recipe.

    python benchmarks/other_views.py audit/cohort.csv --weights mobilenet_v2_imagenet.npz

There are two views besides the descriptors of the whole cell. The first is the descriptors of its
dark body alone, without fragments and neighbors. The second is the output of blocks 3, 6 and 10 of
MobileNetV2, pretrained on ImageNet, for the cell at half scale with the background painted in its
mean color: mean and standard deviation of each channel over the interior of the cell, 272 numbers
that do not depend on size or outline. A kernel machine predicts from each view, and views are
combined by the mean of their outputs. Folds, metrics and threshold rule are those of
`person_folds.py`.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from person_folds import HEADS, gain, line, scores, subsampled, table

import leukoscope as ls
from leukoscope.core.progress import track
from leukoscope.data.audit.nucleus import nucleus
from leukoscope.data.cohort import Cohort
from leukoscope.data.descriptors import NAMES, describe
from leukoscope.data.hashing import hash_cells
from leukoscope.data.imaging.foreground import solid_mask
from leukoscope.data.imaging.image import Crop, read_cell
from leukoscope.data.imaging.shape import eroded
from leukoscope.models.estimators.kernel import KernelMachine
from leukoscope.training.cache import cached_descriptors
from leukoscope.training.estimators.grid_search import person_folds
from leukoscope.training.network.sampling import even_weights

BLOCKS = (3, 6, 10)
SIDE = 256  # side of the input of the network in original pixels, before halving
AXES = 120  # principal axes of its view, fitted on training persons
BRUSH = 31  # px, wider than the fragments at the edge of a cell
RIDGE, GAMMA = {"layers": 0.1}, 0.3
SETS = (
    ("cell",),
    ("body",),
    ("layers",),
    ("cell", "body"),
    ("cell", "layers"),
    ("cell", "body", "layers"),
)


def body(path: str) -> np.ndarray:
    """Descriptors (F,) of the dark body of a cell."""
    image = read_cell(path, Crop(450, 450))
    dark = nucleus(solid_mask(image), cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)) > 0.5
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (BRUSH, BRUSH))
    opened = cv2.morphologyEx(dark.astype(np.uint8), cv2.MORPH_OPEN, brush)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    if count > 1:
        dark = parts == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()
    return describe(np.where(dark[..., None], image, 0).astype(np.uint8))


def layers(weights: Path) -> Callable[[str], np.ndarray]:
    """Return a function from the path of a cell to the outputs of some blocks of MobileNetV2."""
    import torch
    from torch.nn.functional import adaptive_avg_pool2d, interpolate, relu6

    from leukoscope.models.network.mobilenet import MobileNetV2

    with np.load(weights) as loaded:
        network = MobileNetV2().eval()
        known = {name: torch.from_numpy(loaded[name]).float() for name in network.state_dict()}
    network.load_state_dict(known)

    @torch.inference_mode()
    def view(path: str) -> np.ndarray:
        image = read_cell(path, Crop(SIDE, SIDE))
        mask = solid_mask(image)
        mask = mask if mask.any() else np.ones_like(mask)
        painted = np.where(mask[..., None], image, image[mask].mean(axis=0)) / 127.5 - 1
        x = torch.from_numpy(painted).float().permute(2, 0, 1)[None]
        inside = torch.from_numpy(eroded(mask, 5).astype(np.float32))[None, None]
        x = relu6(network.features[0](interpolate(x, scale_factor=0.5, mode="area")))
        found = []
        for number, block in enumerate(network.features[1 : max(BLOCKS) + 1], 1):
            x = block(x)
            if number in BLOCKS:
                weight = adaptive_avg_pool2d(inside, x.shape[-2:])
                weight = weight * (weight > 0.5)
                weight = weight / weight.sum().clamp_min(1e-6)
                mean = (x * weight).sum((2, 3), keepdim=True)
                deviation = ((x - mean) ** 2 * weight).sum((2, 3)).clamp_min(1e-8).sqrt()
                found += [mean.flatten(), deviation.flatten()]
        return np.asarray(torch.cat(found).numpy())

    return view


def view_matrix(
    cohort: Cohort, name: str, view: Callable[[str], np.ndarray], out: Path
) -> np.ndarray:
    """Compute a view of all cells (N, F), or read it from `out`."""
    path = out / f"{name}.npy"
    if not path.is_file():
        out.mkdir(parents=True, exist_ok=True)
        rows = [view(cell) for cell in track(cohort["path"], name, len(cohort))]
        np.save(path, np.stack(rows))
    return np.asarray(np.load(path), np.float64)


def standard(values: np.ndarray, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Standardize all values by the training rows and clip them at 5 standard deviations."""
    mean = np.average(values[rows], axis=0, weights=weights)
    scale = np.sqrt(np.average((values[rows] - mean) ** 2, axis=0, weights=weights))
    return np.clip((values - mean) / np.where(scale > 1e-9, scale, 1), -5, 5)


def principal(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Project on the first principal axes of the training rows, with the fourth root whitened."""
    variance, axes = np.linalg.eigh(np.cov(values[rows].T))
    components = values @ axes[:, ::-1][:, :AXES] / variance[::-1][:AXES] ** 0.25
    return components * np.sqrt(AXES / (components[rows] ** 2).sum(axis=1).mean())


def out_of_fold(cohort: Cohort, values: np.ndarray, name: str, fold: np.ndarray) -> np.ndarray:
    """Out-of-fold logits (N,): each person is predicted by a model fitted on others."""
    label, logit = cohort["label"].astype(int), np.full(len(cohort), np.nan)
    for number in range(int(fold.max()) + 1):
        rows, out = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        weights = even_weights(label[rows], cohort["person"][rows], "class")
        z = standard(values, rows, weights)
        z = principal(z, rows) if name == "layers" else z
        machine = KernelMachine.fit(
            z[rows], label[rows], weights, ridge=RIDGE.get(name, 0.3), gamma=GAMMA / z.shape[1]
        )
        logit[out] = machine.decision_function(z[out])
    return logit


def main() -> None:
    """Parse the command line, compute missing views, print the table as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("cohort", type=Path, help="cohort.csv that `leukoscope data audit` wrote")
    parser.add_argument("--weights", type=Path, required=True, help="weights of MobileNetV2, .npz")
    parser.add_argument("--most", type=int, default=120, help="largest number of cells per person")
    parser.add_argument("--folds", type=int, default=7)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("views"))
    options = parser.parse_args()

    cohort = hash_cells(ls.read_cohort(options.cohort))
    measured = np.asarray(cached_descriptors(cohort, Crop(450, 450)).cells, np.float64)
    rows = subsampled(cohort["person"], options.most)
    cohort, measured = cohort.select(rows), measured[rows]
    views = {
        "cell": measured,
        "body": view_matrix(cohort, "body", body, options.out),
        "layers": view_matrix(cohort, "layers", layers(options.weights), options.out),
    }
    area = np.exp(measured[:, NAMES.index("ln_area")])
    folds = [person_folds(cohort, options.folds, seed) for seed in range(options.repeats)]
    logits = {
        name: np.stack([out_of_fold(cohort, values, name, fold) for fold in folds])
        for name, values in views.items()
    }
    base = scores(cohort, logits["cell"], folds)
    lines = []
    for names in SETS:
        logit = np.mean([logits[name] for name in names], axis=0)
        rule = scores(cohort, logit, folds)
        row = line(" + ".join(names), cohort, logit, rule, area)
        lines.append([*row, gain(rule, base)])
    table(["views", *HEADS[1:-1], "rule minus cell (s.e.)"], lines)


if __name__ == "__main__":
    main()
