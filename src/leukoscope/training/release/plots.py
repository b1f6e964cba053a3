"""Plots of the out-of-fold predictions of a release model."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from leukoscope.core import plot_style
from leukoscope.core.drawn import mark_drawn
from leukoscope.core.files import atomic_path
from leukoscope.core.statistics import sigmoid
from leukoscope.evaluation.metrics.bootstrap import REPLICATES, reliability_band
from leukoscope.evaluation.metrics.calibration import reliability_curve
from leukoscope.evaluation.metrics.metrics import UNTEMPERED
from leukoscope.evaluation.report.plots import reliability_diagram
from leukoscope.evaluation.report.plots_persons import person_strip
from leukoscope.evaluation.report.plots_selection import risk_coverage_curve
from leukoscope.training.release.publish import ReleasedModel

DPI = 90  # a page shows them at their own size


def release_figures(model: ReleasedModel) -> Mapping[str, Figure]:
    """Reliability, risk against coverage, and the cells of each person, by file name."""
    label, person = model.cohort["label"], model.cohort["person"]
    p, threshold = model.predictions.p, model.predictions.threshold
    results, selection = model.results, model.results.selection
    before = reliability_curve(label, sigmoid(model.predictions.logit))
    return {
        "shipped-reliability": reliability_diagram(
            label,
            p,
            reliability_curve(label, p),
            ece=results.metrics["ece"],
            before=(before, results.metrics[UNTEMPERED.key].value),
            band=reliability_band(label, p, person, replicates=REPLICATES, seed=0),
        ),
        "shipped-risk-coverage": risk_coverage_curve(
            label,
            p,
            person,
            threshold,
            aurc=selection.aurc,
            point=(selection.answered.value, selection.error_answered.value),
        ),
        "shipped-persons": person_strip(label, p, person, results.persons, threshold),
    }


def write_release_figures(model: ReleasedModel, folder: Path) -> list[Path]:
    """Write the figures as PNG into a folder; the same predictions give the same bytes."""
    paths = []
    for name, figure in release_figures(model).items():
        path = folder / f"{name}.png"
        with atomic_path(path) as temporary:
            temporary.write_bytes(plot_style.to_png(figure, DPI))
        paths.append(path)
    mark_drawn(paths)
    return paths
