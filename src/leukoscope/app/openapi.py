"""What the OpenAPI document says beyond what the routes' types say."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from leukoscope import __version__
from leukoscope.app.schemas import PredictIn, Problem
from leukoscope.errors import RESEARCH_USE

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
_REF = {"$ref": "#/components/schemas/PredictIn"}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error answers of a route, to be declared as its `responses`.

    401 and 403 are added, for the doors in front of every route can give them.
    """
    return {
        status: {"model": Problem, "description": _WORDS[status]}
        for status in sorted({401, 403, *statuses})
    }


def images_body(words: str) -> dict[str, Any]:
    """The request body of a route that takes images, for its `openapi_extra`."""
    return {
        "requestBody": {
            "required": True,
            "description": words,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "files": {
                                "type": "array",
                                "minItems": 1,
                                "items": {"type": "string", "format": "binary"},
                            }
                        },
                        "required": ["files"],
                    }
                },
                "application/json": {
                    "schema": _REF,
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
        components = schema.setdefault("components", {}).setdefault("schemas", {})
        own = PredictIn.model_json_schema(ref_template="#/components/schemas/{model}")
        components.update(own.pop("$defs", {}))
        components["PredictIn"] = own
        app.openapi_schema = schema
    return app.openapi_schema
