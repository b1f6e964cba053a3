"""Measure a model on the official preliminary test set, with and without the leaking subject."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from leukoscope.api.data import Source, audited, read_cohort
from leukoscope.api.evaluate import check_overlap, labeled, measure, opened
from leukoscope.api.extras import needs_train_extra
from leukoscope.api.predict_cells import predict_cells
from leukoscope.core.cores import usable_cores
from leukoscope.core.files import atomic_path
from leukoscope.core.json_files import json_text
from leukoscope.data.audit.checked import require_audited, require_readable
from leukoscope.data.test_sets import (
    LEAKING_SUBJECT,
    SetCheck,
    check_set,
    is_leaking,
    of_test_set,
    require_some_of_set,
)
from leukoscope.inference.model_file.model_file import read_card

if TYPE_CHECKING:
    from leukoscope.evaluation.comparison.published import PublishedResult
    from leukoscope.evaluation.record import Evaluation

NAME = "preliminary"
CELLS = ("auroc", "balanced_accuracy", "sensitivity", "specificity")
PERSONS = ("persons_auroc", "person_macro_balanced_accuracy")
INCOMPLETE = 3
"""Exit code if the images are not the official set, all of it."""


@dataclass(frozen=True)
class PreliminaryResult:
    """The performance on the official preliminary test set.

    Attributes:
        whole: On all its labeled cells.
        without: Without the subject who is in the training set too; None if no cell is of another.
        check: What differs from the official set.
        published: Results that others published on the official test sets.
    """

    whole: "Evaluation"
    without: "Evaluation | None"
    check: SetCheck
    published: "tuple[PublishedResult, ...]"

    def rows(self) -> list[tuple[str, str, str]]:
        """Metric, value on the whole set, and value without the leaking subject."""
        rows = _values(self.whole)
        others = dict(_values(self.without)) if self.without else {}
        return [(title, value, others.get(title, "none")) for title, value in rows]

    @property
    def exit_code(self) -> int:
        """0 for the whole official set, `INCOMPLETE` for other images."""
        return 0 if self.check.is_official else INCOMPLETE

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        return {
            "check": self.check.lines(),
            "is_official": self.check.is_official,
            "metrics": [
                {"metric": title, "all": value, f"without {LEAKING_SUBJECT}": other}
                for title, value, other in self.rows()
            ],
            "trained_on_some": self.whole.overlap,
            "published": [vars(one) for one in self.published],
        }


def evaluate_preliminary(
    run: Path | str,
    data: Source,
    *,
    labels: Path | str | None = None,
    allow_overlap: bool = False,
    out: Path | str | None = None,
    jobs: int | None = None,
) -> PreliminaryResult:
    """Measure a model on the official preliminary test set, with the leaking subject and without.

    Subject 55 of the set is in the training set, as the person {51 75 78}. On the whole set an
    overlap of this person is therefore allowed, and marked.

    Args:
        run: Run folder or model file.
        data: A copy of C-NMC 2019 with the set, or the folder of the set alone.
        labels: Its label file, if it is not inside the folder.
        allow_overlap: Evaluate although other persons or images are shared with the training data.
        out: Folder for both reports and preliminary.json; by default beside the model.
        jobs: Threads; by default one for each core.

    Raises:
        CohortError: No image has the content of one of the set, or none has a label.
        LeakageError: The model was trained on other persons of the set.
    """
    jobs = jobs or usable_cores()
    with needs_train_extra("evaluate"):
        from leukoscope.evaluation.comparison.published import read_challenge

    own_run, model = opened(run)
    card = read_card(model)
    cells = audited(of_test_set(read_cohort(data, labels=labels), NAME), jobs=jobs)
    require_some_of_set(NAME, cells)
    cells = labeled(cells)
    others = np.flatnonzero(~is_leaking(cells))
    check_overlap(card, cells.select(others), allow_overlap)
    predicted, area = predict_cells(cells, model, jobs=jobs)
    require_audited(cells, predicted)
    if np.isnan(predicted["p_all"]).all():
        require_readable(predicted, "Put them back where the table names them.")
    some = predicted.select(others)
    shared = check_overlap(card, some, allow_overlap)  # again, now with the hash of every image
    folder = Path(out) if out else model.with_name(f"{NAME}-{model.stem}")
    overlap = check_overlap(card, predicted, True)
    whole = measure(card, own_run, predicted, area, "all", overlap, folder)
    without = whole if len(others) else None
    if 0 < len(others) < len(cells):
        place = folder / f"without-{LEAKING_SUBJECT}"
        without = measure(card, own_run, some, area[others], "all", shared, place)
    result = PreliminaryResult(whole, without, check_set(NAME, predicted), read_challenge())
    with atomic_path(folder / f"{NAME}.json") as temporary:
        temporary.write_text(json_text(result.to_dict()), "utf-8")
    return result


def _values(one: "Evaluation") -> list[tuple[str, str]]:
    """The metrics of the challenge first, then of cells, then of persons."""
    from leukoscope.evaluation.metrics.metrics import TITLES
    from leukoscope.evaluation.report.person_answers import metric_rows

    title = TITLES["f1_weighted"]
    rows = [
        (
            "Cells of persons",
            f"{sum(one.cells[k] for k in ('ALL', 'HEM')):,} of {sum(one.person_count.values())}",
        ),
        (f"{title} at 0.5", str(one.metrics_at_half["f1_weighted"])),
        (f"{title} at the operating point", str(one.metrics["f1_weighted"])),
        *((TITLES[key], str(one.metrics[key])) for key in (*CELLS, *PERSONS)),
    ]
    if one.person_answers is not None:
        rows += [(name, value) for name, value, _ in metric_rows(one.person_answers)[:6]]
    return rows
