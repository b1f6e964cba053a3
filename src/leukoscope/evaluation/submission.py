"""The file that the ISBI 2019 challenge on C-NMC required: a ZIP with `isbi_valid.predict`.

That is a text file with one line per image, in the order of the numbers that name the images: 1 for
ALL, 0 for HEM. Source: entries whose code is public, such as Y. Pan et al.,
"Neighborhood-correction algorithm for classification of normal and malignant cells", ISBI 2019
C-NMC challenge.
"""

from collections.abc import Sequence
from pathlib import Path
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

from leukoscope.core.errors import CohortError
from leukoscope.core.files import atomic_path
from leukoscope.core.wording import count as counted

MEMBER = "isbi_valid.predict"
_DATE = (1980, 1, 1, 0, 0, 0)  # the same answers give the same bytes
_LONGEST = 4  # bytes of a line, with a blank or a carriage return


def write_submission(path: Path | str, labels: Sequence[int]) -> None:
    """Write the answers, and read them back as a scorer does.

    Args:
        path: The .zip file to write.
        labels: 1 (ALL) or 0 (HEM) for each image, in the order of the official numbers.

    Raises:
        CohortError: A label is neither 0 nor 1, or the name does not end in .zip.
    """
    path = Path(path)
    if path.suffix.lower() != ".zip":
        raise CohortError(f"{path}: the challenge requires a ZIP; give a name that ends in .zip.")
    with atomic_path(path) as temporary:
        with ZipFile(temporary, "w") as archive:
            member = ZipInfo(MEMBER, _DATE)
            member.compress_type = ZIP_DEFLATED
            archive.writestr(member, "".join(f"{int(label)}\n" for label in labels))
        read_submission(temporary, len(labels))


def read_submission(path: Path | str, count: int) -> list[int]:
    """Read the answers, with the checks that the scorer needs.

    Args:
        path: The ZIP.
        count: Number of images of the test set.

    Raises:
        CohortError: The ZIP has another content than the one file; that file has another number of
            lines; or a line is neither 0 nor 1.
    """
    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
            if names != [MEMBER]:
                raise CohortError(f"{path}: has to contain {MEMBER} alone, and contains {names}.")
            if archive.getinfo(MEMBER).file_size > _LONGEST * (count + 1):
                raise CohortError(f"{path}: {MEMBER} is too long for {count:,} answers.")
            lines = archive.read(MEMBER).decode("ascii", "replace").splitlines()
    except (OSError, BadZipFile) as error:
        raise CohortError(f"{path}: cannot be read as a ZIP ({error}).") from error
    if len(lines) != count:
        raise CohortError(
            f"{path}: has {counted(len(lines), 'answer')}; the set has {counted(count, 'image')}."
        )
    for number, line in enumerate(lines, start=1):
        if line.strip() not in ("0", "1"):
            raise CohortError(f"{path}, line {number}: {line[:20]!r} is neither 1 (ALL) nor 0.")
    return [int(line) for line in lines]
