"""The HTTP connection of a client: waits for a busy server, and reads its answers."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from leukoscope.app.schemas import Problem
from leukoscope.core.errors import ServerError, missing_extra

if TYPE_CHECKING:
    import httpx

Kind = TypeVar("Kind")

BUSY = frozenset((429, 503))


class Connection:
    """Requests to one server; safe to use from several threads."""

    def __init__(self, url: str, token: str | None, timeout: float, patience: float) -> None:
        """See `Client`."""
        try:
            import httpx
        except ImportError as error:
            raise missing_extra("the client", error) from error
        self._patience = patience
        headers = {b"Authorization": f"Bearer {token}".encode()} if token else {}
        try:
            self._http = httpx.Client(
                base_url=url, headers=headers, timeout=timeout, trust_env=False
            )
        except httpx.InvalidURL as error:
            raise ServerError(
                f"{url!r} is not a valid server address ({error}); try http://127.0.0.1:8000"
            ) from error

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def ask(self, method: str, path: str, **request: Any) -> bytes:
        """The body of the answer to a request."""
        with self.response(method, path, **request) as response:
            return response.read()

    @contextmanager
    def response(self, method: str, path: str, **request: Any) -> Iterator["httpx.Response"]:
        """Open the response to a request, waiting while the server is busy."""
        import httpx

        patience = self._patience
        try:
            while True:
                with self._http.stream(method, path, **request) as response:
                    if response.is_success:
                        yield response
                        return
                    response.read()
                pause = _pause(response)
                if pause is None or pause > patience:
                    raise ServerError(_reason(response), response.status_code)
                patience -= pause
                time.sleep(pause)
        except httpx.HTTPError as error:
            what = str(error) or type(error).__name__
            raise ServerError(
                f"{self._http.base_url}: {what}; is `leukoscope serve` running there?"
            ) from error


def read_answer(kind: type[Kind], body: bytes | str) -> Kind:
    """Parse an answer of the server.

    Raises:
        ServerError: It is not of this kind.
    """
    schema: Any = kind
    try:
        parsed: Kind = _adapter(schema).validate_json(body)
        return parsed
    except ValidationError as error:
        raise ServerError(
            "unexpected answer; check that server and client have the same version"
        ) from error


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _pause(response: "httpx.Response") -> float | None:
    """Seconds to wait before the next try; None if the request must not be repeated.

    A server sends Retry-After only if it has done nothing, so nothing is done twice. Random jitter
    keeps many clients from coming back at the same time.
    """
    retry_after = response.headers.get("Retry-After", "")
    if response.status_code not in BUSY or not retry_after.isdecimal():
        return None
    return int(retry_after) * random.uniform(1.0, 1.25)


def _reason(response: "httpx.Response") -> str:
    """The server's error message."""
    try:
        return Problem.model_validate_json(response.content).error
    except ValidationError:
        return f"{response.url}: HTTP {response.status_code}; is this a Leukoscope server?"
