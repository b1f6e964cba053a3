"""Read the images of an audit, each once: identity, fingerprint, flags and state."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import cv2

from leukoscope.core.errors import ImageError
from leukoscope.core.progress import track
from leukoscope.data.audit.checked import BLANK, NO_BORDER, UNMATCHED
from leukoscope.data.audit.file_state import FileState, file_state
from leukoscope.data.audit.fingerprint import Fingerprint, fingerprint
from leukoscope.data.audit.print_store import PrintStore, Stored
from leukoscope.data.cnmc.identity import Identity
from leukoscope.data.hashing import UNREADABLE
from leukoscope.data.imaging.image import decode, read_bytes


@dataclass(frozen=True)
class Scan:
    """The data that an audit takes from one image file."""

    identity: Identity
    print: Fingerprint | Stored | None
    flags: tuple[str, ...]
    state: FileState


class Scanner(Protocol):
    """Reads images, here or elsewhere."""

    def __call__(self, paths: Sequence[str], step: float) -> Iterator[Scan]:
        """Scan each image.

        Args:
            paths: The files.
            step: Original pixels per texture step of the fingerprints.

        Yields:
            The scans in the order of `paths`, each with its fingerprint.
        """


@dataclass(frozen=True)
class Threads:
    """A scanner with threads of this process."""

    jobs: int

    def __call__(self, paths: Sequence[str], step: float) -> Iterator[Scan]:
        """See `Scanner`."""
        with ThreadPoolExecutor(max(1, self.jobs)) as pool:
            yield from pool.map(lambda path: scan_image(Path(path), step), paths)


def scan_images(
    paths: Sequence[str], step: float, scanner: Scanner, store: PrintStore | None
) -> list[Scan]:
    """Scan all images; the fingerprints go into the store, if there is one."""
    scans = track(scanner(paths, step), "Reading cells", total=len(paths))
    return [_stored(scan, store) for scan in scans]


def _stored(scan: Scan, store: PrintStore | None) -> Scan:
    if store is None or not isinstance(scan.print, Fingerprint):
        return scan
    return replace(scan, print=store.add(scan.print))


def scan_image(path: Path, step: float) -> Scan:
    """Read one image."""
    state = file_state(path)  # before the bytes, so that a later change shows
    try:
        content = read_bytes(path)
    except ImageError:
        return Scan(Identity(), None, (UNREADABLE,), state)
    digest = sha256(content).hexdigest()
    try:
        image = decode(content)
    except ImageError:
        return Scan(Identity.of(digest, None), None, (UNREADABLE,), state)
    identity = Identity.of(digest, image)
    if int(image.max()) == int(image.min()):
        return Scan(identity, None, (BLANK,), state)
    mark = fingerprint(image, step)
    if mark is None:
        return Scan(identity, None, (UNMATCHED,), state)
    return Scan(identity, mark, () if mark.framed else (NO_BORDER,), state)


@contextmanager
def one_opencv_thread() -> Iterator[None]:
    """Switch off the threads of OpenCV, which would compete with those of the pool."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
