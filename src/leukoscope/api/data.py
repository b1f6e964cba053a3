"""Verbs about data sets: read, describe, verify, audit, draw, split, synthesize."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukoscope.api.extras import needs_train_extra
from leukoscope.data.cohort import Cohort, write_cohort
from leukoscope.data.splits.splits import FRACTIONS

if TYPE_CHECKING:
    from leukoscope.data.audit.audit import AuditResult
    from leukoscope.data.cnmc.verification import Verification
    from leukoscope.data.splits.partition import Split

Source = Cohort | Path | str


def read_cohort(source: Source, labels: Path | None = None) -> Cohort:
    """Read a folder of images or a table of cells.

    Args:
        source: The official C-NMC tree in any of its layouts, a folder per class, or a .csv, .jsonl
            or .parquet table with path and, where known, label, subject and person. A cohort is
            passed on.
        labels: The official label file of the preliminary set, where it is not inside the tree.

    Raises:
        CohortError: Nothing readable there; the message lists what is accepted.
    """
    from leukoscope.data.readers.layout import read_cohort as read

    return source if isinstance(source, Cohort) else read(Path(source), labels=labels)


def audited(source: Source, jobs: int = 2) -> Cohort:
    """The cohort with persons and cells linked; audited now where that was not done before."""
    cohort = read_cohort(source)
    return cohort if "cell" in cohort else audit(cohort, jobs=jobs).cohort


def describe_data(source: Source) -> dict[str, Any]:
    """What is in a data set: cells by class and fold, subjects, persons, image sizes, remarks."""
    from leukoscope.data.readers.layout import describe

    return describe(read_cohort(source))


def verify_data(folder: Path | str, jobs: int | None = None) -> "Verification":
    """Compare a copy of C-NMC 2019 with the official list of names and hashes."""
    from leukoscope.data.cnmc.manifest import verify

    return verify(Path(folder), jobs=jobs)


def download(target: Path, confirm: Callable[[list[str]], bool]) -> "Verification | None":
    """Fetch C-NMC 2019 after showing its size, license and citation; None if `confirm` declines."""
    from leukoscope.data.cnmc.download import download_cnmc

    return download_cnmc(target, confirm=confirm)


def audit(source: Source, out: Path | str | None = None, jobs: int = 2) -> "AuditResult":
    """Find copies, images of one cell, and subject ids that are one person.

    Args:
        source: See `read_cohort`.
        out: Folder for cohort.csv (with the persons), pairs.csv and audit.html (pairs to check
            by eye).
        jobs: Threads.
    """
    with needs_train_extra("data audit"):
        from leukoscope.data.audit.audit import audit as find
        from leukoscope.data.audit.contact_sheet import write_contact_sheet
    from leukoscope.core.tables import write_table

    result = find(read_cohort(source), jobs=jobs)
    if out is not None:
        folder = Path(out)
        write_cohort(result.cohort, folder / "cohort.csv")
        write_table(folder / "pairs.csv", result.pairs)
        write_contact_sheet(result, folder / "audit.html")
    return result


def report_data(source: Source, out: Path | str, jobs: int = 2) -> Path:
    """Draw what there is to know of a data set into one HTML file; measurements.csv beside it."""
    with needs_train_extra("data report"):
        from leukoscope.data.overview.explore import explore
    return explore(read_cohort(source), Path(out), jobs=jobs)


def make_synthetic(out: Path | str, persons: int = 24, cells: int = 25, seed: int = 0) -> Cohort:
    """Write a cohort of drawn cells, laid out like C-NMC and labeled synthetic."""
    from leukoscope.data.synthetic import draw_cohort as draw

    return draw(Path(out), persons=persons, cells_per_person=cells, seed=seed)


def split(
    source: Source,
    out: Path | str | None = None,
    kind: str = "person",
    seed: int = 0,
    fractions: Sequence[float] = FRACTIONS,
) -> "Split":
    """Divide a cohort into train, validation and test; write the split where `out` names a file."""
    from leukoscope.data.splits.splits import split_cohort, write_split

    made = split_cohort(audited(source), kind, fractions=fractions, seed=seed)
    if out is not None:
        write_split(made, Path(out))
    return made
