"""POST /v1/predict and /v1/explain: predict uploaded images."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse

from leukoscope.app.http.access import trace
from leukoscope.app.http.openapi import images_body, problems
from leukoscope.app.http.problems import RequestError, describe
from leukoscope.app.predicting.batcher import Job, StoppedError
from leukoscope.app.predicting.engine import Engine
from leukoscope.app.predicting.image_predictor import EVERYTHING, ImageTask, Part
from leukoscope.app.schemas import (
    CellPrediction,
    Include,
    Predictions,
    Problem,
    StreamEnd,
    SubjectSummary,
)
from leukoscope.app.state import ready_store, services, stopping
from leukoscope.app.uploads.memory_budget import PREDICTION_BYTES
from leukoscope.app.uploads.uploaded_file import UploadedImage
from leukoscope.app.uploads.uploads import read_uploads
from leukoscope.core.errors import ImageError
from leukoscope.core.verdicts import Verdict
from leukoscope.inference.subject.model import SubjectModel
from leukoscope.inference.summary import summarize

if TYPE_CHECKING:
    from leukoscope.app.store import Store

NDJSON = "application/x-ndjson"
SUMMARIZED = ("subject", "verdict", "logit", "flags", "pixels")
"""Fields of a prediction from which the summary of a stream follows."""
router = APIRouter(prefix="/v1", tags=["answers"])
Value = TypeVar("Value")
Model = Annotated[
    str,
    Query(max_length=64, description="sha256 of a served model; by default that of the case."),
]


@router.post(
    "/predict",
    summary="Predict images",
    response_class=Response,
    responses={
        200: {
            "model": Predictions,
            "description": "A prediction for each image, in order; error for an invalid one",
            "content": {NDJSON: {"schema": {"type": "string"}}},
        },
        **problems(400, 404, 408, 409, 413, 415, 422, 429, 503),
    },
    openapi_extra=images_body("Images, and ZIP archives of images; any field name"),
)
async def predict(
    request: Request,
    include: Annotated[
        list[Include],
        Query(description="Optional parts of a prediction, which take extra time; repeatable."),
    ] = [],  # noqa: B006  FastAPI copies it
    case: Annotated[
        str | None, Query(max_length=100, description="Id of a case to add the predictions to.")
    ] = None,
    model: Model = "",
) -> Response:
    """Predict each image: `p_all` and `logit` are those of `leukoscope predict`.

    Send `Accept: application/x-ndjson` for one line per prediction as soon as it is ready, in
    order, and a last line `{"done": true, ...}` with the answers for the subjects.
    """
    services(request).check()
    recorder = None if case is None else await _CaseRecorder.open(request, case)
    items = await _receive(request)
    # A case has one model.
    engine = await _engine(request, model if recorder is None else recorder.sha256)
    job = _submit(request, items, frozenset(include), engine)
    predictions = _predict(job, items, recorder)
    subjects = engine.model.card.subjects
    if NDJSON in request.headers.get("accept", ""):
        return StreamingResponse(_lines(predictions, subjects), media_type=NDJSON)
    collected = await while_connected(request, _collect(predictions))
    return _json(_with_summary(collected, subjects))


@router.post(
    "/explain",
    summary="Predict and explain one image",
    response_class=Response,
    responses={
        200: {"model": CellPrediction, "description": "The prediction with all optional parts"},
        **problems(400, 408, 409, 413, 415, 422, 429, 503),
    },
    openapi_extra=images_body("One image", limit=1),
)
async def explain(request: Request, model: Model = "") -> Response:
    """Predict one image, with heatmap, picture, measurements and the nearest example cells.

    If the model has no exact heatmap, an occlusion map is computed, which takes as long as about
    sixty predictions.
    """
    services(request).check()
    items = await _receive(request)
    if len(items) != 1:
        raise RequestError(400, f"send one image, not {len(items)}; /v1/predict takes many")
    job = _submit(request, items, EVERYTHING, await _engine(request, model))
    (prediction,) = await while_connected(request, _collect(_predict(job, items, None)))
    return _json(prediction)


async def while_connected(request: Request, work: Coroutine[Any, Any, Value]) -> Value:
    """Await `work`, and cancel it if the client disconnects.

    Raises:
        ClientDisconnect: The client disconnected.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(request.receive())  # the body is read: only the end can follow
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()


@dataclass(frozen=True)
class _CaseRecorder:
    """Adds predictions to a case."""

    store: "Store"
    case: str
    sha256: str

    @staticmethod
    async def open(request: Request, case: str) -> "_CaseRecorder":
        store, served = await ready_store(request), list(services(request).cards)
        sha256 = await asyncio.to_thread(store.accept, case, served)
        return _CaseRecorder(store, case, sha256)

    def add(self, items: Sequence[UploadedImage], predictions: Sequence[CellPrediction]) -> None:
        """Store predictions, and set their cell ids."""
        cells = [
            (prediction, _bytes(item, prediction))
            for item, prediction in zip(items, predictions, strict=True)
        ]
        ids = self.store.add(self.case, cells, model_sha256=self.sha256)
        for prediction, cell_id in zip(predictions, ids, strict=True):
            prediction.cell_id = cell_id


def _bytes(item: UploadedImage, prediction: CellPrediction) -> bytes | None:
    # A member of an archive is unpacked again, which is cheaper than keeping all of them.
    try:
        return None if prediction.verdict == Verdict.ERROR else item.load()
    except ImageError:
        return None


async def _receive(request: Request) -> list[UploadedImage]:
    server, log = services(request), trace(request)
    reservation = server.memory.reserve()
    log.cleanup.callback(reservation.close)
    items = await read_uploads(request, server.settings.limits, reservation)
    reservation.grow(PREDICTION_BYTES * len(items))
    log.images = len(items)
    if server.settings.log_names:
        log.names = [item.name for item in items]
    return items


def _submit(
    request: Request, items: Sequence[UploadedImage], include: frozenset[Part], engine: Engine
) -> Job[ImageTask, CellPrediction]:
    job = services(request).submit([ImageTask(item, include) for item in items], engine)
    trace(request).cleanup.callback(job.cancel)
    return job


async def _engine(request: Request, sha256: str) -> Engine:
    """The engine of a model, by default the first.

    Raises:
        RequestError: 409 if the server has no such model.
    """
    return await asyncio.to_thread(services(request).engine, sha256)


async def _predict(
    job: Job[ImageTask, CellPrediction],
    items: Sequence[UploadedImage],
    recorder: _CaseRecorder | None,
) -> AsyncIterator[list[CellPrediction]]:
    """Yield predictions in order, as soon as they are ready and stored."""
    count = 0
    try:
        async for ready in job.results():
            if recorder is not None:
                await asyncio.to_thread(recorder.add, items[count : count + len(ready)], ready)
            count += len(ready)
            yield ready
    except StoppedError:
        raise stopping() from None


async def _collect(predictions: AsyncIterator[list[CellPrediction]]) -> list[CellPrediction]:
    return [prediction async for ready in predictions for prediction in ready]


async def _lines(
    predictions: AsyncIterator[list[CellPrediction]], model: SubjectModel | None
) -> AsyncIterator[bytes]:
    rows: list[dict[str, Any]] = []  # without heatmaps and pictures, which are large
    try:
        async for ready in predictions:
            rows += [{name: getattr(row, name) for name in SUMMARIZED} for row in ready]
            yield b"".join(_dump(prediction) + b"\n" for prediction in ready)
        outcome = await asyncio.to_thread(summarize, rows, model)
        subjects = [SubjectSummary.of(summary) for summary in outcome.subjects]
        end = StreamEnd(
            answers=len(rows),
            failed=outcome.failed,
            seen_in_training=outcome.seen_in_training,
            subjects=subjects,
        )
        yield _dump(end) + b"\n"
    except Exception as error:  # the status is already sent, so the last line reports the error
        yield _dump(Problem(error=describe(error))) + b"\n"


def _dump(model: CellPrediction | StreamEnd | Problem | Predictions) -> bytes:
    return model.__pydantic_serializer__.to_json(model)


def _json(content: CellPrediction | Predictions) -> Response:
    return Response(_dump(content), media_type="application/json")


def _with_summary(predictions: Sequence[CellPrediction], model: SubjectModel | None) -> Predictions:
    outcome = summarize((vars(row) for row in predictions), model)
    subjects = [SubjectSummary.of(summary) for summary in outcome.subjects]
    return Predictions.model_construct(
        answers=list(predictions),
        failed=outcome.failed,
        seen_in_training=outcome.seen_in_training,
        subjects=subjects,
    )
