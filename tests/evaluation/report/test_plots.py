import io
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from leukoscope.core.plot_style import ACCENT_COLOR
from leukoscope.core.values import Estimate
from leukoscope.evaluation.metrics.bootstrap import curve_bands, reliability_band
from leukoscope.evaluation.metrics.calibration import reliability_curve
from leukoscope.evaluation.metrics.confusion import Confusion
from leukoscope.evaluation.report import plots, plots_cells
from leukoscope.evaluation.report.plots_persons import person_strip
from leukoscope.evaluation.summary import person_rows
from tests.evaluation.tables import table

pytestmark = pytest.mark.slow(4)

CELLS = table()
LABEL, P, PERSON = CELLS["label"], CELLS["p_all"], CELLS["person"]
BANDS = curve_bands(LABEL, P, PERSON, replicates=50)
FIGURE = Estimate(0.9, 0.8, 0.95)
LOG = {
    "epoch": [1, 2, 3],
    "train_loss": [3, 2, 1],
    "validation_loss": [3, "", 2],
    "validation_auroc": [0.5, 0.6, 0.7],
}


def drawn() -> dict[str, Figure]:
    rows = person_rows(LABEL, P, PERSON, 0.4)
    return {
        "confusion": plots.confusion_matrices(
            [("a", Confusion(5, 1, 2, 4)), ("b", Confusion(0, 0, 2, 4))]
        ),
        "roc": plots.roc_curve(LABEL, P, 0.4, auroc=FIGURE, band=BANDS["roc"]),
        "pr": plots.precision_recall_curve(
            LABEL, P, 0.4, average_precision=FIGURE, band=BANDS["precision_recall"]
        ),
        "reliability": plots.reliability_diagram(LABEL, P, reliability_curve(LABEL, P), ece=FIGURE),
        "decision": plots.decision_curve(LABEL, P),
        "strip": person_strip(LABEL, P, PERSON, rows, 0.4),
        "size": plots_cells.size_dependence(LABEL, P, CELLS["area"]),
        "learning": plots_cells.learning_curves(LOG, best_epoch=2),
    }


FIGURES = drawn()


@pytest.mark.parametrize("name", FIGURES)
def test_every_plot_renders_with_labeled_axes(name):
    figure = FIGURES[name]
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=40)
    assert np.asarray(Image.open(file).convert("L")).std() > 5
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert all(axes.get_xlabel() or axes.get_ylabel() for axes in shown)


def test_confusion_matrices_show_the_counts():
    texts = [text.get_text() for text in FIGURES["confusion"].axes[0].texts]
    assert texts == ["5\n83.3%", "1\n16.7%", "2\n33.3%", "4\n66.7%"]


def test_the_operating_point_lies_on_the_roc_curve():
    axes = FIGURES["roc"].axes[0]
    (point,) = [line for line in axes.lines if str(line.get_label()).startswith("operating point")]
    x, y = point.get_xydata()[0]
    assert x == pytest.approx(np.mean(P[LABEL == 0] >= 0.4))
    assert y == pytest.approx(np.mean(P[LABEL == 1] >= 0.4))


def test_the_strip_shows_each_cell_once_and_persons_from_the_worst_down():
    axes = FIGURES["strip"].axes[0]
    assert sum(len(dots.get_offsets()) for dots in axes.collections) == len(P)
    rows = person_rows(LABEL, P, PERSON, 0.4)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [row.person for row in rows]


def test_a_person_has_the_operating_point_of_the_model_that_answered():
    rows = person_rows(LABEL, P, PERSON, 0.4)
    own = np.where(rows[0].person == PERSON, 0.3, 0.4)
    axes = person_strip(LABEL, P, PERSON, rows, own).axes[0]
    drawn = [
        line.get_xdata()[0]
        for line in axes.lines
        if line.get_color() == ACCENT_COLOR and len(line.get_xdata())
    ]
    assert drawn == [own[row.person == PERSON][0] for row in rows]
    assert "its operating point" in [line.get_label() for line in axes.lines]


def test_reliability_is_drawn_before_and_after_with_the_range_over_persons():
    curve, band = reliability_curve(LABEL, P), reliability_band(LABEL, P, PERSON)
    before = reliability_curve(LABEL, P**2)
    figure = plots.reliability_diagram(
        LABEL, P, curve, ece=FIGURE, before=(before, 0.25), band=band
    )
    title = "no temperature: ECE 0.250"
    (drawn,) = [line for line in figure.axes[0].lines if line.get_label() == title]
    assert drawn.get_xdata().tolist() == list(before.stated)


def test_learning_curves_draw_a_panel_for_each_pair_and_leave_gaps():
    loss, auroc = [axes for axes in FIGURES["learning"].axes if axes.get_visible()]
    assert (loss.get_title(loc="left"), auroc.get_title(loc="left")) == ("loss", "auroc")
    assert np.isnan(loss.lines[1].get_ydata()[1])
    assert [line.get_label() for line in auroc.lines] == ["validation", "kept"]


def test_without_persons_to_resample_curves_have_no_band():
    bands = curve_bands(LABEL, P, np.full(len(P), ""))
    figure = plots.roc_curve(LABEL, P, 0.4, auroc=FIGURE, band=bands["roc"])
    assert not figure.axes[0].collections


def test_plots_leave_pyplot_alone():
    code = (
        "import sys, leukoscope.evaluation.report.plots, leukoscope.evaluation.report.plots_cells;"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
