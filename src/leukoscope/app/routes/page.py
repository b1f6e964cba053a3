"""The page and its files, straight from the package."""

from importlib.resources import files
from os import PathLike, stat_result
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(str(files("leukoscope.app") / "page"))
# Browsers ask each time and mostly get a 304: after an update no old file is mixed with new ones.
REVALIDATE = {"Cache-Control": "no-cache"}
router = APIRouter(include_in_schema=False)


class PageFiles(StaticFiles):
    """Static files that browsers revalidate before each use."""

    def file_response(
        self,
        full_path: str | PathLike[str],
        stat_result: stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """The file, or a 304 where the browser has it."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(REVALIDATE)
        # Weak, since the compressed and the plain form share it.
        response.headers["etag"] = f"W/{response.headers['etag']}"
        return response


# Scripts and styles shrink to a quarter; smaller files are not worth the processor time.
files_of_page = PageFiles(directory=FOLDER)
static = GZipMiddleware(files_of_page, minimum_size=500)


@router.api_route("/", methods=["GET", "HEAD"])
async def index(request: Request) -> Response:
    """The page."""
    return await files_of_page.get_response("index.html", request.scope)
