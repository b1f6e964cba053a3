"""One model file of a server, with what predicts with it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leukoscope.app.metrics import Metrics
from leukoscope.app.predicting.batcher import Batcher
from leukoscope.app.predicting.image_predictor import ImagePredictor, ImageTask
from leukoscope.app.schemas import CellPrediction
from leukoscope.app.settings import Settings
from leukoscope.inference.model_file.model_file import ModelFile, load
from leukoscope.inference.predictor import Predictor

if TYPE_CHECKING:
    from leukoscope.app.predicting.examples import Examples


@dataclass(frozen=True)
class Engine:
    """A loaded model; its batcher is not started yet."""

    model: ModelFile
    examples: "Examples"
    predictor: ImagePredictor
    batcher: Batcher[ImageTask, CellPrediction]


def make_engine(path: Path, settings: Settings, metrics: Metrics) -> Engine:
    """Load a model file.

    Raises:
        ModelFileError: The model cannot be used.
    """
    from leukoscope.app.predicting.examples import load_examples

    network = Predictor(load(path, whole=True), threads=settings.workers)
    examples = load_examples(network.model)
    predictor = ImagePredictor(network, examples, settings.limits)

    def work(tasks: Sequence[ImageTask]) -> list[CellPrediction]:
        started = time.perf_counter()
        predictions = predictor(tasks)
        metrics.batch(time.perf_counter() - started, [row.verdict for row in predictions])
        return predictions

    batcher = Batcher(
        work,
        workers=network.threads,
        batch_size=network.batch_size,
        capacity=settings.limits.waiting_images,
    )
    return Engine(network.model, examples, predictor, batcher)
