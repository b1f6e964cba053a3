"""The OpenAPI document: its parts beyond the types of the routes."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from leukoscope.app.schemas import ImageIn, Problem
from leukoscope.core.errors import RESEARCH_USE
from leukoscope.core.version import __version__

_WORDS = {
    400: "The request cannot be used",
    401: "A token is required",
    403: "Sent by another site, or to an unknown host name",
    404: "Not found",
    408: "The body arrived too slowly",
    409: "Conflicts with the present state",
    413: "Too large, or too many files",
    415: "Unsupported type of body",
    422: "A field is missing or has an invalid value",
    429: "Too many images are waiting; retry after the seconds in Retry-After",
    501: "Needs an extra that is not installed",
    503: "Not ready, or stopping",
}
# Nearly the smallest PNG: one black pixel.
_PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYGAAAAAEAAH2FzhVAAAAAElFTkSuQmCC"
)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error responses of a route, for its `responses`.

    401 and 403 are added, because the middleware in front of every route can return them.
    """
    return {
        status: {"model": Problem, "description": _WORDS[status]}
        for status in sorted({401, 403, *statuses})
    }


def images_body(description: str, limit: int | None = None) -> dict[str, Any]:
    """The request body of a route that takes images, for its `openapi_extra`.

    Args:
        description: What to send.
        limit: Maximum number of images; None for the limit of the server.
    """
    count = {"minItems": 1} | ({} if limit is None else {"maxItems": limit})
    file = {"type": "string", "format": "binary"}
    return {
        "requestBody": {
            "required": True,
            "description": description,
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
    """The OpenAPI document, built once."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title="Leukoscope",
            version=__version__,
            summary="Distinguishes leukemic blasts from normal lymphoid cells in microscopy.",
            description=f"{RESEARCH_USE} Errors are one line of JSON: `{{'error': '...'}}`.",
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
            routes=app.routes,
        )
        schema["components"]["schemas"]["ImageIn"] = ImageIn.model_json_schema()
        for operation in (op for path in schema["paths"].values() for op in path.values()):
            if "requestBody" in operation:
                _add_body_errors(operation["responses"])
        if app.state.services.settings.token is not None:
            scheme = {"type": "http", "scheme": "bearer"}
            schema["components"]["securitySchemes"] = {"token": scheme}
            schema["security"] = [{"token": []}]
            schema["paths"]["/healthz"]["get"]["security"] = []
        app.openapi_schema = schema
    return app.openapi_schema


def _object(name: str, item: dict[str, Any], count: dict[str, int]) -> dict[str, Any]:
    """The schema of an object with one list."""
    items = {"type": "array", "items": item, **count}
    return {"type": "object", "properties": {name: items}, "required": [name]}


def _add_body_errors(responses: dict[str, Any]) -> None:
    """Add the errors that every route with a body can return."""
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status in (400, 408, 413):
        responses.setdefault(str(status), {"description": _WORDS[status], "content": content})
