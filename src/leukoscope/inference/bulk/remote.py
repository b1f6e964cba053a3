"""Files behind URLs, through fsspec: s3://, gs://, az:// and whatever else has a driver for it."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from leukoscope.core.errors import CohortError, missing_extra

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/(/?)(?=[^/\\])")
_CHANGED = ("ETag", "etag", "md5", "content_md5", "LastModified", "last_modified", "updated")


def is_url(name: str) -> bool:
    """True for a name that begins with a protocol; one letter before a colon is a Windows drive."""
    return "://" in name and _URL.match(name) is not None


def restored(name: str) -> str:
    """A URL that went through a path, which takes two slashes for one."""
    found = _URL.match(name)
    return name.replace(":/", "://", 1) if found and not found[1] else name


def file_system(url: str) -> "tuple[AbstractFileSystem, str]":
    """The file system of a URL, and the path of the URL in it.

    Raises:
        CohortError: No driver for the protocol is installed, or the URL has no valid form.
        MissingExtraError: fsspec is not installed.
    """
    try:
        from fsspec.core import url_to_fs
    except ModuleNotFoundError as error:
        raise missing_extra("a URL", error) from error
    try:
        system, path = url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise CohortError(f"{url}: cannot be opened ({error}).") from error
    return system, str(path)


def list_urls(url: str) -> Iterator[tuple[str, str]]:
    """The files below a URL, or that match it as a pattern, in natural order, with their stamps.

    Raises:
        CohortError: The store cannot be reached.
    """
    from leukoscope.core.files import natural_key

    system, path = file_system(url)
    system.invalidate_cache()
    try:
        found = (
            system.glob(path, detail=True)
            if any(sign in path for sign in "*?[")
            else system.find(path, detail=True)
        )
    except Exception as error:  # each driver has errors of its own
        raise CohortError(f"{url}: cannot be listed ({_short(error)}).") from error
    for name in sorted(found, key=natural_key):
        if found[name].get("type") != "directory":
            yield system.unstrip_protocol(name), stamp_of(found[name])


def stamp_of(info: Mapping[str, Any]) -> str:
    """Size and time or hash of the content, as far as the store tells."""
    changed = next((str(info[key]) for key in _CHANGED if info.get(key)), str(info.get("mtime")))
    return f"{info.get('size')}:{changed}"


def stamp_url(url: str) -> str:
    """The stamp of one file; "" if it cannot be found."""
    system, path = file_system(url)
    try:
        return stamp_of(system.info(path))
    except Exception:  # reading it says why
        return ""


def _short(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:200]
