"""The plan of a large prediction: its images in parts, each with a name made of all it depends on.

The name of a part ends in a hash of the model, the version, and the name, subject, size and time of
change of each image. So a file under that name is the result of just this part: a stopped job finds
what it has done by the names, a part that is written twice is the same file, and another model or a
changed image has other names.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from leukoscope.core.files import sha256_file
from leukoscope.core.version import __version__
from leukoscope.inference.predictor import Predictor
from leukoscope.inference.results import FIELDS
from leukoscope.inference.sources import Source

FORMAT = 1
HASH = 16  # hexadecimal digits: of 10^6 parts two have the same by chance with probability 3e-8
FEWEST_ROWS, MOST_ROWS = 16, 1024  # images of a part on one machine
PARTS = 256  # about so many parts: a kill costs less than 1 % of the work


@dataclass(frozen=True)
class Job:
    """Everything but the images that the rows depend on.

    Attributes:
        model: sha256 of the model file.
        rows_per_part: Images of each part but the last.
        version: Of Leukoscope, whose rules turn outputs into verdicts.
        fields: The columns of a part.
        format: Number of this format.
    """

    model: str
    rows_per_part: int
    version: str = __version__
    fields: tuple[str, ...] = FIELDS
    format: int = FORMAT

    @classmethod
    def of(cls, predictor: Predictor, rows_per_part: int) -> "Job":
        """The job of a model."""
        return cls(sha256_file(predictor.model.path), rows_per_part)

    def record(self) -> dict[str, object]:
        """The fields as JSON has them."""
        return {**asdict(self), "fields": list(self.fields)}


@dataclass(frozen=True)
class Item:
    """One image of a plan.

    Attributes:
        source: The image, or a name that leads to none.
        name: Absolute path, or URL; the column `path` of its row.
        stamp: Size and time of change, or hash, of its file when the plan was made; "" if it has
            none, None where it is not known yet.
        is_remote: The name is a URL.
    """

    source: Source
    name: str
    stamp: str | None = None
    is_remote: bool = False


@dataclass(frozen=True)
class Part:
    """Consecutive images of a plan, which are predicted and written together.

    Attributes:
        number: Place in the plan, from 0.
        items: The images.
    """

    number: int
    items: tuple[Item, ...]

    def stem(self, job: Job) -> str:
        """Name of the file without its suffix; the stamps of all images must be known."""
        return f"part-{self.number:06d}-{_digest(job, self.items)}"


def local_items(sources: Iterable[Source]) -> Iterator[Item]:
    """Stamp the files behind sources; the members of a ZIP have the stamp of the ZIP."""
    last: tuple[str, str] = ("", "")
    for source in sources:
        path = os.path.abspath(source.path)
        if last[0] != path:
            last = (path, stamp_file(path))
        yield Item(source, str(Path(path, source.member)) if source.member else path, last[1])


def cut(items: Iterable[Item], rows_per_part: int) -> Iterator[Part]:
    """Cut a plan into parts."""
    items = iter(items)
    batches = iter(lambda: tuple(islice(items, rows_per_part)), ())
    return (Part(number, batch) for number, batch in enumerate(batches))


def usual_rows(images: int) -> int:
    """Number of images of a part on one machine."""
    return min(MOST_ROWS, max(FEWEST_ROWS, -(-images // PARTS)))


def stamp_file(path: str) -> str:
    """Size and modification time of a file; "" if it does not exist."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return ""
    return f"{status.st_size}:{status.st_mtime_ns}"


def _digest(job: Job, items: Iterable[Item]) -> str:
    digest = hashlib.sha256(json.dumps(job.record(), sort_keys=True).encode())
    for item in items:
        source = item.source
        facts = [item.name, source.member, source.number, source.problem, source.subject]
        digest.update(json.dumps([*facts, item.stamp]).encode())
    return digest.hexdigest()[:HASH]


def why_other(record: str, job: Job) -> str:
    """The difference between an earlier job, by its record as JSON, and this one."""
    try:
        before = json.loads(record)
    except ValueError:
        before = {}
    if before.get("model") != job.model:
        return "the stopped run had another model"
    if before.get("version") != job.version:
        return "the stopped run was of another version of Leukoscope"
    if before.get("rows_per_part") != job.rows_per_part:
        return "the stopped run had parts of another size, so its number of images was different"
    return "the list of images is different, or an image changed since the run was stopped"
