"""The services that all requests of a server share, and access to them from routes."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import Request

from leukoscope.app.http.problems import RequestError
from leukoscope.app.metrics import Metrics
from leukoscope.app.predicting.batcher import Batcher, FullError, Job, StoppedError
from leukoscope.app.predicting.engine import Engine, make_engine
from leukoscope.app.predicting.image_predictor import ImagePredictor, ImageTask
from leukoscope.app.predicting.shelf import Shelf, read_folder
from leukoscope.app.schemas import CellPrediction
from leukoscope.app.settings import Settings
from leukoscope.app.uploads.memory_budget import MemoryBudget, busy
from leukoscope.core.files import sha256_file
from leukoscope.core.version import __version__
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.model_file import ModelFile, default_model, read_card

if TYPE_CHECKING:
    from leukoscope.app.predicting.examples import Examples
    from leukoscope.app.store import Store


NOT_SERVED = "the server does not run this model; GET /v1/models lists those it does"


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
    shelf: Shelf
    """The other models that the server was started with."""
    memory: MemoryBudget
    metrics: Metrics
    fields: asyncio.Semaphore
    """Pictures of smears are large, so one is looked at at a time."""
    opening: "asyncio.Future[Store] | None" = None
    stopping: bool = False

    @property
    def cards(self) -> dict[str, Card]:
        """The cards of all models by the sha256 of their files, the first one first."""
        others = {sha256: one.card for sha256, one in self.shelf.models.items()}
        return {self.model_sha256: self.model.card, **others}

    def engine(self, sha256: str = "") -> Engine:
        """The engine of a model, by default the first; blocks while it is loaded.

        Raises:
            RequestError: 409 if the server has no such model.
        """
        if sha256 in ("", self.model_sha256):
            return Engine(self.model, self.examples, self.predictor, self.batcher)
        if sha256 not in self.shelf.models:
            raise RequestError(409, NOT_SERVED)
        return self.shelf.engine(sha256)

    def check(self) -> None:
        """Refuse early what `submit` would refuse later.

        Raises:
            RequestError: 429 while too many images are waiting, 503 while the server is stopping.
        """
        if self.stopping:
            raise stopping()
        with self._refusals():
            self.batcher.check()

    def submit(
        self, tasks: Sequence[ImageTask], engine: Engine | None = None
    ) -> Job[ImageTask, CellPrediction]:
        """Queue the images of one request, for the first model or another one.

        Raises:
            RequestError: As in `check`.
        """
        with self._refusals():
            return (engine or self).batcher.submit(tasks)

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
    path = settings.model or default_model()
    card = read_card(path)  # first, for the reasons why a file is no model
    sha256 = sha256_file(path)
    shelved = read_folder(settings.models, but=sha256)
    metrics = Metrics(__version__, card.name)
    engine = make_engine(path, settings, metrics)
    batcher = engine.batcher
    memory = MemoryBudget(settings.limits.bytes_in_flight, batcher.retry_after)
    metrics.watch(lambda: batcher.waiting, lambda: memory.held)
    return Services(
        settings=settings,
        model=engine.model,
        model_sha256=sha256,
        is_default=settings.model is None,
        examples=engine.examples,
        predictor=engine.predictor,
        batcher=batcher,
        shelf=Shelf(shelved, lambda one: make_engine(one, settings, metrics)),
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


def model_sha256(request: Request) -> str:
    """The sha256 of the first model file."""
    return services(request).model_sha256


def explain(request: Request, model_sha256: str, name: str, data: bytes) -> CellPrediction:
    """Predict one image with all optional parts; to be called in a worker thread."""
    return services(request).engine(model_sha256).predictor.explain(name, data)


def stopping() -> RequestError:
    """The refusal of a server that is stopping."""
    return RequestError(503, "the server is stopping; try again in a moment", {"Retry-After": "5"})
