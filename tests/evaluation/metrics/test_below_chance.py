"""An AUROC whose interval is below 0.5 is remarked on wherever an AUROC is stated."""

from dataclasses import replace

import pytest

from leukoscope.core.values import Cells, Estimate, MetricResult
from leukoscope.evaluation.comparison.text import chance_remarks
from leukoscope.evaluation.leakage.record import ProtocolResult, Study
from leukoscope.evaluation.leakage.text import warnings as leakage_warnings
from leukoscope.evaluation.metrics.below_chance import below_chance
from leukoscope.evaluation.report.text import warnings
from leukoscope.modelcard.facts import CardSource
from leukoscope.modelcard.statements import warnings as card_warnings
from tests.evaluation.made_runs import made_entry
from tests.inference.tiny_model import tiny_card

SWAPPED = Estimate(0.2, 0.1, 0.3)


@pytest.mark.parametrize(
    "auroc",
    [None, Estimate(0.2), Estimate(0.4, 0.3, 0.5), Estimate(0.9, 0.8, 1.0), Estimate(float("nan"))],
)
def test_without_an_interval_below_one_half_there_is_no_remark(auroc: Estimate | None) -> None:
    assert below_chance(auroc) == ""


def test_reports_comparisons_studies_and_cards_say_it() -> None:
    entry = made_entry("swapped")
    evaluation = replace(entry.evaluation, metrics={**entry.evaluation.metrics, "auroc": SWAPPED})
    assert below_chance(SWAPPED) in warnings(evaluation)
    remarks = chance_remarks([entry, replace(entry, evaluation=evaluation)])
    assert remarks == [f"swapped: {below_chance(SWAPPED)}"]
    result = ProtocolResult("cnn", "person", {}, {"auroc": SWAPPED}, (), {})
    study = Study("", False, (), (result,))
    assert leakage_warnings(study) == [f"cnn, split by person: {below_chance(SWAPPED)}"]
    held = MetricResult.of(SWAPPED, Cells("test", 9, 90))
    card = replace(tiny_card(), results={"auroc": held})
    assert below_chance(SWAPPED) in card_warnings(CardSource(card))
