"""The images a client is given, as requests of bounded size: read late, in order, none left out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from leukoscope.core.errors import ImageError
from leukoscope.data.imaging.image import read_bytes
from leukoscope.inference.sources import expand

Image = Path | str | bytes | tuple[str, bytes]
UploadBatch = list[tuple[str, tuple[str, bytes]]]
"""The files of one request, as httpx takes them: a field's name, a file's name, bytes."""

BATCH_IMAGES = 64
BATCH_BYTES = 32_000_000
FIELD = "files"
UNNAMED = "image"


@dataclass(frozen=True)
class UnreadableImage:
    """A file that can't be sent, and why."""

    name: str
    problem: str


def upload_batches(images: Image | Iterable[Image]) -> Iterator[UploadBatch | UnreadableImage]:
    """Pack images into requests of at most `BATCH_IMAGES` files and `BATCH_BYTES`.

    One file that is larger goes alone. What can't be read stands in its place between requests.
    """
    parcel: UploadBatch = []
    size = 0
    for one in _read_all([images] if isinstance(images, Path | str | bytes) else images):
        data = b"" if isinstance(one, UnreadableImage) else one[1]
        full = len(parcel) == BATCH_IMAGES or size + len(data) > BATCH_BYTES
        if parcel and (full or isinstance(one, UnreadableImage)):
            yield parcel
            parcel, size = [], 0
        if isinstance(one, UnreadableImage):
            yield one
        else:
            parcel.append((FIELD, one))
            size += len(data)
    if parcel:
        yield parcel


def _read_all(images: Iterable[Image]) -> Iterator[tuple[str, bytes] | UnreadableImage]:
    for image in images:
        if isinstance(image, bytes):
            yield UNNAMED, image
        elif isinstance(image, tuple):
            yield image
        else:
            yield from _read(Path(image))


def _read(named: Path) -> Iterator[tuple[str, bytes] | UnreadableImage]:
    folder = named.parent if named.is_dir() else None
    for source in expand([named]):
        path = source.path
        name = path.name if folder is None else path.relative_to(folder).as_posix()
        name = name.encode("utf-8", "backslashreplace").decode()  # may be no text at all
        if source.problem:
            yield UnreadableImage(name, source.problem)
            continue
        try:
            yield name, read_bytes(path)
        except ImageError as error:
            yield UnreadableImage(name, str(error).removeprefix(f"{path}: "))
