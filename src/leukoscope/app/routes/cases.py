"""Cases over HTTP. Each route hands its request to the store; the work is done there.

Routes are plain functions, which FastAPI runs in threads: the store blocks.
"""

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, TypeAdapter
from starlette.responses import Response, StreamingResponse

from leukoscope.app.export.export import Format, export
from leukoscope.app.http.names import disposition
from leukoscope.app.http.openapi import problems
from leukoscope.app.schemas import (
    Case,
    CaseChange,
    CaseHead,
    CaseIn,
    Cell,
    CellChange,
    CellPrediction,
    Review,
)
from leukoscope.app.state import explain, model_sha256, ready_model, ready_store
from leukoscope.app.uploads.sniff import media_type
from leukoscope.inference.verdict import conformal_thresholds, threshold

if TYPE_CHECKING:
    from leukoscope.app.store import Store

router = APIRouter(prefix="/v1/cases", tags=["cases"])

Kept = Annotated["Store", Depends(ready_store)]
CaseId = Annotated[str, Path(max_length=100, description="From the case's `id`.")]
CellId = Annotated[int, Path(ge=1, le=2**53, description="From the cell's `id`.")]
_HEADS = TypeAdapter(list[CaseHead])
# What can be done with a case that was started just now.
_LINKS = {
    name: {
        "operationId": f"{name}_v1_cases__case_id_{end}",
        "parameters": {"case_id": "$response.body#/id"},
    }
    for name, end in {
        "case": "_get",
        "change": "_patch",
        "delete": "_delete",
        "move": "_cells_patch",
        "undo": "_undo_post",
        "export_case": "_export_get",
    }.items()
}


@router.get("", response_model=list[CaseHead], summary="The newest cases", responses=problems(503))
def cases(store: Kept) -> Response:
    """Cases without their cells, newest first; at most the 500 newest."""
    return _json(_HEADS.dump_json(store.heads()))


@router.post(
    "",
    status_code=201,
    summary="Start a case",
    responses={201: {"description": "The case", "links": _LINKS}, **problems(400, 422, 503)},
)
def create(request: Request, store: Kept, wanted: CaseIn) -> CaseHead:
    """A case for answers of the model that is loaded now."""
    card = ready_model(request).card
    return store.create(
        wanted, card.name, model_sha256(request), threshold(card), conformal_thresholds(card)
    )


@router.get(
    "/{case_id}",
    response_model=Case | CaseHead,
    summary="One case",
    responses=problems(404, 422, 503),
)
def case(
    store: Kept,
    case_id: CaseId,
    cells: Annotated[bool, Query(description="False: without the cells.")] = True,
) -> Response:
    """A case with its cells, in the order they came."""
    return _dump(store.case(case_id) if cells else store.head(case_id))


@router.patch("/{case_id}", summary="Change a case", responses=problems(400, 404, 422, 503))
def change(store: Kept, case_id: CaseId, wanted: CaseChange) -> CaseHead:
    """Change the name, the notes or the threshold; what is left out stays as it is."""
    return store.change(case_id, wanted)


@router.delete(
    "/{case_id}", status_code=204, summary="Delete a case", responses=problems(404, 422, 503)
)
def delete(store: Kept, case_id: CaseId) -> None:
    """Delete a case with its cells, reviews and images. There is no way back."""
    store.delete(case_id)


@router.patch(
    "/{case_id}/cells", summary="Group cells by hand", responses=problems(400, 404, 422, 503)
)
def move(store: Kept, case_id: CaseId, wanted: CellChange) -> CaseHead:
    """Give cells a subject: all of them, or none where one is not in the case."""
    return store.move(case_id, wanted)


@router.delete(
    "/{case_id}/cells/{cell_id}",
    status_code=204,
    summary="Remove a cell",
    responses=problems(404, 422, 503),
)
def remove(store: Kept, case_id: CaseId, cell_id: CellId) -> None:
    """Delete one cell with its reviews and its image."""
    store.remove(case_id, cell_id)


@router.put(
    "/{case_id}/cells/{cell_id}/review",
    summary="Review a cell",
    responses=problems(400, 404, 422, 503),
)
def review(store: Kept, case_id: CaseId, cell_id: CellId, wanted: Review) -> Cell:
    """Say what a cell is. The verdict stays as it was; the latest review stands beside it."""
    return store.review(case_id, cell_id, wanted)


@router.post(
    "/{case_id}/undo", summary="Take back a review", responses=problems(404, 409, 422, 503)
)
def undo(store: Kept, case_id: CaseId) -> Cell:
    """Take back the latest review that stands in this case."""
    return store.undo(case_id)


@router.get(
    "/{case_id}/cells/{cell_id}/image",
    response_class=Response,
    summary="The image of a cell",
    responses={
        200: {"content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}},
        **problems(404, 422, 503),
    },
)
def image(store: Kept, case_id: CaseId, cell_id: CellId) -> Response:
    """The file as it was sent, where the case keeps images."""
    _, data = store.image(case_id, cell_id)
    return Response(data, media_type=media_type(data))


@router.get(
    "/{case_id}/cells/{cell_id}/explain",
    summary="All that can be said about a cell",
    responses=problems(404, 409, 422, 503),
)
def explain_cell(request: Request, store: Kept, case_id: CaseId, cell_id: CellId) -> CellPrediction:
    """The answer with heatmap, picture, measurements and neighbors, from the stored image."""
    store.accept(case_id, model_sha256(request))
    cell = store.cell(case_id, cell_id)
    answer = explain(request, *store.image(case_id, cell_id))
    # The case may have its own threshold, and people may have grouped its cells.
    kept = {
        name: getattr(cell, name)
        for name in ("subject", "verdict", "reason", "threshold", "cell_id")
    }
    return answer.model_copy(update=kept)


@router.get(
    "/{case_id}/export",
    response_class=StreamingResponse,
    summary="Take a case away",
    responses={
        200: {
            "description": "The file, as an attachment",
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}}
                for kind in ("text/csv", "application/json", "text/html", "application/zip")
            },
        },
        **problems(404, 409, 422, 503),
    },
)
def export_case(
    request: Request,
    store: Kept,
    case_id: CaseId,
    kind: Annotated[
        Format,
        Query(alias="format", description="cohort: a ZIP of reviewed cells to train on."),
    ],
) -> StreamingResponse:
    """A case as a table, as data, as a report to print, or as a cohort of its reviewed cells."""
    found = store.case(case_id)
    same = found.model_sha256 == model_sha256(request)
    card = ready_model(request).card if same else None
    made = export(kind, found, lambda cell_id: store.image(case_id, cell_id)[1], card)
    return StreamingResponse(
        made.content,
        media_type=made.media_type,
        headers={"Content-Disposition": disposition(made.filename)},
    )


def _dump(model: BaseModel) -> Response:
    return _json(model.__pydantic_serializer__.to_json(model))


def _json(content: bytes) -> Response:
    # FastAPI would take a case of 20,000 cells apart and put it together again.
    return Response(content, media_type="application/json")
