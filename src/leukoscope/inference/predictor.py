"""Prediction of any number of images: in order, with bounded memory.

Each worker thread takes a batch of images, decodes it and runs the network on it with one thread of
ONNX Runtime. Pillow and ONNX Runtime both release Python's lock while they work, so every core
processes whole images from start to end, and no two threads share one matrix product.

Before the network, an image needs some hundred short calls of Pillow and NumPy. Threads that make
them at the same time hand Python's lock to each other at every call, and images of cells then take
a tenth longer (`benchmarks/predict.py`). So half of the threads read at a time, unless the others
would wait for long: large images and slow disks are read by all.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from threading import BoundedSemaphore
from typing import TypeVar

import numpy as np

from leukoscope.core.cores import usable_cores
from leukoscope.core.errors import ModelFileError
from leukoscope.core.progress import track
from leukoscope.core.statistics import sigmoid
from leukoscope.inference.evidence import gather
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.model_file import ModelFile, ModelOutput, default_model, load
from leukoscope.inference.occlusion import occlusion_map
from leukoscope.inference.predictions import Predictions
from leukoscope.inference.reading import ReadImage, read_image
from leukoscope.inference.results import Prediction
from leukoscope.inference.scales import expected_scale
from leukoscope.inference.sources import Image, Images, list_images, several_images
from leukoscope.inference.verdict import decide

# More images at once cost memory and are not faster: see benchmarks/predict.py --batch 2 8 32.
BATCH_SIZE = 8
LONGEST_WAIT = 0.05
"""Seconds after which a thread reads though it is not its turn."""

T = TypeVar("T")


class Predictor:
    """A model file, ready to predict.

    Its methods may be called from several threads.

    Attributes:
        model: The opened model file.
        seen_images: The images that the model was trained or calibrated on.
        threads: Worker threads.
        batch_size: Images that a worker decodes and runs at once.

    Example:
        >>> model = Predictor("model.onnx")             # doctest: +SKIP
        >>> model.predict("cells/").to_pandas()         # doctest: +SKIP
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
            model: A model file; by default the one that ships with the package.
            threads: Worker threads; by default one for each core that this process may use.
            batch_size: Images that a worker decodes and runs at once.

        Raises:
            ModelFileError: The model cannot be opened.
            ValueError: `threads` or `batch_size` is below 1.
        """
        if batch_size < 1 or (threads is not None and threads < 1):
            raise ValueError(f"threads and batch_size are at least 1, got {threads}, {batch_size}")
        self.model = model if isinstance(model, ModelFile) else load(model or default_model())
        self.seen_images = self.model.card.seen_images()
        self.threads = threads or usable_cores()
        self.batch_size = batch_size
        self._turns = BoundedSemaphore(max(1, self.threads // 2))

    @property
    def card(self) -> Card:
        """The model's card: its training data, thresholds and results."""
        return self.model.card

    def __repr__(self) -> str:
        return f"<Predictor {self.card.name!r} from {self.model.path}>"

    def predict(
        self, images: Images, *, heatmaps: bool = False, embeddings: bool = False
    ) -> Predictions:
        """Predict images and hold all results.

        An image that cannot be read gives a prediction with the verdict "error" and a reason; the
        others are predicted.

        Args:
            images: One image or several: files, folders, patterns, bytes, uint8 arrays (H, W, 3) in
                RGB at the original scale; or a cohort or DataFrame with a column `path`. A path
                named twice is predicted once, or once for each subject that tables name for it.
            heatmaps: Add the exact heatmaps, if the model has them; `explain` makes one for any
                model.
            embeddings: Add the embeddings.

        Raises:
            ModelFileError: The network fails to run.
        """
        listed = list_images(images)
        stream = self.stream(listed, heatmaps=heatmaps, embeddings=embeddings)
        return self._held(track(stream, "Predicting", total=len(listed)))

    def explain(self, images: Images) -> Predictions:
        """Predict images, each with a heatmap of the evidence for and against ALL.

        The `heatmap_kind` is "exact" where the map's mean and a constant are the logit, else
        "occlusion": an approximate map, which takes as long as some 60 predictions.

        Args:
            images: As for `predict`.

        Raises:
            ModelFileError: The network fails to run.
        """
        listed = list_images(images)
        stream = (prediction for prediction, _ in self.stream_explained(listed))
        return self._held(track(stream, "Explaining", total=len(listed)))

    def _held(self, predictions: Iterable[Prediction]) -> Predictions:
        card = self.card
        return Predictions(predictions, card.name, card.subjects, expected_scale(card))

    def stream(
        self, images: Iterable[Image], *, heatmaps: bool = False, embeddings: bool = False
    ) -> Iterator[Prediction]:
        """Predict images one after another, for any number of them.

        Images are taken as they are needed: at most (threads + 1) * batch_size are held at a time.

        Args:
            images: Files, bytes or arrays; folders are not looked into, and nothing is left out.
            heatmaps: As for `predict`.
            embeddings: As for `predict`.

        Yields:
            The predictions, in order.

        Raises:
            ModelFileError: The network fails to run.
        """

        def predict(batch: Sequence[Image]) -> list[Prediction]:
            return self.predict_batch(batch, heatmaps=heatmaps, embeddings=embeddings)

        return self._in_order(predict, images)

    def stream_explained(
        self, images: Iterable[Image]
    ) -> Iterator[tuple[Prediction, np.ndarray | None]]:
        """Explain images one after another, for any number of them.

        Yields:
            The predictions with their heatmaps, in order, each with the crop below the heatmap,
            uint8 (S, S, 3); None where there is no cell.
        """
        return self._in_order(self._explain_batch, images)

    def _in_order(
        self, function: Callable[[Sequence[Image]], list[T]], images: Iterable[Image]
    ) -> Iterator[T]:
        """Apply a function to batches of images on the worker threads."""
        waiting: deque[Future[list[T]]] = deque()
        pool = ThreadPoolExecutor(self.threads, thread_name_prefix="leukoscope-predict")
        try:
            for batch in _batches(iter(several_images(images)), self.batch_size):
                waiting.append(pool.submit(function, batch))
                if len(waiting) > self.threads:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def predict_batch(
        self, images: Sequence[Image], *, heatmaps: bool = False, embeddings: bool = False
    ) -> list[Prediction]:
        """Predict a few images on the calling thread.

        The prediction for an image does not depend on the images beside it.

        Args:
            images: As for `stream`, few enough to be held decoded at once.
            heatmaps: As for `predict`.
            embeddings: As for `predict`.

        Raises:
            ModelFileError: The network fails to run.
        """
        reads = self._read(several_images(images))
        return self._predict_reads(reads, heatmaps=heatmaps, embeddings=embeddings)

    def _read(self, images: Iterable[Image]) -> list[ReadImage]:
        has_turn = self._turns.acquire(timeout=LONGEST_WAIT)
        try:
            return [read_image(image, self.card, self.seen_images) for image in images]
        finally:
            if has_turn:
                self._turns.release()

    def _explain_batch(self, images: Sequence[Image]) -> list[tuple[Prediction, np.ndarray | None]]:
        reads = self._read(images)
        predictions = self._predict_reads(reads, heatmaps=True, embeddings=False)
        return [
            (self._with_heatmap(prediction, read.cell), read.cell)
            for prediction, read in zip(predictions, reads, strict=True)
        ]

    def _with_heatmap(self, prediction: Prediction, cell: np.ndarray | None) -> Prediction:
        """Add an occlusion map where the model has no exact one."""
        if prediction.heatmap is not None or prediction.logit is None or cell is None:
            return prediction
        heatmap = occlusion_map(self.model, cell)
        return replace(prediction, heatmap=heatmap, heatmap_kind="occlusion")

    def _predict_reads(
        self, reads: Sequence[ReadImage], *, heatmaps: bool, embeddings: bool
    ) -> list[Prediction]:
        cells = [read.cell for read in reads if read.cell is not None]
        out = ModelOutput(np.empty(0))
        if cells:
            needed = embeddings or self.model.card.out_of_distribution is not None
            out = self.model.run(cells, heatmaps=heatmaps, embeddings=needed)
            if len(out.logit) != len(cells):
                raise ModelFileError(
                    f"{self.model.path}: the model gives {len(out.logit)} logits for {len(cells)} "
                    "images; export the model again"
                )
        rows = iter(range(len(cells)))
        predictions = [
            self._judge(read, out, None if read.cell is None else next(rows)) for read in reads
        ]
        if embeddings:
            return predictions
        return [replace(prediction, embedding=None) for prediction in predictions]

    def _judge(self, read: ReadImage, out: ModelOutput, row: int | None) -> Prediction:
        card = self.model.card
        logit = p_all = heatmap = embedding = distance = None
        if row is not None and math.isfinite(out.logit[row]):
            logit = float(out.logit[row])
            p_all = float(sigmoid(logit / card.temperature))
            heatmap = None if out.heatmap is None else out.heatmap[row]
            embedding = None if out.embedding is None else out.embedding[row]
            if card.out_of_distribution is not None and embedding is not None:
                distance = card.out_of_distribution.space.distance(embedding)
        evidence = gather(
            card,
            p_all=p_all,
            quality=read.quality,
            distance=distance,
            error=read.error,
            seen=read.seen,
            beyond=read.beyond,
        )
        decision = decide(evidence, card)
        return Prediction(
            read.name,
            decision.verdict,
            p_all,
            logit,
            tuple(map(str, evidence.flags)),
            decision.reason,
            heatmap,
            embedding,
            distance,
            None if heatmap is None else "exact",
            read.subject,
            read.um_per_px,
            read.pixels,
        )


def _batches(images: Iterator[Image], size: int) -> Iterator[list[Image]]:
    while batch := list(islice(images, size)):
        yield batch
