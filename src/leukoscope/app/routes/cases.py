"""Cases over HTTP. Each route passes its request to the store.

The routes are plain functions, which FastAPI runs in threads, because the store blocks.
"""

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, TypeAdapter
from starlette.responses import Response, StreamingResponse

from leukoscope.app.export.export import Format, export, without_images
from leukoscope.app.http.json_bodies import StrictJsonRoute
from leukoscope.app.http.names import disposition
from leukoscope.app.http.openapi import problems
from leukoscope.app.http.problems import RequestError
from leukoscope.app.schemas import (
    Case,
    CaseChange,
    CaseHead,
    CaseIn,
    Cell,
    CellChange,
    CellPrediction,
    Review,
    Reviews,
)
from leukoscope.app.state import NOT_SERVED, explain, model_sha256, ready_store, services
from leukoscope.app.uploads.sniff import media_type
from leukoscope.inference.verdict import conformal_thresholds, threshold

if TYPE_CHECKING:
    from leukoscope.app.store import Store

router = APIRouter(prefix="/v1/cases", tags=["cases"], route_class=StrictJsonRoute)

StoreParam = Annotated["Store", Depends(ready_store)]
CaseId = Annotated[str, Path(max_length=100, description="`id` of the case.")]
CellId = Annotated[int, Path(ge=1, le=2**53, description="`id` of the cell.")]
_HEADS = TypeAdapter(list[CaseHead])
# OpenAPI links: operations on the case that was just created.
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
def cases(store: StoreParam) -> Response:
    """The 500 newest cases without their cells, newest first."""
    return _json(_HEADS.dump_json(store.heads()))


@router.post(
    "",
    status_code=201,
    summary="Create a case",
    responses={201: {"description": "The case", "links": _LINKS}, **problems(400, 409, 422, 503)},
)
def create(request: Request, store: StoreParam, wanted: CaseIn) -> CaseHead:
    """Create a case for predictions of one model."""
    sha256 = wanted.model_sha256 or model_sha256(request)
    card = services(request).cards.get(sha256)
    if card is None:
        raise RequestError(409, NOT_SERVED)
    return store.create(wanted, card.name, sha256, threshold(card), conformal_thresholds(card))


@router.get(
    "/{case_id}",
    response_model=Case | CaseHead,
    summary="One case",
    responses=problems(404, 422, 503),
)
def case(
    store: StoreParam,
    case_id: CaseId,
    cells: Annotated[bool, Query(description="False: leave out the cells.")] = True,
) -> Response:
    """A case with its cells, in the order in which they were added."""
    return _dump(store.case(case_id) if cells else store.head(case_id))


@router.patch("/{case_id}", summary="Change a case", responses=problems(400, 404, 422, 503))
def change(store: StoreParam, case_id: CaseId, wanted: CaseChange) -> CaseHead:
    """Change the name, the notes or the threshold; omitted fields stay unchanged."""
    return store.change(case_id, wanted)


@router.delete(
    "/{case_id}", status_code=204, summary="Delete a case", responses=problems(404, 422, 503)
)
def delete(store: StoreParam, case_id: CaseId) -> None:
    """Delete a case with its cells, reviews and images. This cannot be undone."""
    store.delete(case_id)


@router.patch(
    "/{case_id}/cells", summary="Set the subject of cells", responses=problems(400, 404, 422, 503)
)
def move(store: StoreParam, case_id: CaseId, wanted: CellChange) -> CaseHead:
    """Set the subject of cells. If one cell is not in the case, none is changed."""
    return store.move(case_id, wanted)


@router.delete(
    "/{case_id}/cells/{cell_id}",
    status_code=204,
    summary="Remove a cell",
    responses=problems(404, 422, 503),
)
def remove(store: StoreParam, case_id: CaseId, cell_id: CellId) -> None:
    """Delete one cell with its reviews and its image."""
    store.remove(case_id, cell_id)


@router.put(
    "/{case_id}/cells/{cell_id}/review",
    summary="Review a cell",
    responses=problems(400, 404, 409, 422, 503),
)
def review(store: StoreParam, case_id: CaseId, cell_id: CellId, wanted: Review) -> Cell:
    """Label a cell. The verdict does not change; the latest review is stored beside it."""
    return store.review(case_id, cell_id, wanted)


@router.put(
    "/{case_id}/reviews",
    summary="Review several cells",
    responses=problems(400, 404, 409, 422, 503),
)
def review_all(store: StoreParam, case_id: CaseId, wanted: Reviews) -> CaseHead:
    """Give several cells the same label, all of them or none. Undo takes back all of them."""
    return store.review_all(case_id, wanted)


@router.post(
    "/{case_id}/undo", summary="Undo the latest review", responses=problems(404, 409, 422, 503)
)
def undo(store: StoreParam, case_id: CaseId) -> Cell:
    """Undo the latest review of this case that is still in force."""
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
def image(store: StoreParam, case_id: CaseId, cell_id: CellId) -> Response:
    """The image file as it was sent, if the case keeps images."""
    _, data = store.image(case_id, cell_id)
    return Response(data, media_type=media_type(data))


@router.get(
    "/{case_id}/cells/{cell_id}/explain",
    summary="Explain a cell",
    responses=problems(404, 409, 422, 503),
)
def explain_cell(
    request: Request, store: StoreParam, case_id: CaseId, cell_id: CellId
) -> CellPrediction:
    """The prediction with heatmap, picture, measurements and neighbors, from the stored image."""
    sha256 = store.accept(case_id, list(services(request).cards))
    cell = store.cell(case_id, cell_id)
    prediction = explain(request, sha256, *store.image(case_id, cell_id))
    # The case may have its own threshold, and people may have changed subjects.
    stored = {
        name: getattr(cell, name)
        for name in ("subject", "verdict", "reason", "threshold", "cell_id")
    }
    return prediction.model_copy(update=stored)


@router.get(
    "/{case_id}/export",
    response_class=StreamingResponse,
    summary="Export a case",
    responses={
        200: {
            "description": "The file as an attachment",
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
    store: StoreParam,
    case_id: CaseId,
    kind: Annotated[
        Format,
        Query(
            alias="format",
            description="csv: the cells; subjects: a CSV table of the answers for subjects; "
            "cohort: a ZIP of the reviewed cells, for training.",
        ),
    ],
    images: Annotated[
        bool, Query(description="False: leave the stored images out of a report or cohort.")
    ] = True,
) -> StreamingResponse:
    """A case as a CSV table of cells or subjects, JSON, an HTML report, or a reviewed cohort."""
    with store.snapshot(case_id) as (case, load_image):
        card = services(request).cards.get(case.model_sha256)
        if not images:
            case = without_images(case)
        file = export(kind, case, load_image, card, store.scratch)
    headers = {"Content-Disposition": disposition(file.filename)}
    if file.size is not None:
        headers["Content-Length"] = str(file.size)
    return StreamingResponse(file.content, media_type=file.media_type, headers=headers)


def _dump(model: BaseModel) -> Response:
    return _json(model.__pydantic_serializer__.to_json(model))


def _json(content: bytes) -> Response:
    # FastAPI would convert a case of 20,000 cells to a dict and back.
    return Response(content, media_type="application/json")
