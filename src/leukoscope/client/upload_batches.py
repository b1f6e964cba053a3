"""Group images into upload batches of at most 64 files and 32 MB, lazily and in order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from leukoscope.core.errors import ImageError
from leukoscope.core.several import several
from leukoscope.data.imaging.image import read_bytes
from leukoscope.inference.sources import expand

Image = Path | str | bytes | tuple[str, bytes]
UploadBatch = list[tuple[str, tuple[str, bytes]]]
"""The files of one request in the form of httpx: field name, file name, bytes."""

BATCH_IMAGES = 64
BATCH_BYTES = 32_000_000
FIELD = "files"
UNNAMED = "image"


@dataclass(frozen=True)
class UnreadableImage:
    """A file that could not be read, and the reason."""

    name: str
    problem: str


def upload_batches(images: Image | Iterable[Image]) -> Iterator[UploadBatch | UnreadableImage]:
    """Group images into batches of at most `BATCH_IMAGES` files and `BATCH_BYTES`.

    A file that is larger gets a batch of its own. Files are read only when their batch is built.

    Args:
        images: One image or many: files, folders, glob patterns, ZIP archives, bytes, or pairs of
            a name and bytes.

    Yields:
        Batches in the order of the images, and between them the files that could not be read.
    """
    batch: UploadBatch = []
    size = 0
    for item in _read_all(_images(images)):
        data = b"" if isinstance(item, UnreadableImage) else item[1]
        full = len(batch) == BATCH_IMAGES or size + len(data) > BATCH_BYTES
        if batch and (full or isinstance(item, UnreadableImage)):
            yield batch
            batch, size = [], 0
        if isinstance(item, UnreadableImage):
            yield item
        else:
            batch.append((FIELD, item))
            size += len(data)
    if batch:
        yield batch


def _images(images: Image | Iterable[Image]) -> Iterable[Image]:
    """One image or several; a name and bytes are one, in a tuple."""
    pair = isinstance(images, tuple) and list(map(type, images)) == [str, bytes]
    return several(images, single=tuple if pair else ())


def _read_all(images: Iterable[Image]) -> Iterator[tuple[str, bytes] | UnreadableImage]:
    for image in images:
        if isinstance(image, bytes):
            yield UNNAMED, image
        elif isinstance(image, tuple):
            yield image
        else:
            yield from _read(Path(image))


def _read(path_or_pattern: Path) -> Iterator[tuple[str, bytes] | UnreadableImage]:
    folder = path_or_pattern.parent if path_or_pattern.is_dir() else None
    for source in expand([path_or_pattern]):
        path = source.path
        name = path.name if folder is None else path.relative_to(folder).as_posix()
        name = name.encode("utf-8", "backslashreplace").decode()  # a name need not be valid UTF-8
        if source.problem:
            yield UnreadableImage(name, source.problem)
            continue
        try:
            yield name, read_bytes(path)
        except ImageError as error:
            yield UnreadableImage(name, str(error).removeprefix(f"{path}: "))
