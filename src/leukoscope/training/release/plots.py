"""Pictures of a model that has seen everyone: what its like said of persons left out."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from leukoscope.core.files import atomic_path
from leukoscope.evaluation.metrics.bootstrap import REPLICATES, reliability_band
from leukoscope.evaluation.metrics.calibration import reliability_curve, sigmoid
from leukoscope.evaluation.metrics.metrics import UNTEMPERED
from leukoscope.evaluation.report.plots import reliability_diagram
from leukoscope.evaluation.report.plots_persons import person_strip
from leukoscope.evaluation.report.plots_selection import risk_coverage_curve
from leukoscope.training.release.final_fit import ReleasedModel

DOTS = 90  # per inch: a page shows them at their own size


def pictures(made: ReleasedModel) -> Mapping[str, Figure]:
    """Reliability, risk against coverage, and the cells of each person, by the name of the file."""
    label, person, said = made.cohort["label"], made.cohort["person"], made.answers
    before = reliability_curve(label, sigmoid(said.logit))
    selection = made.selection
    return {
        "shipped-reliability": reliability_diagram(
            label,
            said.p,
            reliability_curve(label, said.p),
            ece=made.figures["ece"],
            before=(before, made.figures[UNTEMPERED.key].value),
            band=reliability_band(label, said.p, person, replicates=REPLICATES, seed=0),
        ),
        "shipped-risk-coverage": risk_coverage_curve(
            label,
            said.p,
            person,
            said.threshold,
            aurc=selection.aurc,
            point=(selection.answered.value, selection.error_answered.value),
        ),
        "shipped-persons": person_strip(label, said.p, person, made.rows, said.threshold),
    }


def write_pictures(made: ReleasedModel, folder: Path) -> list[Path]:
    """Write them as PNG into a folder; the same answers give the same bytes."""
    paths = []
    for name, picture in pictures(made).items():
        path = folder / f"{name}.png"
        with atomic_path(path) as temporary:
            picture.savefig(temporary, format="png", dpi=DOTS, metadata={"Software": None})
        paths.append(path)
    return paths
