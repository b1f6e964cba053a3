"""Do other views of a cell add to the descriptors, for persons never seen? A study, not a recipe.

    python benchmarks/other_views.py audit/cohort.csv --weights mobilenet_v2_imagenet.npz

Two views besides the descriptors of the whole cell: the same of its dark body alone, without shreds
and neighbors; and what blocks 3, 6 and 10 of MobileNetV2, as trained on ImageNet, see of the cell
at half scale with its surroundings painted in its own mean color: mean and deviation of each
channel over the cell's inside, 272 numbers that know nothing of size or outline. A kernel machine
answers for each view, and views are put together by the mean of their answers. Folds, figures and
rule are those of `person_folds.py`.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from person_folds import HEADS, gain, line, ruled, table, thinned

import leukoscope as ls
from leukoscope.core.progress import track
from leukoscope.data.audit.nucleus import nucleus
from leukoscope.data.cohort import Cohort, hash_cells
from leukoscope.data.descriptors import NAMES, describe
from leukoscope.data.imaging.foreground import solid_mask
from leukoscope.data.imaging.image import Crop, read_cell
from leukoscope.data.imaging.shape import eroded
from leukoscope.training.cache import cached_descriptors
from leukoscope.training.estimators.grid_search import person_folds
from leukoscope.training.estimators.kernel import KernelMachine
from leukoscope.training.network.sampling import even_weights

BLOCKS = (3, 6, 10)
SIDE = 256  # original pixels that the network is given, at half scale
AXES = 120  # principal axes of its view, fitted on training persons
BRUSH = 31  # px, wider than the shreds that hang on a cell
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
    """The descriptors (F,) of a cell's dark body."""
    image = read_cell(path, Crop(450, 450))
    dark = nucleus(solid_mask(image), cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)) > 0.5
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (BRUSH, BRUSH))
    opened = cv2.morphologyEx(dark.astype(np.uint8), cv2.MORPH_OPEN, brush)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    if count > 1:
        dark = parts == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()
    return describe(np.where(dark[..., None], image, 0).astype(np.uint8))


def layers(weights: Path) -> Callable[[str], np.ndarray]:
    """What some blocks of MobileNetV2 see of a cell: a function of its path."""
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
                share = adaptive_avg_pool2d(inside, x.shape[-2:])
                share = share * (share > 0.5)
                share = share / share.sum().clamp_min(1e-6)
                mean = (x * share).sum((2, 3), keepdim=True)
                deviation = ((x - mean) ** 2 * share).sum((2, 3)).clamp_min(1e-8).sqrt()
                found += [mean.flatten(), deviation.flatten()]
        return np.asarray(torch.cat(found).numpy())

    return view


def seen(cohort: Cohort, name: str, view: Callable[[str], np.ndarray], out: Path) -> np.ndarray:
    """A view of all cells (N, F), kept in `out`."""
    path = out / f"{name}.npy"
    if not path.is_file():
        out.mkdir(parents=True, exist_ok=True)
        found = [view(one) for one in track(cohort["path"], name, len(cohort))]
        np.save(path, np.stack(found))
    return np.asarray(np.load(path), np.float64)


def standard(values: np.ndarray, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """All values, standardized by those of the training rows, within 5 deviations."""
    mean = np.average(values[rows], axis=0, weights=weights)
    scale = np.sqrt(np.average((values[rows] - mean) ** 2, axis=0, weights=weights))
    return np.clip((values - mean) / np.where(scale > 1e-9, scale, 1), -5, 5)


def turned(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Along the widest axes of the training rows, halfway to the same width along each."""
    variance, axes = np.linalg.eigh(np.cov(values[rows].T))
    found = values @ axes[:, ::-1][:, :AXES] / variance[::-1][:AXES] ** 0.25
    return found * np.sqrt(AXES / (found[rows] ** 2).sum(axis=1).mean())


def answers(cohort: Cohort, values: np.ndarray, name: str, fold: np.ndarray) -> np.ndarray:
    """Answers (N,) of the models that left each person out."""
    label, found = cohort["label"].astype(int), np.full(len(cohort), np.nan)
    for number in range(int(fold.max()) + 1):
        rows, out = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        weights = even_weights(label[rows], cohort["person"][rows], "class")
        z = standard(values, rows, weights)
        z = turned(z, rows) if name == "layers" else z
        machine = KernelMachine.fit(
            z[rows], label[rows], weights, ridge=RIDGE.get(name, 0.3), gamma=GAMMA / z.shape[1]
        )
        found[out] = machine.decision_function(z[out])
    return found


def main() -> None:
    """Parse the command line, look at what is missing, print the table as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("cohort", type=Path, help="cohort.csv that `leukoscope data audit` wrote")
    parser.add_argument("--weights", type=Path, required=True, help="of MobileNetV2, .npz")
    parser.add_argument("--most", type=int, default=120, help="cells of a person")
    parser.add_argument("--folds", type=int, default=7)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("views"))
    options = parser.parse_args()

    cohort = hash_cells(ls.read_cohort(options.cohort))
    measured = np.asarray(cached_descriptors(cohort, Crop(450, 450)).cells, np.float64)
    rows = thinned(cohort["person"], options.most)
    cohort, measured = cohort.select(rows), measured[rows]
    views = {
        "cell": measured,
        "body": seen(cohort, "body", body, options.out),
        "layers": seen(cohort, "layers", layers(options.weights), options.out),
    }
    area = np.exp(measured[:, NAMES.index("ln_area")])
    folds = [person_folds(cohort, options.folds, seed) for seed in range(options.repeats)]
    said = {
        name: np.stack([answers(cohort, values, name, fold) for fold in folds])
        for name, values in views.items()
    }
    base = ruled(cohort, said["cell"], folds)
    lines = []
    for names in SETS:
        logit = np.mean([said[name] for name in names], axis=0)
        rule = ruled(cohort, logit, folds)
        told = line(" + ".join(names), cohort, logit, rule, area)
        lines.append([*told, gain(rule, base)])
    table(["views", *HEADS[1:-1], "rule less that of cell (s.e.)"], lines)


if __name__ == "__main__":
    main()
