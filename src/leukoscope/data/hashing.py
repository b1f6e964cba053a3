"""Hash the files of a cohort, and add flags to its cells."""

from concurrent.futures import ThreadPoolExecutor

from leukoscope.core.progress import track
from leukoscope.core.tables import text_column
from leukoscope.data.cohort import Cohort

UNREADABLE = "unreadable"
"""Flag of an image that cannot be opened or decoded."""


def hash_cells(cohort: Cohort, *, jobs: int = 2) -> Cohort:
    """Fill `sha256`, `pixel_sha256` and `official` from the files as they are now.

    A file that cannot be read gets "" and the flag "unreadable"; one that cannot be decoded, or has
    one color, has no `pixel_sha256`. A file is decoded only if its bytes are not those of its row.

    Args:
        cohort: The cells. The hashes in it are not trusted.
        jobs: Number of threads.
    """
    from leukoscope.data.cnmc.identity import identify, identity_columns, known_identities

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        found = pool.map(identify, cohort["path"], known_identities(cohort.columns))
        images = list(track(found, "Hashing images", total=len(cohort)))
    pairs = zip(cohort["flags"], images, strict=True)
    flags = [with_flags(old, *[UNREADABLE] * (not image.sha256)) for old, image in pairs]
    return cohort.with_columns(**identity_columns(images), flags=text_column(flags))


def with_flags(flags: str, *names: str) -> str:
    """Add flags to a text of flags, each once."""
    return ";".join(dict.fromkeys([*filter(None, flags.split(";")), *names]))
