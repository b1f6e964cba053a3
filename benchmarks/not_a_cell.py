"""Detection of images that are not cells, and the cells that are rejected by mistake.

Makes images that are not cells of the known kind ("junk"), from photographs that scikit-learn and
matplotlib contain and from the run's own test cells, and predicts them and the unchanged test cells
with the run's model. Prints three tables: junk by kind, false alarms by person, and the test cells
with 5 % of junk among them. A model file that is fitted on all persons leaves no test cells: with
`--cells` junk is made of cells it was trained on, and only the first table is printed.

    python benchmarks/not_a_cell.py RUN [RUN ...] [--images 40] [--seed 0]
    python benchmarks/not_a_cell.py MODEL.onnx --cells audit/cohort.csv
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from leukoscope.core.files import natural_key
from leukoscope.core.verdicts import Verdict
from leukoscope.data.cohort import Cohort, read_cohort_table
from leukoscope.data.imaging.foreground import nonblack_mask
from leukoscope.data.imaging.image import decode
from leukoscope.inference.predictor import Predictor
from leukoscope.inference.rejection.flags import Flag
from leukoscope.inference.results import Prediction
from leukoscope.training.run import read_run

SIDE = 450
PLANTED = 0.05
NOT_OF_QUALITY = {Flag.UNLIKE_TRAINING, Flag.BEYOND_CROP, Flag.SEEN_IN_TRAINING}
"""Flags that do not reject an image by its quality; the last two change no verdict."""
Array = np.ndarray
Draw = Callable[[np.random.Generator, Sequence[Array]], Array]


def photographs() -> list[Array]:
    """Pictures of installed packages: two of scikit-learn, and matplotlib's sample data."""
    import matplotlib
    from sklearn.datasets import load_sample_images

    found = [np.asarray(image) for image in load_sample_images().images]
    folder = Path(matplotlib.get_data_path()) / "sample_data"
    for path in sorted([*folder.glob("*.png"), *folder.glob("*.jpg")]):
        found.append(np.asarray(Image.open(path).convert("RGB")))
    return [_at_least(image) for image in found]


def photograph(random: np.random.Generator, cells: Sequence[Array]) -> Array:
    """A frame of a photograph."""
    image = PHOTOGRAPHS[int(random.integers(len(PHOTOGRAPHS)))]
    top, left = (int(random.integers(0, length - SIDE + 1)) for length in image.shape[:2])
    return image[top : top + SIDE, left : left + SIDE]


def noise(random: np.random.Generator, cells: Sequence[Array]) -> Array:
    """Colored noise, coarse or fine."""
    grain = int(random.choice([1, 3, 9, 30]))
    small = random.integers(0, 256, (SIDE // grain + 1, SIDE // grain + 1, 3), np.uint8)
    return small.repeat(grain, axis=0).repeat(grain, axis=1)[:SIDE, :SIDE]


def text(random: np.random.Generator, cells: Sequence[Array]) -> Array:
    """Lines of letters, dark on white or bright on black."""
    dark = bool(random.integers(2))
    image = Image.new("RGB", (SIDE, SIDE), "black" if dark else "white")
    drawing, font = ImageDraw.Draw(image), ImageFont.load_default(float(random.integers(18, 60)))
    letters = "abcdefghijklmnopqrstuvwxyz      "
    for top in range(40, SIDE - 60, 70):
        line = "".join(random.choice(list(letters), 18))
        drawing.text((30, top), line, font=font, fill="white" if dark else "black")
    return np.asarray(image)


def cut_out(draw: Draw) -> Draw:
    """The same picture in the outline of a real cell, on black."""

    def drawn(random: np.random.Generator, cells: Sequence[Array]) -> Array:
        outline = nonblack_mask(_one(random, cells))
        return np.where(outline[..., None], np.maximum(draw(random, cells), 1), 0).astype(np.uint8)

    return drawn


def smear(random: np.random.Generator, cells: Sequence[Array]) -> Array:
    """Cells side by side on the bright ground of a slide."""
    ground = np.array([225, 205, 225]) + random.normal(0, 4, (SIDE, SIDE, 3))
    frame = np.clip(ground, 0, 255).astype(np.uint8)
    for top, left in _places(random, 6):
        _lay(_one(random, cells), frame, top, left)
    return frame


def two_cells(random: np.random.Generator, cells: Sequence[Array]) -> Array:
    """Two cells on black, apart."""
    frame = np.zeros((SIDE, SIDE, 3), np.uint8)
    for left in (-112, 112):
        _lay(_one(random, cells), frame, int(random.integers(-60, 61)), left)
    return frame


def shifted(random: np.random.Generator, cells: Sequence[Array]) -> Array:
    """A cell that the frame cuts off."""
    frame = np.zeros((SIDE, SIDE, 3), np.uint8)
    _lay(_one(random, cells), frame, 0, int(random.choice([-190, 190])))
    return frame


def other_stain(random: np.random.Generator, cells: Sequence[Array]) -> Array:
    """A cell whose hue is turned by 60 to 300 degrees."""
    hsv = np.array(Image.fromarray(_one(random, cells)).convert("HSV"))
    hsv[..., 0] += random.integers(43, 213, dtype=np.uint8)
    return np.asarray(Image.fromarray(hsv, "HSV").convert("RGB"))


def gray(random: np.random.Generator, cells: Sequence[Array]) -> Array:
    """A cell without its color."""
    return np.asarray(Image.fromarray(_one(random, cells)).convert("L").convert("RGB"))


def scaled(factor: float) -> Draw:
    """A whole frame at another scale."""

    def drawn(random: np.random.Generator, cells: Sequence[Array]) -> Array:
        side = int(SIDE * factor)
        return np.asarray(Image.fromarray(_one(random, cells)).resize((side, side)))

    return drawn


def blurred(random: np.random.Generator, cells: Sequence[Array]) -> Array:
    """A cell far out of focus."""
    image = Image.fromarray(_one(random, cells))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(float(random.uniform(6, 12)))))


KINDS: dict[str, Draw] = {
    "photographs": photograph,
    "photographs, cut out as a cell": cut_out(photograph),
    "noise": noise,
    "noise, cut out as a cell": cut_out(noise),
    "text": text,
    "text, cut out as a cell": cut_out(text),
    "smear fields": smear,
    "two cells on black": two_cells,
    "cells that the frame cuts off": shifted,
    "other stains (hue turned)": other_stain,
    "cells without color": gray,
    "frames at half the scale": scaled(0.5),
    "frames at twice the scale": scaled(2.0),
    "cells far out of focus": blurred,
}


def measured(run: Path, images: int, seed: int) -> None:
    """Print the tables of one run."""
    own = read_run(run)
    test = own.cohort.select(np.flatnonzero(own.cohort["part"] == "test"))
    predictor, random = Predictor(own.model), np.random.default_rng(seed)
    print(f"\n## {run.name}: {predictor.model.card.name}, {len(test)} test cells")
    junk = _by_kind(predictor, _some(test, random), images, random)
    found = list(predictor.predict(test.paths))
    _row("**test cells**", found)
    _by_person(test, found)
    _planted(predictor, junk, found, random)


def measured_file(path: Path, known: Cohort, images: int, seed: int) -> None:
    """Print the table of junk of a model file, made of cells it may know."""
    predictor, random = Predictor(path), np.random.default_rng(seed)
    cells = _some(known, random)
    print(f"\n## {path.name}: {predictor.model.card.name}, {len(cells)} cells")
    _by_kind(predictor, cells, images, random)
    _row("**these cells**", list(predictor.predict(cells)))


def _some(cohort: Cohort, random: np.random.Generator) -> list[Array]:
    """At most 200 images of a cohort."""
    chosen = random.choice(len(cohort), min(200, len(cohort)), replace=False)
    return [decode(cohort.paths[row]) for row in chosen]


def _by_kind(
    predictor: Predictor, cells: Sequence[Array], images: int, random: np.random.Generator
) -> list[Array]:
    """Print the verdicts on each kind of junk, and return all of it."""
    print("\n| image | images | not a cell | by quality | by distance | uncertain | answered |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    junk: list[Array] = []
    for kind, draw in KINDS.items():
        made = [draw(random, cells) for _ in range(images)]
        junk += made
        _row(kind, list(predictor.predict(made)))
    return junk


def _row(kind: str, found: Sequence[Prediction]) -> None:
    verdicts = Counter(str(one.verdict) for one in found)
    away = verdicts[Verdict.NOT_A_CELL]
    by_quality = sum(bool(set(one.flags) - NOT_OF_QUALITY) for one in found)
    far = sum(Flag.UNLIKE_TRAINING in one.flags for one in found)
    answered = verdicts[Verdict.BLAST] + verdicts[Verdict.NORMAL]
    share = f"{away / len(found):.1%}".replace("%", " %")
    print(
        f"| {kind} | {len(found)} | {away} ({share}) | {by_quality} | {far} "
        f"| {verdicts[Verdict.UNCERTAIN]} | {answered} |"
    )


def _by_person(test: Cohort, found: Sequence[Prediction]) -> None:
    print("\n| person | label | cells | not a cell | reasons |\n|---|---|--:|--:|---|")
    person = test["person"]
    for name in sorted(set(person.tolist()), key=natural_key):
        rows = np.flatnonzero(person == name)
        away = [found[row] for row in rows if found[row].verdict is Verdict.NOT_A_CELL]
        why = Counter(flag for one in away for flag in one.flags)
        words = ", ".join(f"{flag} {count}" for flag, count in why.most_common())
        label = "ALL" if test["label"][rows[0]] == 1 else "HEM"
        share = f"{len(away) / len(rows):.1%}".replace("%", " %")
        print(f"| {name} | {label} | {len(rows)} | {len(away)} ({share}) | {words} |")


def _planted(
    predictor: Predictor,
    junk: Sequence[Array],
    cells: Sequence[Prediction],
    random: np.random.Generator,
) -> None:
    """Print the detection of 5 % junk among cells."""
    count = round(PLANTED / (1 - PLANTED) * len(cells))
    planted = [junk[row] for row in random.choice(len(junk), count, replace=count > len(junk))]
    found = sum(one.verdict is Verdict.NOT_A_CELL for one in predictor.predict(planted))
    false = sum(one.verdict is Verdict.NOT_A_CELL for one in cells)
    print(
        f"\n{count} images of junk among {len(cells)} test cells: {found} of them are rejected as "
        f"not a cell, and {false} cells; {found / max(1, found + false):.0%} of the rejected "
        "images are junk."
    )


def _one(random: np.random.Generator, cells: Sequence[Array]) -> Array:
    return cells[int(random.integers(len(cells)))]


def _places(random: np.random.Generator, count: int) -> Iterator[tuple[int, int]]:
    for _ in range(count):
        yield int(random.integers(-170, 171)), int(random.integers(-170, 171))


def _lay(cell: Array, frame: Array, down: int, right: int) -> None:
    """Lay the pixels of a cell into a frame, moved by some pixels."""
    rows, columns = np.nonzero(nonblack_mask(cell))
    at, across = rows + down, columns + right
    inside = (at >= 0) & (at < len(frame)) & (across >= 0) & (across < frame.shape[1])
    frame[at[inside], across[inside]] = cell[rows[inside], columns[inside]]


def _at_least(image: Array) -> Array:
    """A picture no smaller than a frame."""
    factor = SIDE / min(image.shape[:2])
    if factor <= 1:
        return image
    height, width = (int(np.ceil(length * factor)) for length in image.shape[:2])
    return np.asarray(Image.fromarray(image).resize((width, height)))


PHOTOGRAPHS = photographs()


def main() -> None:
    """Parse the command line, measure each run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "models", nargs="+", type=Path, help="run folders with their images at hand, or model files"
    )
    parser.add_argument("--cells", type=Path, help="cohort.csv with cells, for model files")
    parser.add_argument("--images", type=int, default=40, help="of each kind of junk")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for place in options.models:
        if place.is_dir():
            measured(place, options.images, options.seed)
        elif options.cells:
            cohort = read_cohort_table(options.cells)
            measured_file(place, cohort, options.images, options.seed)
        else:
            parser.error(f"{place} is no run folder; for a model file name --cells as well")


if __name__ == "__main__":
    main()
