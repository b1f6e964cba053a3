"""The model that answers, and the bundled cells to try it on."""

import json
from datetime import datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from leukoscope.app.http.openapi import problems
from leukoscope.app.http.problems import RequestError
from leukoscope.app.schemas import ExampleEntry, ModelEntry
from leukoscope.app.state import services
from leukoscope.app.uploads.sniff import media_type
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.card_text import describe

router = APIRouter(prefix="/v1", tags=["models"])


@router.get("/models", summary="Models that answer", responses=problems())
def models(request: Request) -> list[ModelEntry]:
    """The loaded model with its card: what it saw, how well it did, what it is not for."""
    mine = services(request)
    return [_entry(mine.model.card, mine.model_sha256, mine.is_default)]


@router.get("/examples", summary="Example cells", responses=problems())
def examples(request: Request) -> list[ExampleEntry]:
    """Drawn cells, bundled with the program; none shows a person's cell."""
    return [
        ExampleEntry(name=one.name, label=one.label, synthetic=True, url=f"/v1/examples/{one.name}")
        for one in services(request).examples.listing
    ]


@router.get(
    "/examples/{name}",
    summary="One example cell",
    response_class=Response,
    responses={
        200: {"content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}},
        **problems(404, 422),
    },
)
def example(request: Request, name: str) -> Response:
    """The image file."""
    try:
        data = services(request).examples.image(name)
    except KeyError:
        raise RequestError(404, "no such example; see /v1/examples") from None
    return Response(data, media_type=media_type(data))


def _entry(card: Card, sha256: str, default: bool) -> ModelEntry:
    return ModelEntry(
        name=card.name,
        sha256=sha256,
        created=datetime.fromisoformat(card.created),
        card=json.loads(card.to_json()),
        facts=describe(card),
        default=default,
    )
