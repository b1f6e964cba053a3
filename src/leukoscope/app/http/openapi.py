"""What the OpenAPI document says beyond what the routes' types say."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from leukoscope.app.schemas import ImageIn, Problem
from leukoscope.core.errors import RESEARCH_USE
from leukoscope.core.version import __version__

_WORDS = {
    400: "The request cannot be used",
    401: "A token is needed",
    403: "From another site, or under a foreign host name",
    404: "There is no such thing",
    408: "The body came too slowly",
    409: "Not possible in the present state",
    413: "Too large, or too many files",
    415: "A body of a kind that is not read",
    422: "A field is missing or has a wrong value",
    429: "Too much is waiting; Retry-After says for how many seconds",
    503: "Not ready, or stopping",
}
# Nearly the smallest PNG: one black pixel.
_PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYGAAAAAEAAH2FzhVAAAAAElFTkSuQmCC"
)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error answers of a route, to be declared as its `responses`.

    401 and 403 are added, for the doors in front of every route can give them.
    """
    return {
        status: {"model": Problem, "description": _WORDS[status]}
        for status in sorted({401, 403, *statuses})
    }


def images_body(words: str, most: int | None = None) -> dict[str, Any]:
    """The request body of a route that takes images, for its `openapi_extra`.

    Args:
        words: what to send.
        most: how many images there may be, if not as many as the server's limits allow.
    """
    count = {"minItems": 1} | ({} if most is None else {"maxItems": most})
    file = {"type": "string", "format": "binary"}
    return {
        "requestBody": {
            "required": True,
            "description": words,
            "content": {
                "multipart/form-data": {"schema": _object("files", file, count)},
                "application/json": {
                    "schema": _object("images", {"$ref": "#/components/schemas/ImageIn"}, count)
                    | {"additionalProperties": False},
                    "examples": {
                        "one": {
                            "summary": "One image",
                            "value": {"images": [{"name": "UID_57_1_1_all.png", "data": _PIXEL}]},
                        }
                    },
                },
            },
        }
    }


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, made once."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title="Leukoscope",
            version=__version__,
            summary="Tells leukemic blasts from normal lymphoid cells in microscopy images.",
            description=f"{RESEARCH_USE} Errors are one line of JSON: `{{'error': '...'}}`.",
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
            routes=app.routes,
        )
        schema["components"]["schemas"]["ImageIn"] = ImageIn.model_json_schema()
        for operation in (one for path in schema["paths"].values() for one in path.values()):
            if "requestBody" in operation:
                _bounded(operation["responses"])
        if app.state.services.settings.token is not None:
            scheme = {"type": "http", "scheme": "bearer"}
            schema["components"]["securitySchemes"] = {"token": scheme}
            schema["security"] = [{"token": []}]
            schema["paths"]["/healthz"]["get"]["security"] = []
        app.openapi_schema = schema
    return app.openapi_schema


def _object(name: str, item: dict[str, Any], count: dict[str, int]) -> dict[str, Any]:
    """An object with one list in it."""
    items = {"type": "array", "items": item, **count}
    return {"type": "object", "properties": {name: items}, "required": [name]}


def _bounded(responses: dict[str, Any]) -> None:
    """Add what every route with a body can answer."""
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status in (400, 408, 413):
        responses.setdefault(str(status), {"description": _WORDS[status], "content": content})
