"""Is the shipped model faster with 8-bit convolutions, and are its answers the same?

Quantizes the convolutions of the early ImageNet layers, which take most of its time, with the
static quantization of ONNX Runtime: 8-bit activations, calibrated on some of the cells, and 7-bit
weights for each channel, which processors without VNNI compute without overflow. The other cells
are predicted by the file as it is and by the quantized one in turn, on one thread, one at a time.

    python benchmarks/int8.py FOLDER [--images 128] [--rounds 5]
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from timing import Table, alternate

from leukoscope.data.imaging.image import Crop, read_cell
from leukoscope.inference.model_file.model_file import default_model, load
from leukoscope.inference.sources import expand

CALIBRATED_ON = 32


class Cells(CalibrationDataReader):  # type: ignore[misc, unused-ignore]
    """Cells as inputs of the network, one at a time."""

    def __init__(self, cells: np.ndarray) -> None:
        self._cells = iter(cells)

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next input, or None."""
        cell = next(self._cells, None)
        return None if cell is None else {"cells": cell[None]}


def early_nodes(model: onnx.ModelProto) -> Iterator[str]:
    """Names of the convolutions of the early layers, and of the sums and limits after them."""
    outputs: set[str] = set()
    for node in model.graph.node:
        early = node.op_type == "Conv" and any(".early." in name for name in node.input)
        if early or (node.op_type in ("Clip", "Add") and outputs.intersection(node.input)):
            outputs.update(node.output)
            yield node.name


def quantize(source: Path, target: Path, cells: np.ndarray) -> None:
    """Write the model with 8-bit convolutions."""
    quantize_static(
        source,
        target,
        Cells(cells),
        nodes_to_quantize=list(early_nodes(onnx.load(source))),
        per_channel=True,
        reduce_range=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )


def open_file(path: Path) -> ort.InferenceSession:
    """The network on one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def logits(network: ort.InferenceSession, cells: np.ndarray) -> np.ndarray:
    """Logits (N,), one cell at a time."""
    return np.concatenate([network.run(["logit"], {"cells": cell[None]})[0] for cell in cells])


def milliseconds(network: ort.InferenceSession, cells: np.ndarray) -> float:
    """Milliseconds of processor time per cell."""
    start = time.process_time()
    logits(network, cells)
    return (time.process_time() - start) / len(cells) * 1e3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    card = load(default_model()).card
    crop = Crop(card.input.crop, card.input.size)
    paths = [source.path for source in expand([args.folder]) if not source.problem]
    paths = paths[:: max(1, len(paths) // args.images)][: args.images]
    cells = np.stack([read_cell(path, crop) for path in paths])
    with tempfile.TemporaryDirectory() as folder:
        quantize(default_model(), Path(folder) / "int8.onnx", cells[::4][:CALIBRATED_ON])
        networks = {"float32": open_file(default_model())}
        networks["int8"] = open_file(Path(folder) / "int8.onnx")
    others = np.delete(cells, np.s_[: 4 * CALIBRATED_ON : 4], axis=0)
    exact, rounded = (logits(network, others) for network in networks.values())
    jobs = {name: lambda n=network: milliseconds(n, others) for name, network in networks.items()}
    title = f"{card.name}, {len(others)} cells, one thread"
    values = alternate(jobs, args.rounds)
    print(Table(title, "ms per cell", values, "float32", more_is_better=False).text())
    apart = np.abs(exact - rounded)
    print(f"\nLogits differ by {apart.mean():.3f} on average, {apart.max():.3f} at most.")


if __name__ == "__main__":
    main()
