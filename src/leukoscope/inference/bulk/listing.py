"""List the images of a job on a cluster: local or mounted folders, patterns, URLs, tables of them.

Tables are read in batches, and their files are not looked at here: the workers do that.
"""

import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import blake2b
from itertools import repeat
from pathlib import Path
from typing import Any

from leukoscope.core.errors import CohortError
from leukoscope.core.tables import SUFFIXES, read_table
from leukoscope.data.imaging.formats import suffix_of
from leukoscope.data.imaging.other_files import has_image_suffix
from leukoscope.inference.bulk.plan import Item
from leukoscope.inference.bulk.remote import file_system, is_url, list_urls
from leukoscope.inference.sources import Source, list_images

COLUMNS = ("path", "subject")
BATCH = 65_536  # rows of a table that are read at once


def list_items(names: Iterable[str]) -> Iterator[Item]:
    """The images behind names, each once per subject; tables first, since they name subjects.

    An image without a subject is left out if it was listed before.

    Raises:
        CohortError: A URL or a table of paths cannot be read.
    """
    seen: set[bytes] = set()  # hashes of 128 bits, which take less memory than names
    for name in sorted(names, key=lambda name: not _is_table(name)):
        for item in _behind(name):
            place, subject = f"{item.source.number}:{item.name}", item.source.subject
            key = _hash(f"{place}\0{subject}")
            if key not in seen:
                seen |= {key, _hash(f"{place}\0")}
                yield item


def _hash(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).digest()


def _is_table(name: str) -> bool:
    named = suffix_of(name) in SUFFIXES and not any(sign in name for sign in "*?[")
    return named and (is_url(name) or Path(name).is_file())


def _behind(name: str) -> Iterator[Item]:
    if _is_table(name):
        yield from _table(name)
    elif is_url(name):
        yield from _urls(name)
    else:
        for source in list_images([Path(name)]):
            if isinstance(source, Source):
                yield local_item(source)


def local_item(source: Source) -> Item:
    """An image on this machine, or mounted on all, whose stamp the worker takes."""
    path = os.path.abspath(source.path)
    name = str(Path(path, source.member)) if source.member else path
    return Item(replace(source, path=Path(path)), name)


def _urls(url: str) -> Iterator[Item]:
    empty = True
    for found, stamp in list_urls(url):
        hidden = found.rsplit("/", 1)[-1].startswith(".")
        if not hidden and (has_image_suffix(found) or found == url):
            empty = False
            yield Item(Source(Path()), found, stamp, is_remote=True)
    if empty:
        yield Item(Source(Path(), "no image is behind this URL"), url, "", is_remote=True)


def _table(name: str) -> Iterator[Item]:
    folder = name.rsplit("/", 1)[0] if is_url(name) else os.path.abspath(Path(name).parent)
    empty = True
    for path, subject in _rows(name):
        empty = False
        text = path.strip()
        if not text:
            raise CohortError(f"{name}: a path is blank; each row names an image.")
        if is_url(text):
            yield Item(Source(Path(), subject=subject), text, is_remote=True)
        elif is_url(name) and not text.startswith("/"):
            url = f"{folder}/{text}"
            yield Item(Source(Path(), subject=subject), url, is_remote=True)
        else:
            yield local_item(Source(Path(folder, text), subject=subject))
    if empty:
        yield Item(Source(Path(name), "a table without rows"), name, "")


def _rows(name: str) -> Iterator[tuple[str, str]]:
    """Path and subject of each row; "" for a subject that the table does not name."""
    if suffix_of(name) == ".parquet":
        yield from _parquet_rows(name)
        return
    if is_url(name):
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / f"list{suffix_of(name)}"
            copy.write_bytes(_content(name))
            table = read_table(copy, text=COLUMNS)
    else:
        table = read_table(name, text=COLUMNS)
    if "path" not in table:
        raise CohortError(f"{name}: has no column 'path'.")
    subjects = map(str, table["subject"]) if "subject" in table else repeat("")
    yield from zip(map(str, table["path"]), subjects, strict=False)


def _parquet_rows(name: str) -> Iterator[tuple[str, str]]:
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    source: Any = io.BytesIO(_content(name)) if is_url(name) else name
    try:
        with ParquetFile(source) as file:
            if "path" not in file.schema_arrow.names:
                raise CohortError(f"{name}: has no column 'path'.")
            kept = [column for column in COLUMNS if column in file.schema_arrow.names]
            for batch in file.iter_batches(BATCH, columns=kept):
                for row in batch.to_pylist():
                    path, subject = row["path"], row.get("subject")
                    yield "" if path is None else str(path), "" if subject is None else str(subject)
    except (ArrowException, OSError) as error:
        raise CohortError(f"{name}: cannot be read as Parquet ({error}).") from error


def _content(url: str) -> bytes:
    system, path = file_system(url)
    try:
        return bytes(system.cat_file(path))
    except Exception as error:  # each driver has errors of its own
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CohortError(f"{url}: cannot be read ({reason[:200]}).") from error
