"""Cost of JPEG and WebP: predictions of compressed copies against those of the originals.

Compresses lossless images of cells in memory, at several qualities and with Pillow's defaults, and
predicts originals and copies. Prints a table with a row per format: the fraction of copies with
another verdict, with the verdict `not a cell` and with the opposite class; the mean, the 95th
percentile and the largest of the absolute differences of the probability; and the mean area of the
cell as a fraction of the original's. Then the flags of the copies that are `not a cell`.

    python benchmarks/compression.py CELLS [--cells 500] [--model MODEL.onnx]
"""

import argparse
import io
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from leukoscope.core.verdicts import Verdict
from leukoscope.data.imaging.foreground import nonblack_mask
from leukoscope.data.imaging.image import decode
from leukoscope.inference.predictor import Predictor
from leukoscope.inference.results import Prediction
from leukoscope.inference.sources import expand

FORMATS: dict[str, tuple[str, dict[str, int]]] = {
    "PNG": ("PNG", {"compress_level": 1}),
    **{f"JPEG {quality}": ("JPEG", {"quality": quality}) for quality in (100, 98, 95, 90, 85, 80)},
    "JPEG 75": ("JPEG", {"quality": 75}),
    "JPEG 95, full color": ("JPEG", {"quality": 95, "subsampling": 0}),
    "WebP 95": ("WEBP", {"quality": 95}),
    "WebP 80": ("WEBP", {"quality": 80}),
}
CLASSES = {Verdict.BLAST, Verdict.NORMAL}


def compressed(path: Path, kind: str, options: dict[str, int]) -> bytes:
    """The image of a file in another format."""
    stream = io.BytesIO()
    Image.open(path).convert("RGB").save(stream, kind, **options)
    return stream.getvalue()


def compare(
    predictor: Predictor, paths: Sequence[Path], copy: Callable[[Path], bytes]
) -> tuple[list[Prediction], np.ndarray]:
    """Predict copies, and measure their areas in pixels."""
    areas: list[int] = []

    def decoded(path: Path) -> np.ndarray:
        image = decode(copy(path))
        areas.append(int(nonblack_mask(image).sum()))
        return image

    return list(predictor.stream(decoded(path) for path in paths)), np.array(areas)


def row(
    name: str,
    found: Sequence[Prediction],
    known: Sequence[Prediction],
    area: np.ndarray,
) -> str:
    """One row of the table."""
    pairs = list(zip(found, known, strict=True))
    changed = np.mean([one.verdict != other.verdict for one, other in pairs])
    refused = np.mean([one.verdict == Verdict.NOT_A_CELL for one in found])
    flipped = np.mean([{one.verdict, other.verdict} == CLASSES for one, other in pairs])
    away = np.abs([(one.p_all or 0) - (other.p_all or 0) for one, other in pairs])
    values = [f"{value:.1%}".replace("%", " %") for value in (changed, refused, flipped)]
    values += [f"{value:.3f}" for value in (away.mean(), np.quantile(away, 0.95), away.max())]
    return f"| {name} | {' | '.join(values)} | {area.mean():.3f} |"


def main() -> None:
    """Compress, predict and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder of lossless images")
    parser.add_argument("--cells", type=int, default=500, help="number of cells, evenly spread")
    parser.add_argument("--model", type=Path, help="model file; by default the shipped one")
    options = parser.parse_args()

    paths = [source.path for source in expand(options.folder)]
    paths = [paths[number] for number in np.linspace(0, len(paths) - 1, options.cells).astype(int)]
    predictor = Predictor(options.model)
    known, area = compare(predictor, paths, Path.read_bytes)
    print(f"{len(paths)} cells, {predictor.card.name}\n")
    print(
        "| format | another verdict | not a cell | class flipped | mean | 95 % | largest | area |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    print(row("original", known, known, area / area))
    flags: dict[str, Counter[str]] = {}
    for name, (kind, settings) in FORMATS.items():
        copy = partial(compressed, kind=kind, options=settings)
        found, areas = compare(predictor, paths, copy)
        print(row(name, found, known, areas / area), flush=True)
        rejected = (one for one in found if one.verdict == Verdict.NOT_A_CELL)
        flags[name] = Counter(flag for one in rejected for flag in one.flags)
    print()
    for name, counts in flags.items():
        if counts:
            print(f"{name}: {', '.join(f'{flag} {count}' for flag, count in counts.items())}")


if __name__ == "__main__":
    main()
