"""Write the predictions of an official test set in the form of the ISBI 2019 challenge."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from leukoscope.api.model import read_card
from leukoscope.api.predict_cells import predict_cells
from leukoscope.core.cores import usable_cores
from leukoscope.core.errors import CohortError, ModelFileError
from leukoscope.core.tables import write_table
from leukoscope.core.wording import count as counted
from leukoscope.data.cnmc.cnmc import ALL, HEM, LABEL_NAMES, fold_of
from leukoscope.data.cohort import Cohort, make_cohort
from leukoscope.data.test_sets import SetCheck, check_set, number_of, of_test_set
from leukoscope.evaluation.submission import write_submission
from leukoscope.inference.named_model import split_model

if TYPE_CHECKING:
    from leukoscope.inference.model_file.card import Card

NOT_CHECKED = 3
"""Exit code if not every image is known to be the official one."""


@dataclass(frozen=True)
class Submission:
    """The predictions of a test set, as written.

    Attributes:
        path: The ZIP for the challenge.
        table: A CSV with number, path, p_all and label of each image.
        counts: Number of images predicted as ALL and as HEM.
        threshold: The probability from which an image is predicted as ALL.
        check: What differs from the official set.
        seen: Number of images that the model was trained on.
    """

    path: Path
    table: Path
    counts: dict[str, int]
    threshold: float
    check: SetCheck
    seen: int

    @property
    def notes(self) -> list[str]:
        """Remarks that a reader of the score needs, a line each."""
        seen = f"The model was trained on {self.seen} of these images." if self.seen else ""
        return [*self.check.lines(), *filter(None, [seen])]

    @property
    def exit_code(self) -> int:
        """0 if all images are the official ones, `NOT_CHECKED` otherwise."""
        return 0 if self.check.is_official else NOT_CHECKED


def submission(
    data: Path | str,
    model: Path | str | None = None,
    *,
    out: Path | str = "submission.zip",
    test_set: str = "final",
    threshold: float = 0.5,
    jobs: int | None = None,
) -> Submission:
    """Write the predictions of an official test set in the form of the ISBI 2019 challenge.

    The form is a ZIP with the file `isbi_valid.predict`: a line per image in the order 1.bmp,
    2.bmp, ...; 1 for ALL and 0 for HEM. It is read back as a scorer does.

    Args:
        data: Folder of the test set, or of a copy of C-NMC 2019 with it.
        model: Model file or run folder; by default the model that ships with the package.
        out: The .zip to write; a .csv with the probabilities is written beside it.
        test_set: "final" or "preliminary".
        threshold: Probability from which an image is predicted as ALL.
        jobs: Threads; by default one for each core.

    Raises:
        CohortError: An image of the set is missing, repeated, under the name of another one, or has
            no probability; or other images are in the folder.
    """
    if not 0 < threshold < 1:
        raise CohortError(f"--threshold {threshold}: give a probability between 0 and 1.")
    out = Path(out)
    if out.suffix.lower() != ".zip":  # before the work
        raise CohortError(f"{out}: the challenge requires a ZIP; give a name that ends in .zip.")
    file = _model_file(model)
    cells, _ = predict_cells(_images(Path(data), test_set), file, jobs=jobs or usable_cores())
    check = check_set(test_set, cells)
    if not check.is_whole:
        raise CohortError(
            f"{data}: not the official {test_set} test set. {' '.join(check.lines())} "
            "The challenge requires one answer for each image, by its number."
        )
    order = np.argsort([number_of(path) or 0 for path in cells["path"]], kind="stable")
    cells = cells.select(order)
    lost = [str(path) for path in cells["path"][np.isnan(cells["p_all"])]]
    if lost:
        raise CohortError(
            f"{counted(len(lost), 'image', 'has')} no probability, so no answer: "
            f"{', '.join(lost[:3])}."
        )
    labels = np.where(cells["p_all"] >= threshold, ALL, HEM)
    write_submission(out, labels.tolist())
    table = out.with_suffix(".csv")
    names = np.array([LABEL_NAMES[label] for label in labels], dtype=object)
    numbers = np.array([number_of(path) for path in cells["path"]])
    columns = {"number": numbers, "path": cells["path"], "p_all": cells["p_all"], "label": names}
    write_table(table, columns)
    counts = {LABEL_NAMES[label]: int(np.sum(labels == label)) for label in (ALL, HEM)}
    return Submission(out, table, counts, threshold, check, _seen(read_card(file), cells))


def _model_file(model: Path | str | None) -> Path | None:
    """The model file that was named; None for the shipped one."""
    if model is None:
        return None
    file, others = split_model([Path(model)], None)
    if others:
        raise ModelFileError(f"{model}: no model file and no finished run.")
    return file


def _images(folder: Path, test_set: str) -> Cohort:
    """The images of a test set as a cohort without labels."""
    from leukoscope.inference.sources import expand

    if not folder.is_dir():
        raise CohortError(f"{folder}: no such folder; name the folder of the {test_set} test set.")
    sources = expand(folder)
    if all(source.problem for source in sources):
        why = next((source.problem for source in sources), "no image there")
        raise CohortError(f"{folder}: {why}. Name the folder of the {test_set} test set.")
    paths = [source.path.absolute() for source in sources]
    folds = [fold_of(path.parts[:-1]) for path in paths]
    table = {"path": [str(path) for path in paths], "fold": folds}
    return of_test_set(make_cohort(table, source=str(folder)), test_set)


def _seen(card: "Card", cells: Cohort) -> int:
    return card.overlap([], [], cells["sha256"], cells["pixel_sha256"]).hashes
