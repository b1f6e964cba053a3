"""Errors as responses: one line of JSON and a status, never a traceback."""

import logging
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from itertools import chain
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from leukoscope.app.http.methods import allowed_methods
from leukoscope.app.schemas import Problem
from leukoscope.app.store import ConflictError, NotFoundError, UnavailableError
from leukoscope.core.errors import LeukoscopeError, ModelFileError
from leukoscope.core.printable import cut

log = logging.getLogger("leukoscope.app")

_STATUS: dict[type[LeukoscopeError], int] = {
    NotFoundError: 404,
    ConflictError: 409,
    UnavailableError: 503,
}


class RequestError(LeukoscopeError):
    """A refused request, with the HTTP status of the response."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


def problem(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error as a response."""
    line = " ".join(message.split())
    body = Problem(error=line).model_dump_json()
    return Response(body, status, dict(headers or {}), "application/json")


def internal(error: BaseException) -> Response:
    """The response to an internal error."""
    return problem(500, log_internal(error))


def log_internal(error: BaseException) -> str:
    """Log an internal error with its traceback; return a line for the client with the log's id."""
    number = secrets.token_hex(4)
    log.error("internal error %s", number, exc_info=error)
    return f"internal error; the server's log has the details under id {number}"


def describe(error: BaseException) -> str:
    """A line for the client about any error."""
    expected = isinstance(error, LeukoscopeError) and not isinstance(error, ModelFileError)
    return str(error) if expected else log_internal(error)


def install_handlers(app: FastAPI) -> None:
    """Turn every error that a request can raise into a `Problem`."""
    app.add_exception_handler(LeukoscopeError, _expected)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def _expected(request: Request, error: Exception) -> Response:
    if isinstance(error, ModelFileError):  # it was loaded, so the request is not at fault
        return internal(error)
    if isinstance(error, RequestError):
        return problem(error.status, str(error), error.headers)
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 400)
    return problem(status, str(error))


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem(422, describe_invalid(error.errors()))


def describe_invalid(errors: Sequence[Mapping[str, Any]]) -> str:
    """Describe the first invalid field of a request and count the others."""
    first = errors[0]
    location = first.get("loc")
    parts = [str(part) for part in location] if isinstance(location, tuple | list) else []
    where = cut(".".join(parts), 80) or "the request"
    more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
    context = first.get("ctx")
    if first.get("type") == "json_invalid" and isinstance(context, Mapping):
        return f"the body is not valid JSON ({cut(str(context.get('error', '')), 150)})"
    return f"{where}: {cut(str(first.get('msg', 'not valid')), 200)}{more}"


def _allowed(request: Request) -> list[str]:
    app = request.app
    routes = chain(app.state.own_routes, app.routes)
    return allowed_methods(routes, request.scope) or ["GET", "HEAD"]  # the files of the page


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return problem(404, f"nothing at {cut(request.url.path, 100)}; see /openapi.json")
    if error.status_code == 405:
        allowed = ", ".join(_allowed(request))
        return problem(
            405,
            f"{cut(request.method, 20)} is not possible here; use {allowed}",
            {"Allow": allowed},
        )
    detail = str(error.detail) or HTTPStatus(error.status_code).phrase
    return problem(error.status_code, cut(detail, 300), error.headers)
