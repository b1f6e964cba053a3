"""`data verify`: compare a folder with the official manifest of C-NMC 2019.

Every image is compared by name, place and SHA-256. The folder may be the tree of The Cancer Imaging
Archive or of Kaggle, any folder inside or around it, or a flat copy. A file is identified by its
name and the official folders above it. It is misplaced only if one of its folders contradicts its
name (another fold, class or phase).
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

from leukoscope.core.errors import CohortError
from leukoscope.core.progress import track
from leukoscope.data.cnmc.identity import identify as identify_file
from leukoscope.data.cnmc.official import (
    DIGEST_BYTES,
    PARTS,
    TOP_FOLDER,
    OfficialImage,
    official_images,
)
from leukoscope.data.cnmc.verification import Finding, Status, Verification
from leukoscope.data.imaging.formats import SUFFIXES

_LEVELS = (
    frozenset({"training_data", "validation_data", "testing_data"}),
    frozenset(part.casefold() for part in PARTS),
    frozenset({"all", "hem"}),
)
_OFFICIAL_FOLDERS = frozenset().union(*_LEVELS, {TOP_FOLDER.casefold()})


def verify(root: Path | str, *, jobs: int | None = None) -> Verification:
    """Compare a folder with the official C-NMC 2019 manifest.

    Args:
        root: Folder to verify. Linked folders are not entered, and no link is followed out of it.
        jobs: Number of threads that read and hash; by default one per processor.

    Returns:
        Which images are present, missing, altered, misplaced or extra.

    Raises:
        CohortError: `root` is not a folder or cannot be listed.
    """
    root = Path(root)
    if not root.is_dir():
        what = "is a file; unpack it and name the folder" if root.exists() else "does not exist"
        raise CohortError(f"{root}: {what}. Name a folder that holds a copy of C-NMC 2019.")
    top = root.resolve()
    paths, settled, others = _scan(top)
    lead: list[str] = []
    for name in reversed(top.parts):
        if name.casefold() not in _OFFICIAL_FOLDERS:
            break
        lead.insert(0, name)
    judged: list[tuple[Path, Status, OfficialImage | None]] = []
    with ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool:
        digests = track(pool.map(_digest, paths), "verifying", len(paths))
        for path, digest in zip(paths, digests, strict=True):
            inside = path.relative_to(top).parts
            judged.append((path, *identify([*lead, *inside[:-1]], inside[-1], digest)))
        told = list(_tell_repeated(judged))
        shown = pool.map(_official_picture, *zip(*told, strict=True)) if told else ()
        pictures = list(track(shown, "comparing pixels", len(told)))
    hashed = [
        Finding(_shown_path(path, top), status, image.path if image else "", picture)
        for (path, status, image), picture in zip(told, pictures, strict=True)
    ]
    findings = tuple(sorted([*settled, *hashed], key=lambda finding: finding.path))
    identified = {finding.official for finding in findings}
    missing = tuple(image.path for image in official_images() if image.path not in identified)
    return Verification(str(root), findings, missing, others)


def identify(
    folders: Sequence[str], name: str, digest: bytes | None
) -> tuple[Status, OfficialImage | None]:
    """Identify one file by its place, name and content.

    Args:
        folders: Folders above the file, outermost first.
        name: File name.
        digest: First 16 bytes of its SHA-256; b"" if no official image has its size, None if it
            could not be read.

    Returns:
        The status, before repeated copies are marked, and the official image that it is.
    """
    named, hashed = _index()
    place = [folder.casefold() for folder in folders]
    candidates = sorted(
        named.get(name.casefold(), ()), key=lambda image: _support(image, place), reverse=True
    )
    if same := hashed.get(digest or b"", ()):
        for image in candidates:
            if image in same:
                return ("misplaced" if _support(image, place) < 0 else "present"), image
        return "renamed", same[0]
    # A bare number such as 17.bmp is a C-NMC name only in an official folder; UID_... always is.
    needed = 1 if name.split(".")[0].isdecimal() else 0
    claimed = candidates[0] if candidates and _support(candidates[0], place) >= needed else None
    if digest is None:
        return "unreadable", claimed
    return ("altered", claimed) if claimed else ("extra", None)


def _support(image: OfficialImage, place: Sequence[str]) -> int:
    """Number of levels of the official path that the folders confirm; -1 if one contradicts."""
    official = set(image.path.casefold().split("/")[:-1])
    support = 0
    for level in _LEVELS:
        nearest = next((folder for folder in reversed(place) if folder in level), None)
        if nearest and official & level:
            if nearest not in official:
                return -1
            support += 1
    return support


@lru_cache(maxsize=1)
def _index() -> tuple[dict[str, list[OfficialImage]], dict[bytes, list[OfficialImage]]]:
    """Index the official images by lower-case name and by digest (106 pairs share a digest)."""
    named: dict[str, list[OfficialImage]] = {}
    hashed: dict[bytes, list[OfficialImage]] = {}
    for image in official_images():
        named.setdefault(image.name.casefold(), []).append(image)
        hashed.setdefault(image.digest, []).append(image)
    return named, hashed


def _scan(top: Path) -> tuple[list[Path], list[Finding], int]:
    """List image files below `top` to hash, findings without hashing, and count other files."""
    paths: list[Path] = []
    settled: list[Finding] = []
    others = 0
    folders = [top]
    while folders:
        folder = folders.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError as error:
            if folder == top:
                raise CohortError(f"{top}: cannot be listed ({error.strerror}).") from None
            settled.append(Finding(_shown_path(folder, top), "unreadable", ""))
            continue
        for entry in entries:
            path = Path(entry.path)
            is_image = path.suffix.lower() in SUFFIXES and not entry.name.startswith("._")
            if entry.is_dir(follow_symlinks=False):
                folders += [path] if entry.name != "__MACOSX" else []
            elif entry.is_symlink() and not _leads_inside(path, top):
                if is_image or entry.is_dir():
                    settled.append(Finding(_shown_path(path, top), "linked", ""))
            elif is_image and path.is_file():
                paths.append(path)
            else:  # includes a pipe or device named like an image: opening it could block
                others += 1
    return paths, settled, others


def _leads_inside(path: Path, top: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(top)


def _digest(path: Path) -> bytes | None:
    """First bytes of a file's SHA-256; b"" if its size is not official, None if unreadable."""
    try:
        with path.open("rb", buffering=0) as file:
            if os.fstat(file.fileno()).st_size not in _official_sizes():
                return b""
            return hashlib.file_digest(file, "sha256").digest()[:DIGEST_BYTES]
    except OSError:
        return None


def _official_picture(path: Path, status: Status, image: OfficialImage | None) -> str:
    """The official path of what a file shows; by its pixels only if its bytes are not official."""
    if status not in ("altered", "extra"):
        return image.path if image and status != "unreadable" else ""
    return identify_file(path).official


@lru_cache(maxsize=1)
def _official_sizes() -> frozenset[int]:
    return frozenset(image.size for image in official_images())


def _tell_repeated(
    judged: Sequence[tuple[Path, Status, OfficialImage | None]],
) -> Iterator[tuple[Path, Status, OfficialImage | None]]:
    """Keep one file per official image, the one in its right place first; mark others repeated."""
    ranks: dict[Status, int] = {"present": 0, "misplaced": 1, "renamed": 2}
    taken: set[str] = set()
    for path, status, image in sorted(judged, key=lambda row: (ranks.get(row[1], 3), row[0])):
        if image and status in ranks:
            if (
                status == "renamed"
            ):  # of the images with this digest, one that is not identified yet
                twins = _index()[1][image.digest]
                image = next((twin for twin in twins if twin.path not in taken), image)
            status = "repeated" if image.path in taken else status
            taken.add(image.path)
        yield path, status, image


def _shown_path(path: Path, top: Path) -> str:
    return _printable(path.relative_to(top).as_posix())


def _printable(text: str) -> str:
    """Replace control characters and undecodable bytes, which must not reach a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
