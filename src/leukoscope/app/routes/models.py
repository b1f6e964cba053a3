"""The served models, and the bundled example cells."""

import json
from dataclasses import replace
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
from leukoscope.inference.model_file.origin import is_cnmc, stated_data

router = APIRouter(prefix="/v1", tags=["models"])


@router.get("/models", summary="Served models", responses=problems())
def models(request: Request) -> list[ModelEntry]:
    """The models with their cards, the first one first: training data, performance, limitations."""
    server = services(request)
    return [
        _entry(card, sha256, server.is_default and sha256 == server.model_sha256)
        for sha256, card in server.cards.items()
    ]


@router.get("/examples", summary="Example cells", responses=problems())
def examples(request: Request) -> list[ExampleEntry]:
    """Synthetic cells, bundled with the software; none comes from a person."""
    return [
        ExampleEntry(
            name=example.name,
            label=example.label,
            synthetic=True,
            url=f"/v1/examples/{example.name}",
        )
        for example in services(request).examples.listing
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
    """The image file of an example cell."""
    try:
        data = services(request).examples.image(name)
    except KeyError:
        raise RequestError(404, "no example of this name; see /v1/examples") from None
    return Response(data, media_type=media_type(data))


def _entry(card: Card, sha256: str, default: bool) -> ModelEntry:
    stated = replace(card, data=stated_data(card))
    return ModelEntry(
        name=card.name,
        sha256=sha256,
        created=datetime.fromisoformat(card.created),
        card=json.loads(stated.to_json()),
        cnmc=is_cnmc(card),
        facts=describe(card),
        default=default,
    )
