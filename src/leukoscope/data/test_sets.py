"""The two official test sets of C-NMC 2019: select their images, and check that they are complete.

Their files are named 1.bmp, 2.bmp, ... Answers are compared by this number only, so an image under
the number of another one would be scored against the wrong label.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from leukoscope.core.errors import CohortError
from leukoscope.core.files import natural_key
from leukoscope.core.wording import count
from leukoscope.data.cnmc.cnmc import FINAL, PRELIMINARY
from leukoscope.data.cnmc.copies import SAME_PERSON, by_official_path
from leukoscope.data.cnmc.official import DIGEST_BYTES, OfficialImage, official_images
from leukoscope.data.cohort import Cohort

TEST_SETS = {"preliminary": ("prelim", PRELIMINARY), "final": ("final", FINAL)}
"""Name of a test set to its fold in a cohort and its official folder."""
LEAKING_SUBJECT = "55"
"""Subject of the preliminary set who is in the training set, as 51, 75 and 78."""
_NUMBER = re.compile(r"[1-9][0-9]{0,4}")
_SHOWN = 3


@dataclass(frozen=True)
class SetCheck:
    """The differences from an official test set.

    Attributes:
        name: "preliminary" or "final".
        expected: Number of images of the official set.
        missing: Official file names without an image.
        repeated: Numbers with more than one image.
        extra: Paths whose name is no number of the set.
        renamed: Paths with the content of another image of the set.
        unofficial: Paths whose content is of no image of the set.
    """

    name: str
    expected: int
    missing: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()
    unofficial: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """True if every number has exactly one image, and none has the content of another."""
        return not (self.missing or self.repeated or self.extra or self.renamed)

    @property
    def is_official(self) -> bool:
        """True if the images are the official ones, all of them."""
        return self.is_whole and not self.unofficial

    def lines(self) -> list[str]:
        """The differences, a line each; one line that says so if there are none."""
        found = {
            "are missing": self.missing,
            "are present more than once": self.repeated,
            "are not named by a number of the set": self.extra,
            "have the content of another image of the set": self.renamed,
            "have a content that is not official": self.unofficial,
        }
        differing = [
            f"{self.name} set of {self.expected:,} images: {len(names):,} {what}: "
            f"{', '.join(names[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''}."
            for what, names in found.items()
            if names
        ]
        all_there = f"All {self.expected:,} images of the official {self.name} set, by content."
        return differing or [all_there]


def of_test_set(cohort: Cohort, name: str) -> Cohort:
    """The images of a test set in a larger copy of the data; all images if no folder names it.

    Raises:
        CohortError: No such test set, or only images of other official parts.
    """
    if name not in TEST_SETS:
        raise CohortError(f"{name!r} is no official test set; choose {' or '.join(TEST_SETS)}.")
    fold, folder = TEST_SETS[name]
    rows = np.flatnonzero(cohort["fold"] == fold)
    if len(rows):
        return cohort.select(rows)
    if any(cohort["fold"]):
        raise CohortError(
            f"{cohort.source}: holds other parts of C-NMC 2019, but no image in a folder {folder}."
        )
    return cohort


def require_some_of_set(name: str, cells: Cohort) -> None:
    """Refuse images of which none is an official one of a test set.

    Args:
        name: "preliminary" or "final".
        cells: The images with the columns of `data.cnmc.identity`.

    Raises:
        CohortError: There is no image of the set, by content.
    """
    images = set_images(name)
    own = {image.digest for image in images}
    if not any(digests & own for digests in _digests(cells)):
        _, folder = TEST_SETS[name]
        raise CohortError(
            f"{cells.source}: none of {count(len(cells), 'image')} has the content of an image of "
            f"the {name} set of C-NMC 2019, so all {len(images):,} are missing. Name a copy of the "
            f"data with the folder {folder}; other cells are measured without --set."
        )


def number_of(path: Path | str) -> int | None:
    """The number that names an image of a test set; None for another name."""
    stem = Path(path).stem
    return int(stem) if _NUMBER.fullmatch(stem) else None


def check_set(name: str, cells: Cohort) -> SetCheck:
    """Compare images with an official test set.

    Args:
        name: "preliminary" or "final".
        cells: The images with the columns of `data.cnmc.identity`.
    """
    official = {number_of(image.name): image for image in set_images(name)}
    numbers = [number_of(path) for path in cells["path"]]
    found = Counter(number for number in numbers if number in official)
    by_digest = {image.digest for image in official.values()}
    extra: list[str] = []
    renamed: list[str] = []
    unofficial: list[str] = []
    for path, number, digests in zip(cells["path"], numbers, _digests(cells), strict=True):
        if number not in official:
            extra.append(str(path))
        elif official[number].digest not in digests:
            (renamed if digests & by_digest else unofficial).append(str(path))
    return SetCheck(
        name,
        len(official),
        missing=tuple(image.name for number, image in official.items() if number not in found),
        repeated=tuple(official[number].name for number, times in found.items() if times > 1),
        extra=tuple(extra),
        renamed=tuple(renamed),
        unofficial=tuple(unofficial),
    )


def set_images(name: str) -> list[OfficialImage]:
    """The images of a test set in the order of their numbers."""
    _, folder = TEST_SETS[name]
    images = [image for image in official_images() if image.path.split("/")[2] == folder]
    return sorted(images, key=lambda image: natural_key(image.name))


def is_leaking(cells: Cohort) -> np.ndarray:
    """Mask of the cells of the preliminary set's subject who is in the training set too."""
    own = np.isin(cells["subject"], [LEAKING_SUBJECT])
    return own | (np.isin(cells["person"], list(SAME_PERSON)) & (cells["official"] != ""))


def _digests(cells: Cohort) -> Sequence[set[bytes]]:
    """The digests of the official files that each image is: its own, and by its pixels."""
    of_path = {image.path: image.digest for image in official_images()}
    found = []
    for sha256, path in zip(cells["sha256"], cells["official"], strict=True):
        digests = {bytes.fromhex(sha256)[:DIGEST_BYTES]} if sha256 else set()
        if path:
            digests.add(of_path[path])
            copy = by_official_path().get(path)
            digests.update(copy.digests if copy else ())
        found.append(digests)
    return found
