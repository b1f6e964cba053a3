"""Routes that read JSON bodies strictly; see `core.strict_json`."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from leukoscope.core.strict_json import parse_json


class StrictJsonRequest(Request):
    """A request whose JSON body has no repeated keys."""

    async def json(self) -> Any:
        """The parsed body.

        Raises:
            json.JSONDecodeError: The body is not valid, which FastAPI turns into a 422.
        """
        if not hasattr(self, "_json"):
            try:
                self._json = parse_json(await self.body())
            except json.JSONDecodeError:
                raise
            except ValueError as error:
                raise json.JSONDecodeError(str(error), "", 0) from None
        return self._json


class StrictJsonRoute(APIRoute):
    """A route whose requests are `StrictJsonRequest`, for `route_class` of a router."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of FastAPI, on another class of request."""
        handler = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handler(StrictJsonRequest(request.scope, request.receive))

        return strict
