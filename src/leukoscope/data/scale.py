"""The scale of the images of a cohort: µm per pixel, and where each number is from."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from leukoscope.core.wording import count
from leukoscope.data.cnmc.frames import has_official_frame
from leukoscope.data.cohort import Cohort
from leukoscope.data.imaging.opening import open_picture
from leukoscope.data.imaging.scale import CNMC_UM_PER_PX, differs
from leukoscope.data.sources import CNMC, is_official, row_sources
from leukoscope.data.synthetic.notice import is_synthetic_cohort

COLUMN, FROM = "um_per_px", "scale_from"
"""Columns of a cohort: the scale of an image, and where it is from. Both are optional."""
UNKNOWN, SYNTHETIC, TABLE = "unknown", "synthetic", "table"
TEST_FOLDS = ("prelim", "final")
"""Folds of the official test sets, whose images have numbers as names."""
ALIKE = 0.01
"""Relative difference of two scales that are the same."""


@dataclass(frozen=True)
class Scale:
    """Scale of a set of images.

    Attributes:
        um_per_px: µm per pixel of all images; None if it is unknown for some, or differs.
        sources: Number of images by where their scale is from: "C-NMC 2019" (its own, derived from
            the size of its cells), "given", "file", "red cells", "table", "synthetic" or "unknown".
    """

    um_per_px: float | None
    sources: Mapping[str, int]

    def __post_init__(self) -> None:
        if self.um_per_px is not None and not self.um_per_px > 0:
            raise ValueError("um_per_px must be above 0")

    @property
    def unknown(self) -> int:
        """Number of images of unknown scale."""
        return self.sources.get(UNKNOWN, 0)

    def text(self) -> str:
        """The scale and its sources in a phrase."""
        sources = ", ".join(f"{name}: {number:,}" for name, number in self.sources.items())
        if self.um_per_px is not None:
            return f"{self.um_per_px:.4g} µm per pixel ({sources})"
        return f"{'unknown' if self.unknown else 'not the same for all images'} ({sources})"


def scale_of(cohort: Cohort) -> Scale:
    """Find the scale of the images of a cohort.

    Args:
        cohort: The cells. Images have the scale of the column `um_per_px`, if there is one. Without
            it, those of C-NMC have C-NMC's own, by content, or by name if the picture has the size
            of official ones; another size means that it was resized, so its scale is unknown.
    """
    values, sources = _rows(cohort)
    known = values[np.isfinite(values)]
    middle = float(np.median(known)) if known.size else None
    same = middle is not None and np.all(np.abs(values / middle - 1) <= ALIKE)
    return Scale(middle if same else None, dict(Counter(sources).most_common()))


def scale_advice(cohort: Cohort) -> str:
    """Advice if the scale of images is unknown or not C-NMC's; "" if it is C-NMC's."""
    values, _ = _rows(cohort)
    unknown = int(np.sum(~np.isfinite(values)))
    if unknown:
        return (
            f"The scale of {unknown:,} of {count(len(values), 'image')} is unknown. Size is "
            f"diagnostic, and models see cells at {CNMC_UM_PER_PX} µm per pixel, the scale of "
            "C-NMC. Cut the cells out of their fields with leukoscope cells --um-per-px NUMBER, or "
            "name the scale in the column um_per_px."
        )
    other = sum(differs(value) for value in values)
    if not other:
        return ""
    return (
        f"The scale of {other:,} of {count(len(values), 'image')} is not that of C-NMC, "
        f"{CNMC_UM_PER_PX} µm per pixel, so sizes are not comparable. leukoscope cells writes "
        "images at that scale."
    )


def _rows(cohort: Cohort) -> tuple[np.ndarray, list[str]]:
    """Scale of each image in µm per px, nan if unknown, and where it is from."""
    if is_synthetic_cohort(cohort):
        return np.full(len(cohort), CNMC_UM_PER_PX), [SYNTHETIC] * len(cohort)
    stated = stated_scales(cohort)
    origin = cohort[FROM] if FROM in cohort else [""] * len(cohort)
    values, sources = [], []
    of_cnmc = _of_cnmc(cohort, ~np.isfinite(stated))
    for is_cnmc, value, source in zip(of_cnmc, stated, origin, strict=True):
        if is_cnmc:
            value, source = CNMC_UM_PER_PX, CNMC
        values.append(value)
        sources.append((str(source) or TABLE) if np.isfinite(value) else UNKNOWN)
    return np.array(values, np.float64), sources


def _of_cnmc(cohort: Cohort, asked: np.ndarray) -> np.ndarray:
    """Mask of the rows, among those asked for, whose image has C-NMC's own scale, bool `(n,)`."""
    official = is_official(cohort)
    found = []
    for row, names in enumerate(row_sources(cohort)):
        fold = cohort["fold"][row]
        named = asked[row] and (CNMC in names or fold in TEST_FOLDS)
        found.append(named and (official[row] or _is_whole(Path(cohort["path"][row]), fold)))
    return np.array(found, bool)


def _is_whole(path: Path, fold: str) -> bool:
    """False if a picture has another size than official ones; true if it cannot be opened."""
    try:
        with open_picture(path) as picture:
            return has_official_frame(path.name, picture.size, fold)
    except Exception:  # decoders of hostile bytes raise nearly anything; reading reports it
        return True


def stated_scales(cohort: Cohort) -> np.ndarray:
    """The column of scales in µm per pixel, `(n,)`; nan for what is no number above 0."""
    if COLUMN not in cohort:
        return np.full(len(cohort), np.nan)
    values = np.array([_number(value) for value in cohort[COLUMN]], np.float64)
    values[~(np.isfinite(values) & (values > 0))] = np.nan
    return values


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return float("nan")
