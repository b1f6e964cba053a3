"""The page and its files, straight from the package."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from fastapi import APIRouter, Request
from starlette.responses import Response

from leukoscope.app.problems import RequestError

FOLDER = files("leukoscope.app") / "page"
TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "webp": "image/webp",
}
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class _File:
    """A file of the page, as it is and packed."""

    content: bytes
    packed: bytes
    etag: str
    kind: str


@router.get("/")
def index(request: Request) -> Response:
    """The page."""
    return _answer(request, "index.html")


@router.get("/static/{name}")
def static(request: Request, name: str) -> Response:
    """One of the page's files."""
    return _answer(request, name)


def _answer(request: Request, name: str) -> Response:
    """A file of the page; browsers ask each time, and mostly get a 304."""
    if name not in _names():
        raise RequestError(404, "no such file of the page")
    file = _file(name)
    packs = "gzip" in request.headers.get("accept-encoding", "")
    headers = {
        "ETag": f'"{file.etag}{"-gzip" if packs else ""}"',
        "Cache-Control": "no-cache",
        "Content-Type": file.kind,
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if packs:
        return Response(file.packed, headers={**headers, "Content-Encoding": "gzip"})
    return Response(file.content, headers=headers)


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    """The names of the files there are, so that no other path is ever formed."""
    return frozenset(
        file.name for file in FOLDER.iterdir() if file.name.rpartition(".")[2] in TYPES
    )


@lru_cache(maxsize=256)
def _file(name: str) -> _File:
    content = (FOLDER / name).read_bytes()
    etag = hashlib.sha256(content).hexdigest()[:32]
    packed = gzip.compress(content, mtime=0)
    return _File(content, packed, etag, TYPES[name.rpartition(".")[2]])
