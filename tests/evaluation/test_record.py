"""Reports of earlier versions stay readable when a metric is added."""

from dataclasses import replace

import pytest

from leukoscope.evaluation import record
from leukoscope.evaluation.metrics.metrics import METRICS


def test_a_later_metric_is_undefined_in_an_older_report(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = next(metric for metric in METRICS if metric.needs_threshold)
    ranks = next(metric for metric in METRICS if not metric.needs_threshold)
    later = [
        replace(plain, key="new", added=True),
        replace(ranks, key="new_rank", added=True),
    ]
    monkeypatch.setattr(record, "METRICS", (*METRICS, *later))
    body: dict[str, dict[str, object]] = {"metrics": {}, "metrics_at_half": {"new": 1}}
    record._add_later_metrics(body)
    assert {"new", "new_rank"} <= set(body["metrics"])
    assert body["metrics_at_half"] == {"new": 1}
    del body["metrics_at_half"]["new"]
    record._add_later_metrics(body)
    assert set(body["metrics_at_half"]) == {"new"}
