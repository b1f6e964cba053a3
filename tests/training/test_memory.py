import numpy as np
import pytest

from leukoscope.training import memory
from leukoscope.training.memory import EXPORT, expected_peak, fit_arrays


def test_a_fit_holds_copies_for_each_thread() -> None:
    values = np.zeros((10, 4), np.float32)
    assert fit_arrays(values, 3) == 3 * fit_arrays(values, 1) == 3 * 2 * 8 * 40


def test_the_exporter_counts_only_where_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "peak_memory", lambda: 5)
    monkeypatch.setattr(memory, "_held", lambda _: 100)
    monkeypatch.delitem(memory.sys.modules, "onnxscript", raising=False)
    assert expected_peak(7, exports=False) == 107
    assert expected_peak(7) == 107 + EXPORT
