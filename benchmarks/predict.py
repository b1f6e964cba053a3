"""How far is `Predictor` from what the machine can do?

Measures, in alternating rounds of one run: decoding alone, the network alone, the predictor, and
the loop one would write first (one image at a time, ONNX Runtime's own threads). The limit is the
rate at which all cores could decode and run the network with nothing between: 1 / (1/decode +
1/network). With --peers, the same images are predicted in other ways as well; see
benchmarks/peers.py. Prints images per second as a table.

    python benchmarks/predict.py FOLDER [--model FILE.onnx] [--images 512] [--rounds 3]
        [--peers PYTHON]
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from peers import WAYS, Peer

from leukoscope.core.cores import usable_cores
from leukoscope.data.imaging.image import Crop, read_cell
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.model_file import ModelFile, default_model, load
from leukoscope.inference.predictor import BATCH_SIZE, Predictor
from leukoscope.inference.sources import expand

PEER_IMAGES = 64
"""Images that the other ways predict in a round; they are slow."""


def in_threads(action: Callable[[int], object], count: int, threads: int) -> None:
    """Call `action` for 0 to count - 1, spread over threads."""
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(action, range(count)):
            pass


def one_by_one(model: ModelFile, crop: Crop, paths: Iterable[Path]) -> None:
    """The naive loop."""
    for path in paths:
        model.run(read_cell(path, crop)[None])


def without_limits(card: Card) -> Card:
    """The card of a model that answers for every picture, so that what its checks cost is seen."""
    return replace(card, abstention=None, image_limits=None, out_of_distribution=None)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", type=Path, help="Python of an environment with Keras")
    parser.add_argument("--batch", type=int, nargs="+", default=[BATCH_SIZE])
    args = parser.parse_args()

    found = [source.path for source in expand([args.folder]) if not source.problem]
    paths = found[:: max(1, len(found) // args.images)][: args.images]
    path = args.model or default_model()
    threads = usable_cores()
    model = load(path)
    wide = load(path, threads=threads)
    crop = Crop(model.card.input.crop, model.card.input.size)
    cells = np.stack([read_cell(path, crop) for path in paths])  # also fills the disk cache
    starts = range(0, len(paths), BATCH_SIZE)

    jobs: dict[str, Callable[[], object]] = {
        "decode and crop": lambda: in_threads(
            lambda i: read_cell(paths[i], crop), len(paths), threads
        ),
        "network": lambda: in_threads(
            lambda i: model.run(cells[starts[i] : starts[i] + BATCH_SIZE]), len(starts), threads
        ),
        "one image at a time": lambda: one_by_one(wide, crop, paths),
    }
    for batch in args.batch:
        predictor = Predictor(model, batch_size=batch)
        jobs[f"predictor, batch {batch}"] = lambda p=predictor: list(p.predict(paths))
    bold = Predictor(replace(model, card=without_limits(model.card)))
    jobs["predictor, turning nothing away"] = lambda: list(bold.predict(paths))

    few = paths[:PEER_IMAGES]
    peers = {way: Peer(args.peers, way, few) for way in WAYS} if args.peers else {}
    jobs |= {way: peer.predict for way, peer in peers.items()}

    rates: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(args.rounds):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            count = len(few if name in peers else paths)
            rates[name].append(count / (time.perf_counter() - start))
    for peer in peers.values():
        peer.close()
    median = {name: statistics.median(values) for name, values in rates.items()}
    limit = 1 / (1 / median["decode and crop"] + 1 / median["network"])
    ours = median[f"predictor, batch {args.batch[0]}"]

    print(f"{model.card.name}, {len(paths)} images, {threads} threads, median of {args.rounds}\n")
    print("| | images/s | of the limit | predictor is faster by |\n|---|---:|---:|---:|")
    print(f"| limit | {limit:.0f} | 100 % | |")
    for name, rate in median.items():
        share = f"{rate / limit:.0%}".replace("%", " %") if name.startswith(("pre", "one")) else ""
        ratio = f"{ours / rate:.1f} x" if name in peers or name.startswith("one") else ""
        print(f"| {name} | {rate:.0f} | {share} | {ratio} |")


if __name__ == "__main__":
    main()
