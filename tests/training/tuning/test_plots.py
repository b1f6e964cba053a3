import numpy as np
import pytest

from leukoscope.training.tuning.plots import setting_importance, study_history


@pytest.mark.parametrize(
    ("minimize", "best"), [(False, [0.6, 0.6, 0.7, 0.7]), (True, [0.6, 0.5, 0.5, 0.4])]
)
def test_history_draws_the_best_of_complete_trials(minimize: bool, best: list[float]) -> None:
    sheet = study_history(
        [0, 1, 2, 3, 5],
        [0.6, 0.5, 0.9, 0.7, 0.4],
        [True, True, False, True, True],
        name="AUROC",
        minimize=minimize,
    )
    (axes,) = sheet.axes
    (line,) = axes.lines
    np.testing.assert_allclose(line.get_xdata(), [0, 1, 3, 5])
    np.testing.assert_allclose(line.get_ydata(), best)
    stopped, complete = (found.get_offsets() for found in axes.collections)
    np.testing.assert_allclose(stopped, [[2, 0.9]])
    assert len(complete) == 4
    assert axes.get_ylabel() == "AUROC on validation persons"


def test_history_without_a_complete_trial() -> None:
    (axes,) = study_history([0], [float("nan")], [False], name="loss").axes
    assert not axes.lines


def test_importance_has_the_largest_on_top() -> None:
    (axes,) = setting_importance({"loss.l2": 0.7, "network.dropout": 0.3}).axes
    widths = [bar.get_width() for bar in axes.patches]
    names = [tick.get_text() for tick in axes.get_yticklabels()]
    assert list(zip(names, widths, strict=True)) == [("network.dropout", 0.3), ("loss.l2", 0.7)]
