"""The page and its static files, served from the package."""

from importlib.resources import files
from os import PathLike, stat_result
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(str(files("leukoscope.app") / "page"))
# Browsers revalidate each time and usually get a 304, so an update never mixes old and new files.
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
        """The file, or a 304 if the browser has it."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(REVALIDATE)
        # Weak, because the compressed and the plain form share it.
        response.headers["etag"] = f"W/{response.headers['etag']}"
        return response


# Scripts and styles shrink to a quarter; smaller files are not worth the processor time.
page_files = PageFiles(directory=FOLDER)
static = GZipMiddleware(page_files, minimum_size=500)


@router.get("/")
async def index(request: Request) -> Response:
    """The page."""
    return await page_files.get_response("index.html", request.scope)
