"""Predict the cells of a cohort, and measure their files, in one pass over the images."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from math import nan
from pathlib import Path

import numpy as np

from leukoscope.core.errors import ImageError
from leukoscope.core.progress import track
from leukoscope.core.tables import text_column
from leukoscope.core.verdicts import Verdict
from leukoscope.data.cnmc.identity import UNREAD, Identity, identity_columns
from leukoscope.data.cohort import Cohort
from leukoscope.data.hashing import UNREADABLE, with_flags
from leukoscope.data.imaging.foreground import nonblack_mask
from leukoscope.data.imaging.image import decode, read_bytes
from leukoscope.inference.predictor import Predictor


@dataclass(frozen=True)
class _Cell:
    """The results for one image; those that it could not give have their defaults."""

    identity: Identity = UNREAD
    area: float = nan
    p_all: float = nan
    logit: float = nan
    verdict: Verdict = Verdict.ERROR


def predict_cells(
    cohort: Cohort, model: Path | None, *, jobs: int = 2
) -> tuple[Cohort, np.ndarray]:
    """Predict every cell; each image is read and decoded once.

    Args:
        cohort: N cells.
        model: The model file; None for the one that ships with the package.
        jobs: Threads, each of which holds one image at a time.

    Returns:
        The cohort with `p_all` and `logit` (nan where the network was not run), `verdict`, and the
        columns of `data.cnmc.identity` of the files now; a file that cannot be read gets "" and the
        flag "unreadable". And the areas of the cells in pixels, (N,), nan where an image cannot be
        decoded.

    Raises:
        ModelFileError: The model cannot be opened, or the network fails to run.
    """
    cells = list(track(_cells(cohort, model, jobs), "Predicting", total=len(cohort)))
    flags = [
        with_flags(old, *[UNREADABLE] * (not cell.identity.sha256))
        for old, cell in zip(cohort["flags"], cells, strict=True)
    ]
    predicted = cohort.with_columns(
        **identity_columns([cell.identity for cell in cells]),
        flags=text_column(flags),
        p_all=np.array([cell.p_all for cell in cells]),
        logit=np.array([cell.logit for cell in cells]),
        verdict=np.array([str(cell.verdict) for cell in cells], dtype=object),
    )
    return predicted, np.array([cell.area for cell in cells])


def _cells(cohort: Cohort, model: Path | None, jobs: int) -> Iterator[_Cell]:
    predictor = Predictor(model)
    pool = ThreadPoolExecutor(max(1, jobs))
    try:
        yield from pool.map(lambda path: _cell(path, predictor), cohort.paths)
    finally:
        pool.shutdown(cancel_futures=True)


def _cell(path: Path, predictor: Predictor) -> _Cell:
    try:
        content = read_bytes(path)
    except ImageError:
        return _Cell()
    digest = sha256(content).hexdigest()
    try:
        image = decode(content)
    except ImageError:
        return _Cell(Identity.of(digest, None))
    (prediction,) = predictor.predict_batch([image])
    return _Cell(
        Identity.of(digest, image),
        float(nonblack_mask(image).sum()),
        nan if prediction.p_all is None else prediction.p_all,
        nan if prediction.logit is None else prediction.logit,
        prediction.verdict,
    )
