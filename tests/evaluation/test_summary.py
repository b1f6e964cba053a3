import json
from dataclasses import replace

import numpy as np
import pytest

from leukoscope.core.errors import LeukoscopeError
from leukoscope.core.values import Overlap
from leukoscope.evaluation.metrics.bootstrap import bootstrap_metrics
from leukoscope.evaluation.metrics.operating_point import choose_operating_point
from leukoscope.evaluation.record import Evaluation, Protocol
from leukoscope.evaluation.report import text as summary_text
from leukoscope.evaluation.summary import (
    confident_errors,
    evaluate_table,
    person_rows,
)
from leukoscope.evaluation.table import scored_cells
from tests.evaluation.tables import PERSONS, table

PROTOCOL = Protocol(
    split="by person",
    model="cnn",
    data="synthetic",
    split_seed=3,
    persons={"train": ("7", "H8"), "validation": PERSONS, "test": ("1", "2")},
    cells={"train": 90, "test": 40},
    chosen_on={"operating point": "validation"},
    temperature=1.5,
    notes=("a note",),
)


def evaluate(columns, protocol=PROTOCOL, **options):
    validation = table(9)
    point = choose_operating_point(validation["label"], validation["p_all"], validation["person"])
    return evaluate_table(
        scored_cells(columns), operating_point=point, protocol=protocol, replicates=100, **options
    )


def test_the_record_holds_what_was_measured():
    cells = table()
    record = evaluate(cells, seed=4)
    threshold = record.operating_point.threshold
    columns = cells["label"], cells["p_all"], cells["person"]
    assert record.metrics == bootstrap_metrics(
        *columns, threshold=threshold, replicates=100, seed=4
    )
    assert record.metrics_at_half["mcc"].value != record.metrics["mcc"].value
    assert "auroc" not in record.metrics_at_half
    assert record.person_count == {"ALL": 6, "HEM": 5}
    assert record.confusion.cells == record.confusion_at_half.cells == len(cells["label"])
    assert (
        record.calibration.ece_untempered != record.calibration.ece == record.metrics["ece"].value
    )
    assert not record.leaky


def test_json_comes_back_as_it_went():
    record = evaluate(table())
    assert Evaluation.from_json(record.to_json()) == record
    assert json.loads(record.to_json())["notice"] == "Research use only. Not for diagnosis."


def test_the_record_keeps_the_form_of_earlier_files():
    record = evaluate(table(), replace(PROTOCOL, overlap=Overlap(("5",), hashes=2)))
    body = json.loads(record.to_json())
    assert body["operating_point"]["persons"] == list(PERSONS)
    assert body["operating_point"]["cells"] == record.operating_point.set_on.cells
    assert body["protocol"]["overlap_persons"] == ["5"]
    assert body["protocol"]["overlap_images"] == 2
    del body["protocol"]["overlap_subjects"]  # of earlier versions
    assert Evaluation.from_json(json.dumps(body)) == record
    assert {"value", "low", "high", "reason"} == set(body["metrics"]["auroc"])
    old = record.to_json().replace("unlabeled", "unlabelled")
    assert Evaluation.from_json(old) == record


def test_json_of_undefined_figures_is_valid_and_comes_back():
    cells = {name: values[table()["label"] == 0] for name, values in table().items()}
    text = evaluate(cells).to_json()
    assert "NaN" not in text
    assert json.loads(text)["metrics"]["auroc"]["value"] is None
    back = Evaluation.from_json(text)
    assert np.isnan(back.metrics["auroc"].value)
    assert back.to_json() == text


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": "other/1"}', '{"format": "leukoscope-evaluation/1"}']
)
def test_other_json_is_refused_in_one_line(text):
    with pytest.raises(LeukoscopeError, match="not an evaluation") as caught:
        Evaluation.from_json(text)
    assert "\n" not in str(caught.value)


def test_cells_without_label_or_probability_are_left_out_and_counted():
    cells = table()
    whole = evaluate(cells)
    more = {name: np.concatenate([values, values[:3]]) for name, values in cells.items()}
    more["label"][-3:-1] = -1
    more["p_all"][-1] = np.nan
    record = evaluate(more)
    assert (record.cells["unlabeled"], record.cells["without probability"]) == (2, 1)
    assert record.metrics == whole.metrics
    assert "2 unlabeled and 1 without probability" in summary_text.summary(record)[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"p_all": None}, "lacks the column 'p_all'"),
        ({"p_all": np.full(3, 1.2)}, "outside 0 to 1"),
        ({"p_all": np.full(2, 0.5)}, "differ in length"),
        ({"label": np.full(3, -1)}, "None of 3 cells"),
        ({"p_all": np.full(3, np.nan)}, "None of 3 cells"),
    ],
)
def test_tables_that_cannot_be_evaluated(change, message):
    columns = {
        "label": np.array([1, 0, 1]),
        "p_all": np.full(3, 0.5),
        "person": np.array(["a", "b", "a"]),
    }
    columns = {name: values for name, values in (columns | change).items() if values is not None}
    with pytest.raises(LeukoscopeError, match=message):
        scored_cells(columns)


def test_person_rows_worst_first_with_subjects_in_natural_order():
    label = [1, 1, 1, 0, 0, 0]
    p = [0.9, 0.1, 0.9, 0.1, 0.1, 0.9]
    person = ["2", "2", "1", "H1", "H1", ""]
    rows = person_rows(label, p, person, 0.5, ["10", "2", "1", "H1", "H1", "x"])
    assert [(row.person, row.label, row.right, row.cells) for row in rows] == [
        ("2", "ALL", 1, 2),
        ("1", "ALL", 1, 1),
        ("H1", "HEM", 2, 2),
    ]
    assert rows[0].subjects == ("2", "10")
    assert rows[0].low < rows[0].share == 0.5 < rows[0].high
    assert rows[0].mean_p == pytest.approx(0.5)


def test_persons_read_as_numbers_are_names():
    columns = {"label": [1, 0, 0], "p_all": [0.9, 0.2, 0.8], "person": np.array([2, 10, 3])}
    assert [row.person for row in evaluate(columns).persons] == ["2", "3", "10"]


def test_confident_errors_are_the_wrong_calls_furthest_off():
    label = [1, 1, 1, 0, 0, 0]
    p = [0.4, 0.1, 0.9, 0.7, 0.95, 0.2]
    missed, false = confident_errors(label, p, 0.5, 5)
    assert (missed.tolist(), false.tolist()) == ([1, 0], [4, 3])
    assert confident_errors(label, p, 0.5, 1)[1].tolist() == [4]


@pytest.mark.parametrize(
    ("protocol", "warning"),
    [
        (Protocol("by image", leaky=True), "LEAKY SPLIT (by image)"),
        (
            Protocol("x", overlap=Overlap(("5",), hashes=2)),
            "1 of these person or subject ids (5) and 2 of these images",
        ),
        (Protocol("x", synthetic=True), "SYNTHETIC"),
    ],
)
def test_what_taints_a_result_is_said_first(protocol, warning):
    record = evaluate(table(), protocol)
    (text,) = summary_text.warnings(record)
    assert warning in text
    assert record.leaky == (not protocol.synthetic)
    assert ("none of whom it was trained on" in summary_text.summary(record)[0]) == (
        not record.leaky
    )


@pytest.mark.parametrize(("flipped", "warned"), [(True, True), (False, False)])
def test_an_auroc_whose_interval_lies_below_a_half_is_remarked_on(flipped, warned):
    cells = table()
    if flipped:
        cells["p_all"], cells["logit"] = 1 - cells["p_all"], -cells["logit"]
    record = evaluate(cells)
    assert (record.metrics["auroc"].high < 0.5) == flipped
    assert any("swapped" in text for text in summary_text.warnings(record)) == warned


def test_the_summary_states_the_measured_figures():
    record = evaluate(table())
    text = " ".join(summary_text.summary(record))
    assert f"{100 * record.metrics['auroc'].value:.1f} %" in text
    assert f"{100 * record.metrics['specificity'].low:.1f} to" in text
    worst = next(row for row in record.persons if row.label == "HEM")
    assert f"person {worst.person}, {worst.cells} cells" in text
    assert summary_text.warnings(record) == []


def test_one_class_alone_is_told_in_words():
    cells = {name: values[table()["label"] == 0] for name, values in table().items()}
    record = evaluate(cells)
    text = " ".join(summary_text.summary(record))
    assert "undefined" in text
    assert "leukemic cells and" not in text
    assert "nan" not in text
    assert (
        summary_text.intervals_method(record)
        == "none: only 0 persons with ALL cells, and an interval needs 3 persons"
    )


def test_where_persons_are_unknown_nobody_is_said_to_be_new():
    cells = table()
    cells["person"][:4] = ""
    text = summary_text.summary(evaluate(cells))[0]
    assert "none of whom" not in text
    assert "4 cells is unknown" in text
