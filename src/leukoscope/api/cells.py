"""Cut the white cells out of smear pictures."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from leukoscope.api.extras import needs_train_extra
from leukoscope.core.cores import usable_cores
from leukoscope.core.errors import CohortError, LeukoscopeError

if TYPE_CHECKING:
    from leukoscope.data.smear.result import CellsResult


def cells(
    fields: Path | str | Iterable[Path | str],
    *,
    out: Path | str,
    um_per_px: float | None = None,
    keep: Collection[str] = (),
    labels: Mapping[str, str] | str | None = None,
    subject_pattern: str | None = None,
    match_color: bool = False,
    segmenter: str = "classical",
    jobs: int | None = None,
) -> "CellsResult":
    """Find the white cells of stained smear fields and cut each out in the form of C-NMC.

    A cell becomes an image of 450 x 450 px on black at C-NMC's scale. Platelets, dirt, smudges,
    cells cut by the border and cells with a lobed nucleus are found and left out, with the reason.

    Args:
        fields: Pictures of any background: files, folders or patterns; also crops of single cells.
        out: Folder to create, for images, cells.csv (a cohort), objects.csv, fields.csv and sheets.
        um_per_px: µm per pixel of the fields; by default what the files state, else an estimate
            from the red cells of all fields, which are taken to be of one microscope.
        keep: Reasons that do not count, such as "lobed nucleus".
        labels: Words for the classes in folder names, as for `read_cohort`.
        subject_pattern: Regular expression that finds the subject in a path, as for `read_cohort`.
        match_color: Match the colors of the cells, all by one transformation, to C-NMC's.
        segmenter: "classical", or "cellpose" or "stardist" where installed.
        jobs: Threads; by default one for each core.

    Raises:
        CohortError: No picture there, or the folder has other content.
        LeukoscopeError: An unknown reason or segmenter, or an impossible scale.
        MissingExtraError: OpenCV or the segmenter is not installed.
    """
    with needs_train_extra("cells"):
        from leukoscope.data.imaging.resolution import COARSEST, FINEST
        from leukoscope.data.smear.collect import SmearSettings
        from leukoscope.data.smear.found import LEAVE_OUT
        from leukoscope.data.smear.result import write_cells
        from leukoscope.data.smear.segmenters import named_segmenter
    from leukoscope.data.options import reading_options
    from leukoscope.data.unused_options import check_pattern, check_words

    unknown = [name for name in keep if name not in set(LEAVE_OUT)]
    if unknown:
        words = ", ".join(repr(str(flag)) for flag in LEAVE_OUT)
        raise LeukoscopeError(f"--keep {unknown[0]!r}: unknown reason; choose one of {words}.")
    if um_per_px is not None and not FINEST <= um_per_px <= COARSEST:
        raise LeukoscopeError(
            f"--um-per-px {um_per_px}: a microscope that shows nuclei has {FINEST} to {COARSEST} "
            "µm per pixel; with a 100x objective about 0.05 to 0.1."
        )
    settings = SmearSettings(
        um_per_px=um_per_px,
        keep=tuple(keep),
        segmenter=named_segmenter(segmenter),
        options=reading_options(labels=labels, subject_pattern=subject_pattern),
        match_color=match_color,
        jobs=jobs or usable_cores(),
    )
    files = _files(fields)
    source = files[0].parent if len(files) == 1 else "the pictures"
    check_pattern(settings.options, source, files, [""] * len(files))
    check_words(settings.options, source, {part for path in files for part in path.parts[:-1]})
    return write_cells(files, _free(Path(out)), settings)


def _files(fields: Path | str | Iterable[Path | str]) -> list[Path]:
    from leukoscope.inference.sources import expand

    sources = expand(fields)
    if len(sources) == 1 and sources[0].problem:
        raise CohortError(f"{sources[0].path}: {sources[0].problem}.")
    return [source.path for source in sources]


def _free(out: Path) -> Path:
    try:
        taken = out.exists() and (not out.is_dir() or any(out.iterdir()))
    except OSError as error:
        raise CohortError(f"{out}: cannot be read ({error.strerror}).") from error
    if taken:
        raise CohortError(f"{out}: exists already; name a new folder, or delete this one first.")
    return out
