"""POST /v1/predict and /v1/explain: images in, answers out."""

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
from leukoscope.app.predicting.answers import EVERYTHING, ImageTask, Part
from leukoscope.app.predicting.batcher import Job, StoppedError
from leukoscope.app.schemas import (
    CellPrediction,
    Include,
    Predictions,
    Problem,
    StreamEnd,
    SubjectSummary,
)
from leukoscope.app.state import model_sha256, ready_store, services, stopping
from leukoscope.app.uploads.items import Item
from leukoscope.app.uploads.memory_budget import ANSWER_BYTES
from leukoscope.app.uploads.uploads import read_uploads
from leukoscope.core.errors import ImageError
from leukoscope.core.verdicts import Verdict
from leukoscope.inference.results import tally

if TYPE_CHECKING:
    from leukoscope.app.store import Store

NDJSON = "application/x-ndjson"
router = APIRouter(prefix="/v1", tags=["answers"])
Value = TypeVar("Value")


@router.post(
    "/predict",
    summary="Answers for images",
    response_class=Response,
    responses={
        200: {
            "model": Predictions,
            "description": "An answer for each image, in order; a bad image is one too",
            "content": {NDJSON: {"schema": {"type": "string"}}},
        },
        **problems(400, 404, 408, 409, 413, 415, 422, 429, 503),
    },
    openapi_extra=images_body("Images, and ZIP archives of images; any field name"),
)
async def predict(
    request: Request,
    include: Annotated[
        list[Include], Query(description="Parts of the answers that cost extra; repeatable.")
    ] = [],  # noqa: B006  FastAPI copies it
    case: Annotated[
        str | None, Query(max_length=100, description="Add the answers to this case.")
    ] = None,
) -> Response:
    """Predict each image: `p_all` and `logit` are those of `leukoscope predict`.

    Send `Accept: application/x-ndjson` for a line per answer as soon as it is there, in order, and
    a last line `{"done": true, ...}`.
    """
    services(request).check()
    kept = None if case is None else await _Kept.open(request, case)
    items = await _receive(request)
    job = _submit(request, items, frozenset(include))
    answers = _answers(job, items, kept)
    if NDJSON in request.headers.get("accept", ""):
        return StreamingResponse(_lines(answers), media_type=NDJSON)
    return _json(await while_connected(request, _collect(answers)))


@router.post(
    "/explain",
    summary="All that can be said about one image",
    response_class=Response,
    responses={
        200: {"model": CellPrediction, "description": "The answer, with every part included"},
        **problems(400, 408, 413, 415, 422, 429, 503),
    },
    openapi_extra=images_body("One image", most=1),
)
async def explain(request: Request) -> Response:
    """Predict one image, with heatmap, picture, measurements and the nearest example cells.

    Where the model has no exact map, an occlusion map is made, which takes as long as some sixty
    answers.
    """
    services(request).check()
    items = await _receive(request)
    if len(items) != 1:
        raise RequestError(400, f"send one image, not {len(items)}; /v1/predict takes many")
    job = _submit(request, items, EVERYTHING)
    (answer,) = await while_connected(request, _collect(_answers(job, items, None)))
    return _json(answer)


async def while_connected(request: Request, work: Coroutine[Any, Any, Value]) -> Value:
    """The result of `work`, which is cancelled when the client leaves.

    Raises:
        ClientDisconnect: it left.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(request.receive())  # the body is read: only the end can come
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()


@dataclass(frozen=True)
class _Kept:
    """The case that answers are added to."""

    store: "Store"
    case: str
    sha256: str

    @staticmethod
    async def open(request: Request, case: str) -> "_Kept":
        store, sha256 = await ready_store(request), model_sha256(request)
        await asyncio.to_thread(store.accept, case, sha256)
        return _Kept(store, case, sha256)

    def add(self, items: Sequence[Item], answers: Sequence[CellPrediction]) -> None:
        """Keep answers, and write the ids of their cells into them."""
        cells = [
            (answer, _bytes(item, answer)) for item, answer in zip(items, answers, strict=True)
        ]
        ids = self.store.add(self.case, cells, model_sha256=self.sha256)
        for answer, number in zip(answers, ids, strict=True):
            answer.cell_id = number


def _bytes(item: Item, answer: CellPrediction) -> bytes | None:
    # A member of an archive is unpacked again, which is cheaper than holding all of them.
    try:
        return None if answer.verdict == Verdict.ERROR else item.load()
    except ImageError:
        return None


async def _receive(request: Request) -> list[Item]:
    mine, log = services(request), trace(request)
    hold = mine.ledger.hold()
    log.cleanup.callback(hold.close)
    items = await read_uploads(request, mine.settings.limits, hold)
    hold.grow(ANSWER_BYTES * len(items))
    log.images = len(items)
    if mine.settings.log_names:
        log.names = [item.name for item in items]
    return items


def _submit(
    request: Request, items: Sequence[Item], include: frozenset[Part]
) -> Job[ImageTask, CellPrediction]:
    job = services(request).submit([ImageTask(item, include) for item in items])
    trace(request).cleanup.callback(job.cancel)
    return job


async def _answers(
    job: Job[ImageTask, CellPrediction], items: Sequence[Item], kept: _Kept | None
) -> AsyncIterator[list[CellPrediction]]:
    """Answers in order, as they are ready and kept."""
    given = 0
    try:
        async for ready in job.results():
            if kept is not None:
                await asyncio.to_thread(kept.add, items[given : given + len(ready)], ready)
            given += len(ready)
            yield ready
    except StoppedError:
        raise stopping() from None


async def _collect(answers: AsyncIterator[list[CellPrediction]]) -> list[CellPrediction]:
    return [answer async for ready in answers for answer in ready]


async def _lines(answers: AsyncIterator[list[CellPrediction]]) -> AsyncIterator[bytes]:
    count = failed = 0
    try:
        async for ready in answers:
            count += len(ready)
            failed += sum(answer.verdict == Verdict.ERROR for answer in ready)
            yield b"".join(_dump(answer) + b"\n" for answer in ready)
        yield _dump(StreamEnd(answers=count, failed=failed)) + b"\n"
    except Exception as error:  # the status is sent already: the last line says it instead
        yield _dump(Problem(error=describe(error))) + b"\n"


def _dump(model: CellPrediction | StreamEnd | Problem | Predictions) -> bytes:
    return model.__pydantic_serializer__.to_json(model)


def _json(content: CellPrediction | Sequence[CellPrediction]) -> Response:
    model = content if isinstance(content, CellPrediction) else _predictions(content)
    return Response(_dump(model), media_type="application/json")


def _predictions(answers: Sequence[CellPrediction]) -> Predictions:
    outcome = tally((answer.subject, answer.verdict, 1) for answer in answers)
    subjects = [SubjectSummary.of(summary) for summary in outcome.subjects]
    return Predictions.model_construct(
        answers=list(answers), failed=outcome.failed, subjects=subjects
    )
