import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from leukoscope.core.statistics import wilson_interval


@given(
    st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.floats(0.5, 0.999),
)
def test_agrees_with_statsmodels(counts, confidence):
    k, n = counts
    expected = proportion_confint(k, n, alpha=1 - confidence, method="wilson")
    assert wilson_interval(k, n, confidence) == pytest.approx(expected, abs=1e-9)
    low, high = wilson_interval(k, n, confidence)
    assert 0 <= low <= k / n <= high <= 1


def test_no_trials_tell_nothing():
    assert wilson_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("k", "n", "confidence"), [(-1, 3, 0.95), (4, 3, 0.95), (1, 3, 1.0), (1, 3, 0.0)]
)
def test_impossible_counts_are_refused(k, n, confidence):
    with pytest.raises(ValueError, match="expected"):
        wilson_interval(k, n, confidence)
