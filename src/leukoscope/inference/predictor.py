"""A stream of images in, a stream of predictions out: order kept, memory bounded.

Each worker thread takes a chunk of sources, decodes it and runs the network on it with one thread
of ONNX Runtime. Pillow and ONNX Runtime both let go of Python's lock while they work, so every core
is busy with whole images from start to end; nothing waits for a slower stage, and no two threads
share one matrix product.
"""

import math
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from leukoscope.core.errors import ImageError, ModelFileError
from leukoscope.core.verdicts import Verdict
from leukoscope.data.imaging.image import decode, fixed_scale_crop
from leukoscope.inference.model_file.model_file import ModelFile, Outputs, default_model, load
from leukoscope.inference.sources import Source
from leukoscope.inference.verdict import (
    EMPTY,
    UNLIKE,
    Evidence,
    decide,
    image_flags,
    is_out_of_distribution,
)

# More images at once save nothing on one core and cost memory and cache: see benchmarks/predict.py.
BATCH_SIZE = 8

Image = Source | Path | str | bytes | np.ndarray


@dataclass(frozen=True)
class Prediction:
    """What is said about one image.

    `p_all` is the calibrated probability of ALL; it and `logit` are None where there is no answer,
    and then `reason` says why. `name` is the path, or "" for an image that came as bytes or array.
    `heatmap` is float32 (h, w), `embedding` float32 (d,), where asked for; `distance` is that from
    the training cells, where the card has a limit for it.
    """

    name: str
    verdict: Verdict
    p_all: float | None = None
    logit: float | None = None
    flags: tuple[str, ...] = ()
    reason: str = ""
    heatmap: np.ndarray | None = None
    embedding: np.ndarray | None = None
    distance: float | None = None


@dataclass(frozen=True)
class _Read:
    """One source after decoding: a cell, or the reason there is none."""

    name: str
    cell: np.ndarray | None = None
    flags: tuple[str, ...] = ()
    error: str = ""


class Predictor:
    """Applies one model file to any number of images.

    Example:
        >>> predictor = Predictor("model.onnx")                            # doctest: +SKIP
        >>> for prediction in predictor.predict(Path("cells").glob("*.bmp")):
        ...     print(prediction.name, prediction.verdict, prediction.p_all)
    """

    def __init__(
        self,
        model: Path | str | ModelFile | None = None,
        *,
        threads: int | None = None,
        batch_size: int = BATCH_SIZE,
    ) -> None:
        """Open the model.

        Args:
            model: a model file, or None for the one that ships with the package.
            threads: worker threads, by default one for each core this process may use.
            batch_size: images a worker decodes and runs at once.

        Raises:
            ModelFileError: if the model can't be opened.
            ValueError: if `threads` or `batch_size` is below 1.
        """
        if batch_size < 1 or (threads is not None and threads < 1):
            raise ValueError(f"threads and batch_size are at least 1, got {threads}, {batch_size}")
        self.model = model if isinstance(model, ModelFile) else load(model or default_model())
        self.threads = threads or usable_cores()
        self.batch_size = batch_size

    def predict(
        self, sources: Iterable[Image], *, heatmaps: bool = False, embeddings: bool = False
    ) -> Iterator[Prediction]:
        """Predict every source, in order.

        An image that can't be read gives a prediction with the verdict `error` and a reason; the
        rest goes on. Sources are taken as they are needed: at most (threads + 1) * batch_size are
        held at a time.

        Args:
            sources: files, their bytes, or images as uint8 (H, W, 3) RGB at the original scale.
            heatmaps: also give the heatmaps, if the model has them.
            embeddings: also give the embeddings.

        Raises:
            ModelFileError: if the network itself fails to run.
        """
        chunks = _chunks(iter(sources), self.batch_size)
        waiting: deque[Future[list[Prediction]]] = deque()
        pool = ThreadPoolExecutor(self.threads, thread_name_prefix="leukoscope-predict")
        try:
            for chunk in chunks:
                waiting.append(
                    pool.submit(self.answer, chunk, heatmaps=heatmaps, embeddings=embeddings)
                )
                if len(waiting) > self.threads:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def answer(
        self, sources: Sequence[Image], *, heatmaps: bool = False, embeddings: bool = False
    ) -> list[Prediction]:
        """Predict a few images at once, on the calling thread; may be called from several threads.

        The answer to an image does not depend on the images beside it.

        Args:
            sources: as `predict` takes them, few enough to be held decoded at once.
            heatmaps: also give the heatmaps, if the model has them.
            embeddings: also give the embeddings.

        Raises:
            ModelFileError: if the network itself fails to run.
        """
        reads = [self._read(source) for source in sources]
        cells = [read.cell for read in reads if read.cell is not None]
        out = Outputs(np.empty(0))
        if cells:
            needed = embeddings or self.model.card.out_of_distribution is not None
            out = self.model.run(np.stack(cells), heatmaps=heatmaps, embeddings=needed)
            if len(out.logit) != len(cells):
                raise ModelFileError(f"{self.model.path}: the model mixes up the images of a batch")
        rows = iter(range(len(cells)))
        answers = [
            self._judge(read, out, None if read.cell is None else next(rows)) for read in reads
        ]
        return answers if embeddings else [replace(one, embedding=None) for one in answers]

    def _read(self, source: Image) -> _Read:
        if isinstance(source, Source):
            if source.problem:
                return _Read(str(source.path), error=source.problem)
            source = source.path
        name = str(source) if isinstance(source, str | Path) else ""
        try:
            image = _decode(source)
            cell = fixed_scale_crop(image, self.model.card.input)
        except ImageError as error:
            # The row has the path already.
            return _Read(name, error=str(error).removeprefix(f"{name or 'the image'}: "))
        flags = image_flags(image, cell, self.model.card)
        # A model's number for an empty image means nothing, and somebody would average it.
        return _Read(name, None if EMPTY in flags else cell, flags)

    def _judge(self, read: _Read, out: Outputs, row: int | None) -> Prediction:
        card = self.model.card
        logit = p_all = heatmap = embedding = distance = None
        if row is not None and math.isfinite(out.logit[row]):
            logit = float(out.logit[row])
            p_all = sigmoid(logit / card.temperature)
            heatmap = None if out.heatmap is None else out.heatmap[row]
            embedding = None if out.embedding is None else out.embedding[row]
            if card.out_of_distribution is not None and embedding is not None:
                distance = card.out_of_distribution.space.distance(embedding)
        flags = (*read.flags, UNLIKE) if is_out_of_distribution(distance, card) else read.flags
        decision = decide(Evidence(p_all, flags, read.error, distance), card)
        return Prediction(
            read.name,
            decision.verdict,
            p_all,
            logit,
            flags,
            decision.reason,
            heatmap,
            embedding,
            distance,
        )


def usable_cores() -> int:
    """The cores this process may use, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def sigmoid(value: float) -> float:
    """The logistic function, without overflow at either end."""
    if value >= 0:
        return 1 / (1 + math.exp(-value))
    return math.exp(value) / (1 + math.exp(value))


def _decode(source: Image) -> np.ndarray:
    """Any source as an image, uint8 (H, W, 3)."""
    if isinstance(source, np.ndarray):
        if source.dtype != np.uint8 or source.ndim != 3 or source.shape[2] != 3 or not source.size:
            raise ImageError(
                f"expected an array of uint8 (H, W, 3), got {source.dtype} {source.shape}; "
                "give RGB from 0 to 255"
            )
        return source
    if isinstance(source, str):
        return decode(Path(source))
    if isinstance(source, Path | bytes):
        return decode(source)
    raise ImageError(f"expected a path, bytes or an array, got {type(source).__name__}")


def _chunks(sources: Iterator[Image], size: int) -> Iterator[list[Image]]:
    while chunk := list(islice(sources, size)):
        yield chunk
