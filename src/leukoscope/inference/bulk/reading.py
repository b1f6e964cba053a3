"""Read images from drives and stores that fail now and then: in parallel, and more than once."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from leukoscope.core.errors import ImageError
from leukoscope.data.imaging.image import MAX_BYTES, read_bytes
from leukoscope.inference.bulk.plan import Item, stamp_file
from leukoscope.inference.bulk.remote import file_system, stamp_url
from leukoscope.inference.sources import Source

TRIES = 3
PAUSE = 0.5  # seconds before the second try; twice as long before each further one
READERS = 16  # files on their way at once, of each worker

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Read:
    """One image as a worker read it: its content, or its source.

    Attributes:
        image: The content; or the source, for the predictor to read or to explain.
        failures: Why earlier tries failed.
    """

    image: bytes | Source
    failures: tuple[str, ...] = ()


def stamped(items: Iterable[Item]) -> Iterator[Item]:
    """The items with the stamps of their files."""
    with ThreadPoolExecutor(READERS) as pool:
        yield from pool.map(_stamped, items)


def read_all(items: Iterable[Item]) -> Iterator[Read]:
    """Read images ahead of their use, in order, a bounded number at a time."""
    return _ahead(read, items)


def read(item: Item, *, pause: float = PAUSE) -> Read:
    """Read one image; a drive or store that fails is asked again."""
    if item.source.problem or item.source.member:
        return Read(item.source)
    failures: list[str] = []
    for number in range(TRIES):
        try:
            return Read(_content(item), tuple(failures))
        except FileNotFoundError:
            return Read(_unread(item, "no such file."), tuple(failures))
        except ImageError as error:
            return Read(_unread(item, str(error)), tuple(failures))
        except Exception as error:  # each driver has errors of its own
            failures.append((" ".join(str(error).split()) or type(error).__name__)[:200])
            if number + 1 < TRIES:
                time.sleep(pause * 2**number)
    return Read(_unread(item, f"cannot be read ({failures[-1]}), {TRIES} tries."), tuple(failures))


def _content(item: Item) -> bytes:
    if item.is_remote:
        system, path = file_system(item.name)
        content = bytes(system.cat_file(path))
        if len(content) > MAX_BYTES:
            raise ImageError(f"{len(content) / 1e6:.0f} MB is too large for one cell.")
        return content
    try:
        return read_bytes(item.source.path)
    except ImageError as error:
        cause = error.__cause__
        if isinstance(cause, OSError):
            raise cause from error
        raise


def _unread(item: Item, problem: str) -> Source:
    """A source that leads to an error with a reason; a local one gives the reason of `predict`."""
    if item.is_remote:
        return Source(Path(), problem)
    return replace(item.source, problem=problem.removeprefix(f"{item.source.path}: "))


def _stamped(item: Item) -> Item:
    if item.stamp is not None:
        return item
    stamp = stamp_url(item.name) if item.is_remote else stamp_file(str(item.source.path))
    return replace(item, stamp=stamp)


def _ahead(function: Callable[[T], U], items: Iterable[T]) -> Iterator[U]:
    waiting: deque[Future[U]] = deque()
    with ThreadPoolExecutor(READERS) as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 2 * READERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
