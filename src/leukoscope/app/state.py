"""The services that all requests of a server share, and access to them from routes."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import Request

from leukoscope.app.http.problems import RequestError
from leukoscope.app.metrics import Metrics
from leukoscope.app.predicting.batcher import Batcher, FullError, Job, StoppedError
from leukoscope.app.predicting.image_predictor import ImagePredictor, ImageTask
from leukoscope.app.schemas import CellPrediction
from leukoscope.app.settings import Settings
from leukoscope.app.uploads.memory_budget import MemoryBudget, busy
from leukoscope.core.files import sha256_file
from leukoscope.core.version import __version__
from leukoscope.inference.model_file.model_file import ModelFile, default_model, load
from leukoscope.inference.predictor import Predictor

if TYPE_CHECKING:
    from leukoscope.app.predicting.examples import Examples
    from leukoscope.app.store import Store


@dataclass
class Services:
    """The services of one running server."""

    settings: Settings
    model: ModelFile
    model_sha256: str
    is_default: bool
    examples: "Examples"
    predictor: ImagePredictor
    batcher: Batcher[ImageTask, CellPrediction]
    memory: MemoryBudget
    metrics: Metrics
    fields: asyncio.Semaphore
    """Pictures of smears are large, so one is looked at at a time."""
    opening: "asyncio.Future[Store] | None" = None
    stopping: bool = False

    def check(self) -> None:
        """Refuse early what `submit` would refuse later.

        Raises:
            RequestError: 429 while too many images are waiting, 503 while the server is stopping.
        """
        if self.stopping:
            raise stopping()
        with self._refusals():
            self.batcher.check()

    def submit(self, tasks: Sequence[ImageTask]) -> Job[ImageTask, CellPrediction]:
        """Queue the images of one request.

        Raises:
            RequestError: As in `check`.
        """
        with self._refusals():
            return self.batcher.submit(tasks)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """Turn errors of the queue into responses."""
        try:
            yield
        except FullError:
            raise busy(self.batcher.retry_after()) from None
        except StoppedError:
            raise stopping() from None


def build_services(settings: Settings) -> Services:
    """Load the model and create the services; no thread runs yet.

    Raises:
        ModelFileError: The model cannot be used.
    """
    from leukoscope.app.predicting.examples import load_examples

    path = settings.model or default_model()
    network = Predictor(load(path), threads=settings.workers)
    model = network.model
    examples = load_examples(model)
    metrics = Metrics(__version__, model.card.name)
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
    memory = MemoryBudget(settings.limits.bytes_in_flight, batcher.retry_after)
    metrics.watch(lambda: batcher.waiting, lambda: memory.held)
    return Services(
        settings=settings,
        model=model,
        model_sha256=sha256_file(path),
        is_default=settings.model is None,
        examples=examples,
        predictor=predictor,
        batcher=batcher,
        memory=memory,
        metrics=metrics,
        fields=asyncio.Semaphore(1),
    )


def services(request: Request) -> Services:
    """The services of the server that handles a request."""
    services: Services = request.app.state.services
    return services


async def ready_store(request: Request) -> Any:
    """The store, once it is open: it opens in the background when the server starts.

    Raises:
        RequestError: 503 if the server is stopping.
        StoreError: The database cannot be opened.
    """
    server = services(request)
    if server.opening is None or server.stopping:
        raise stopping()
    return await asyncio.shield(server.opening)


def ready_model(request: Request) -> ModelFile:
    """The served model."""
    return services(request).model


def model_sha256(request: Request) -> str:
    """The sha256 of the served model file."""
    return services(request).model_sha256


def explain(request: Request, name: str, data: bytes) -> CellPrediction:
    """Predict one image with all optional parts; to be called in a worker thread."""
    return services(request).predictor.explain(name, data)


def stopping() -> RequestError:
    """The refusal of a server that is stopping."""
    return RequestError(503, "the server is stopping; try again in a moment", {"Retry-After": "5"})
