"""How far is `predict` from what the machine can do, and from what one would use instead?

Measures, in alternating rounds of one run: each stage alone (reading, hashes, decoding, the checks
of an image, the network without and with its heatmap), the predictor, also without turns for
reading, and the loop one would write first (one image at a time,
plain ONNX Runtime with its own threads). The limit is the rate at which all cores could decode and
run the network with nothing between: 1 / (1/decode + 1/network). With --peers, the same images are
predicted in other ways as well; see benchmarks/peers.py.

    python benchmarks/predict.py FOLDER [--model FILE.onnx] [--images 512] [--rounds 3]
        [--peers PYTHON]
"""

import argparse
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from unittest.mock import patch

import numpy as np
from peers import PREDICTING, Peer
from timing import Table, alternate

from leukoscope.core.cores import usable_cores
from leukoscope.data.imaging.image import Crop, decode, fixed_scale_crop
from leukoscope.data.imaging.pixel_identity import pixel_sha256
from leukoscope.inference import predictor as predictor_module
from leukoscope.inference.evidence import check_image
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.model_file import ModelFile, default_model, load
from leukoscope.inference.predictor import BATCH_SIZE, Predictor
from leukoscope.inference.sources import expand

PEER_IMAGES = 64
"""Images that the other ways predict in a round; they are slow."""

Work = Callable[[], object]


def in_threads(action: Callable[[int], object], count: int, threads: int) -> None:
    """Call `action` for 0 to count - 1, spread over threads."""
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(action, range(count)):
            pass


def stages(model: ModelFile, paths: Sequence[Path], threads: int) -> dict[str, Work]:
    """Each stage of a prediction alone, for all images, on all threads."""
    crop = Crop(model.card.input.crop, model.card.input.size)
    contents = [path.read_bytes() for path in paths]  # also fills the disk cache
    images = [decode(content) for content in contents]
    cells = np.stack([fixed_scale_crop(image, crop) for image in images])

    def each(action: Callable[[int], object]) -> Work:
        return lambda: in_threads(action, len(paths), threads)

    def network(*, heatmaps: bool) -> Work:
        def run(number: int) -> object:
            start = number * BATCH_SIZE
            return model.run(cells[start : start + BATCH_SIZE], heatmaps=heatmaps)

        return lambda: in_threads(run, -(-len(cells) // BATCH_SIZE), threads)

    return {
        "read the file": each(lambda i: paths[i].read_bytes()),
        "hash of the file": each(lambda i: sha256(contents[i]).digest()),
        "decode and crop": each(lambda i: fixed_scale_crop(decode(contents[i]), crop)),
        "hash of the pixels": each(lambda i: pixel_sha256(images[i])),
        "checks of the image": each(lambda i: check_image(images[i], cells[i], model.card)),
        "network": network(heatmaps=False),
        "network with its heatmap": network(heatmaps=True),
    }


def reading_at_once(predictor: Predictor, paths: Sequence[Path]) -> None:
    """Predict while no thread waits for its turn to read."""
    with patch.object(predictor_module, "LONGEST_WAIT", 0):
        predictor.predict(paths)


def one_by_one(model: ModelFile, paths: Sequence[Path]) -> None:
    """The naive loop."""
    crop = Crop(model.card.input.crop, model.card.input.size)
    for path in paths:
        model.run(fixed_scale_crop(decode(path), crop)[None])


def without_limits(card: Card) -> Card:
    """The card of a model that answers for every picture, so that what its checks cost is seen."""
    return replace(card, abstention=None, image_limits=None, out_of_distribution=None)


def rate(work: Work, count: int) -> float:
    """Images per second."""
    start = time.perf_counter()
    work()
    return count / (time.perf_counter() - start)


def measure(args: argparse.Namespace) -> Table:
    """Measure all rows."""
    found = [source.path for source in expand([args.folder]) if not source.problem]
    paths = found[:: max(1, len(found) // args.images)][: args.images]
    path, threads = args.model or default_model(), usable_cores()
    model, wide = load(path), load(path, threads=threads)
    work = stages(model, paths, threads)
    parts = tuple(work)
    work["plain ONNX Runtime, one image at a time"] = lambda: one_by_one(wide, paths)
    for batch in args.batch:
        predictor = Predictor(model, batch_size=batch)
        work[f"predictor, batch {batch}"] = lambda p=predictor: p.predict(paths)
    all_read = Predictor(model, batch_size=args.batch[0])
    work["predictor, all threads read at once"] = lambda: reading_at_once(all_read, paths)
    bold = Predictor(replace(model, card=without_limits(model.card)))
    work["predictor without checks"] = lambda: bold.predict(paths)
    few = paths[:PEER_IMAGES]
    peers = {way: Peer(args.peers, way, few) for way in PREDICTING} if args.peers else {}
    for peer in peers.values():
        peer.run()  # builds the network and warms it up
    jobs = {name: lambda w=action: rate(w, len(paths)) for name, action in work.items()}
    jobs |= {way: lambda p=peer: rate(p.run, len(few)) for way, peer in peers.items()}
    values = alternate(jobs, args.rounds)
    for peer in peers.values():
        peer.close()
    limit = [
        1 / (1 / decoding + 1 / network)
        for decoding, network in zip(values["decode and crop"], values["network"], strict=True)
    ]
    title = f"Predict: {model.card.name}, {len(paths)} images, {threads} threads"
    ours = f"predictor, batch {args.batch[0]}"
    values = {"limit: decode, crop and network": limit} | values
    return Table(title, "images/s", values, ours, parts=parts)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", type=Path, help="Python of the environment of `make bench`")
    parser.add_argument("--batch", type=int, nargs="+", default=[BATCH_SIZE])
    print(measure(parser.parse_args()).text())


if __name__ == "__main__":
    main()
