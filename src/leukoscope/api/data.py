"""Data sets: read, describe, audit, report, split, synthesize."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from leukoscope.api.extras import needs_train_extra
from leukoscope.core.cores import usable_cores
from leukoscope.core.errors import CohortError
from leukoscope.core.files import keep_inputs
from leukoscope.core.seeds import require_seed
from leukoscope.data.cohort import Cohort, require_cells, write_cohort
from leukoscope.data.splits.splits import FRACTIONS

if TYPE_CHECKING:
    import pandas

    from leukoscope.data.audit.result import AuditResult
    from leukoscope.data.splits.partition import Split

Source: TypeAlias = "Cohort | pandas.DataFrame | Path | str"
"""A data set in any of the forms that `read_cohort` accepts."""


def read_cohort(
    source: Source,
    *,
    labels: Mapping[str, str] | Path | str | None = None,
    columns: Mapping[str, str] | str | None = None,
    subject_pattern: str | None = None,
    only: Path | str | None = None,
) -> Cohort:
    """Read a folder of images or a table of cells.

    Args:
        source: The official C-NMC tree in any of its layouts, a folder per class, or a .csv, .jsonl
            or .parquet table or DataFrame with the column `path` and, where known, `label`,
            `subject`, `person` and `fold`. A cohort is returned as it is.
        labels: Words for the classes in folders and tables, as in "all=blasts,hem=healthy" or a
            mapping; "unknown=debris" for cells of neither. Or the path of the official label file
            of the preliminary set, where it is not inside the tree.
        columns: Headings of the table, as in "path=file,subject=patient" or a mapping.
        subject_pattern: Regular expression that finds the subject in the path of an image: its
            group `subject`, else its first group. Official names and subjects of a table count
            first.
        only: List of the images to keep: a text file with one name per line, a table with the
            column `path`, or "cnmc-7071", the images of C-NMC of the published results.

    Raises:
        CohortError: Nothing readable there; the message lists what is accepted.
    """
    cohort = _read_cohort(source, labels, columns, subject_pattern)
    if only is None:
        return cohort
    from leukoscope.data.only import select_only

    return select_only(cohort, only)


def _read_cohort(
    source: Source,
    labels: Mapping[str, str] | Path | str | None,
    columns: Mapping[str, str] | str | None,
    subject_pattern: str | None,
) -> Cohort:
    """The whole data set, as for `read_cohort`."""
    from leukoscope.data.options import NO_OPTIONS, reading_options
    from leukoscope.data.readers.label_check import check_labels
    from leukoscope.data.readers.layout import read_cohort as read_path

    file = None
    if isinstance(labels, Path) or (isinstance(labels, str) and "=" not in Path(labels).name):
        file, labels = labels, None
    options = reading_options(labels=labels, columns=columns, subject_pattern=subject_pattern)
    if isinstance(source, Path | str):
        return read_path(Path(source), labels=file, options=options)
    if file is not None:
        raise CohortError(f"a table has its own labels; leave out {file}.")
    if isinstance(source, Cohort):
        if options != NO_OPTIONS:
            raise CohortError("the cohort was read before; give these options when you read it.")
        return source
    cohort = Cohort.from_pandas(source, options=options)
    require_cells(cohort)
    return check_labels(cohort, options.words)


def audited(
    source: Source,
    *,
    jobs: int | None = None,
    hashed: bool = True,
    data_source: str | None = None,
    data_license: str | None = None,
) -> Cohort:
    """Read a cohort whose persons and cells are linked; audit it now if that is not done yet.

    Args:
        source: As for `read_cohort`. The images of an audit's table are hashed again.
        jobs: Threads; by default one for each core.
        hashed: Hash the images again and check them against the audit. A caller who hashes them
            later does this then: see `require_audited`.
        data_source: As for `audit`.
        data_license: As for `audit`.

    Raises:
        CohortError: Images changed since the audit, were not read by it, or cannot be opened; or
            the rows are of several audits.
    """
    from leukoscope.data.audit.checked import require_one_audit, require_readable, up_to_date
    from leukoscope.data.label_conflicts import check_official
    from leukoscope.data.sources import declared

    jobs = jobs or usable_cores()
    cohort = declared(read_cohort(source), data_source, data_license)
    if "cell" not in cohort:
        cohort = audit(cohort, jobs=jobs).cohort
    else:
        require_one_audit(cohort)
        cohort = check_official(up_to_date(cohort, jobs=jobs)) if hashed else cohort
    if hashed:
        require_readable(cohort)
    return cohort


def describe_data(source: Source) -> dict[str, Any]:
    """Count cells by class and fold, subjects, persons and image sizes; with remarks.

    Args:
        source: As for `read_cohort`.
    """
    from leukoscope.data.readers.layout import describe

    return describe(read_cohort(source))


def audit(
    source: Source,
    *,
    out: Path | str | None = None,
    jobs: int | None = None,
    data_source: str | None = None,
    data_license: str | None = None,
    against: Path | str | None = None,
    cluster: bool = False,
) -> "AuditResult":
    """Find copies, images of one cell, and subject ids that belong to one person.

    Args:
        source: As for `read_cohort`.
        out: Folder for cohort.csv (with the persons), pairs.csv and audit.html (pairs to check by
            eye).
        jobs: Threads; by default one for each core.
        data_source: Name of the data set; by default what the column `data_source` says. Official
            images of C-NMC 2019 are recognized. The same subject id in two data sets is two
            subjects.
        data_license: Its license, for the card of a model.
        against: Folder of an existing audit: the images of `source` are compared with those of the
            audit and with each other. The result has the rows of both.
        cluster: Read the images on a Ray cluster, whose machines see them under the same path: that
            of RAY_ADDRESS, or one of this machine. The pairs are searched here.

    Raises:
        MissingExtraError: The extra `cluster` is not installed.
        CohortError: There is no cell; most labels contradict the official images; or the images of
            the audit named by `against` changed since, or have another label or id in `source`.
    """
    with needs_train_extra("data audit"):
        from leukoscope.data.audit.against import audit_against, read_audit
        from leukoscope.data.audit.audit import audit as find_pairs
        from leukoscope.data.audit.cluster import scan_on_cluster
        from leukoscope.data.audit.contact_sheet import write_contact_sheet
    from leukoscope.core.ray_cluster import connected
    from leukoscope.core.tables import write_table
    from leukoscope.data.sources import declared

    cohort = declared(read_cohort(source), data_source, data_license)
    require_cells(cohort)
    if out is not None and "cell" not in cohort:  # a table of an audit may be written again
        keep_source([Path(out) / "cohort.csv"], cohort)
    jobs = jobs or usable_cores()
    with connected() if cluster else nullcontext():
        scanner = scan_on_cluster if cluster else None
        if against is None:
            result = find_pairs(cohort, jobs=jobs, scanner=scanner)
        else:
            before = read_audit(Path(against))
            result = audit_against(cohort, before, jobs=jobs, scanner=scanner)
    if out is not None:
        folder = Path(out)
        write_cohort(result.cohort, folder / "cohort.csv")
        write_table(folder / "pairs.csv", result.pairs)
        if result.descriptors is not None:
            result.descriptors.save(folder)
        write_contact_sheet(result, folder / "audit.html")
    return result


def keep_source(outputs: Sequence[Path | str | None], source: Source) -> None:
    """Refuse to write a file over the data set that is read: its table, or one of its images.

    Args:
        outputs: Files to write; None for one that is not asked for.
        source: As for `read_cohort`.

    Raises:
        FileError: An output is an input, or is named twice.
    """
    inputs: list[object] = [source]
    if isinstance(source, Cohort):
        there = any(output is not None and Path(output).exists() for output in outputs)
        inputs = [source.source, *(source.paths if there else ())]
    keep_inputs(outputs, inputs)


def report_data(source: Source, out: Path | str, *, jobs: int | None = None) -> Path:
    """Draw counts, image sizes, colors and outliers of a data set into one HTML page.

    Args:
        source: As for `read_cohort`.
        out: Folder for the page and for measurements.csv.
        jobs: Threads; by default one for each core.

    Returns:
        The path of the page.
    """
    with needs_train_extra("data report"):
        from leukoscope.data.overview.report import TABLE_NAME, write_report
    cohort = read_cohort(source)
    keep_source([Path(out) / TABLE_NAME], cohort)
    return write_report(cohort, Path(out), jobs=jobs or usable_cores())


def make_synthetic(out: Path | str, *, persons: int = 24, cells: int = 25, seed: int = 0) -> Cohort:
    """Draw a cohort of synthetic cells, laid out like C-NMC and labeled synthetic.

    Args:
        out: Folder to write.
        persons: Number of persons.
        cells: Cells per person.
        seed: Random seed.
    """
    from leukoscope.data.synthetic.cohort import draw_cohort

    return draw_cohort(Path(out), persons=persons, cells_per_person=cells, seed=seed)


def split(
    source: Source,
    *,
    out: Path | str | None = None,
    kind: str = "person",
    seed: int = 0,
    fractions: Sequence[float] = FRACTIONS,
    jobs: int | None = None,
) -> "Split":
    """Divide a cohort into train, validation and test subsets.

    Args:
        source: As for `read_cohort`; audited first if that was not done before.
        out: File to write, for `train`.
        kind: "person", "subject", "official", or "image" (leaky).
        seed: Random seed.
        fractions: Wanted fractions of train, validation and test.
        jobs: Threads of the audit; by default one for each core.

    Raises:
        SplitError: The cohort cannot be divided like this.
    """
    from leukoscope.data.splits.splits import split_cohort, write_split

    seed = require_seed(seed)  # before the long work
    keep_source([out], source)
    cohort = audited(source, jobs=jobs)
    keep_source([out], cohort)
    made = split_cohort(cohort, kind, fractions=fractions, seed=seed)
    if out is not None:
        write_split(made, Path(out))
    return made
