"""What all requests of a server share, and how a route gets at it."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import Request

from leukoscope.app.http.problems import RequestError
from leukoscope.app.metrics import Metrics
from leukoscope.app.predicting.answers import ImagePredictor, ImageTask
from leukoscope.app.predicting.batcher import Batcher, FullError, Job, StoppedError
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
    """The parts of one running server."""

    settings: Settings
    model: ModelFile
    model_sha256: str
    is_default: bool
    examples: "Examples"
    answerer: ImagePredictor
    batcher: Batcher[ImageTask, CellPrediction]
    ledger: MemoryBudget
    metrics: Metrics
    opening: "asyncio.Future[Store] | None" = None
    stopping: bool = False

    def check(self) -> None:
        """Refuse early what `submit` would refuse later.

        Raises:
            RequestError: 429 while too many images wait, 503 while the server stops.
        """
        if self.stopping:
            raise stopping()
        with self._refusals():
            self.batcher.check()

    def submit(self, tasks: Sequence[ImageTask]) -> Job[ImageTask, CellPrediction]:
        """Queue the images of one request.

        Raises:
            RequestError: see `check`.
        """
        with self._refusals():
            return self.batcher.submit(tasks)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """What the queue says, as answers."""
        try:
            yield
        except FullError:
            raise busy(self.batcher.retry_after()) from None
        except StoppedError:
            raise stopping() from None


def build(settings: Settings) -> Services:
    """Load the model and put the parts together; nothing runs yet.

    Raises:
        ModelFileError: the model can't be used.
    """
    from leukoscope.app.predicting.examples import load_examples

    path = settings.model or default_model()
    predictor = Predictor(load(path), threads=settings.workers)
    model = predictor.model
    examples = load_examples(model)
    metrics = Metrics(__version__, model.card.name)
    answerer = ImagePredictor(predictor, examples, settings.limits)

    def work(tasks: Sequence[ImageTask]) -> list[CellPrediction]:
        started = time.perf_counter()
        answers = answerer(tasks)
        metrics.batch(time.perf_counter() - started, [answer.verdict for answer in answers])
        return answers

    batcher = Batcher(
        work,
        workers=predictor.threads,
        batch_size=predictor.batch_size,
        capacity=settings.limits.waiting_images,
    )
    ledger = MemoryBudget(settings.limits.bytes_in_flight, batcher.retry_after)
    metrics.watch(lambda: batcher.waiting, lambda: ledger.held)
    return Services(
        settings=settings,
        model=model,
        model_sha256=sha256_file(path),
        is_default=settings.model is None,
        examples=examples,
        answerer=answerer,
        batcher=batcher,
        ledger=ledger,
        metrics=metrics,
    )


def services(request: Request) -> Services:
    """The parts of the server that has this request."""
    found: Services = request.app.state.services
    return found


async def ready_store(request: Request) -> Any:
    """The store, once it is open: it opens in the background when the server starts.

    Raises:
        RequestError: 503 if it can't be opened, or the server stops.
    """
    mine = services(request)
    if mine.opening is None or mine.stopping:
        raise stopping()
    return await asyncio.shield(mine.opening)


def ready_model(request: Request) -> ModelFile:
    """The model that answers."""
    return services(request).model


def model_sha256(request: Request) -> str:
    """The sha256 of the model file that answers."""
    return services(request).model_sha256


def explain(request: Request, name: str, data: bytes) -> CellPrediction:
    """The answer to one image with everything included; to be called in a worker thread."""
    return services(request).answerer.explain(name, data)


def stopping() -> RequestError:
    """The refusal of a server that is about to end."""
    return RequestError(503, "the server is stopping; try again in a moment", {"Retry-After": "5"})
