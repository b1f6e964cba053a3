"""Outlier reasons and the two small statistics behind them, against SciPy and scikit-learn."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import median_abs_deviation
from sklearn.metrics import roc_auc_score

from leukoscope.data.imaging.features import FEATURES
from leukoscope.data.overview.outliers import auroc, outlier_reasons, robust_z

numbers = st.lists(st.integers(-5, 5), min_size=1, max_size=30)


def table(rows=40):
    """Measurements of ordinary cells, half ALL and half HEM, with a little spread."""
    spread = np.linspace(0.9, 1.1, rows)
    columns = dict.fromkeys(FEATURES, 100 * spread)
    columns |= {"pieces": np.ones(rows), "border": np.zeros(rows)}
    columns |= {"label": np.arange(rows) % 2, "problem": np.full(rows, "", object)}
    return columns


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=50))
def test_robust_z_is_the_distance_in_robust_standard_deviations(values):
    scale = median_abs_deviation(values, scale="normal")
    found = robust_z(values)
    if scale > 1e-9:
        np.testing.assert_allclose(
            found, (values - np.median(values)) / scale, rtol=1e-4, atol=1e-9
        )
    elif scale == 0:
        assert not found.any()


def test_robust_z_leaves_unknown_values_out():
    found = robust_z([1, 2, 3, np.nan])
    assert found[1] == 0
    assert np.isnan(found[3])
    assert np.isnan(robust_z([np.nan])).all()


@given(numbers, numbers)
def test_auroc_equals_scikit_learn(positive, negative):
    label = [1] * len(positive) + [0] * len(negative)
    assert auroc(positive, negative) == pytest.approx(roc_auc_score(label, positive + negative))


def test_auroc_of_one_class_is_unknown():
    assert np.isnan(auroc([], [1.0]))
    assert np.isnan(auroc([1.0], []))


def test_ordinary_cells_give_no_reason():
    assert set(outlier_reasons(table())) == {""}


def test_every_oddity_is_named():
    odd = table()
    odd["area"][0] = 1000.0
    odd["sharpness"][1] = 1.0
    odd["pieces"][2] = 3
    odd["border"][3] = 0.1
    odd["border"][4] = 1.0
    odd["problem"][5] = "cut short"
    odd["area"][6] = 0
    odd["green"][7] = 300.0
    for name in FEATURES:
        odd[name][5] = np.nan
    found = outlier_reasons(odd)
    wanted = [
        "area .* above its class",
        "sharpness .* below its class",
        "3 separate pieces",
        "touches the border",
        "not on black",
        "cut short",
        "no cell",
        "mean green .* above its class",
    ]
    for reason, pattern in zip(found, wanted, strict=False):
        assert re.search(pattern, reason)
    assert set(found[8:]) == {""}


def test_a_class_is_judged_by_itself():
    apart = table()
    apart["area"] = np.where(apart["label"] == 1, 10.0, 1.0) * apart["area"]
    assert set(outlier_reasons(apart)) == {""}
    apart["area"][0] = 1000.0  # ordinary for an ALL cell, huge for this HEM cell
    assert "area" in outlier_reasons(apart)[0]
