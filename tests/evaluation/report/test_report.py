import re

import numpy as np
import pytest

from leukoscope.core.errors import ImageError
from leukoscope.evaluation.metrics.operating_point import choose_operating_point
from leukoscope.evaluation.record import Evaluation, Protocol
from leukoscope.evaluation.report.report import render_report
from leukoscope.evaluation.summary import evaluate_table
from leukoscope.evaluation.table import scored_cells
from tests.evaluation.tables import PERSONS, table

pytestmark = pytest.mark.slow(11)

HONEST = Protocol(
    split="by person",
    model="cnn <3>",
    persons={"train": ("31", "H9"), "validation": PERSONS, "test": ("1",)},
    cells={"train": 77},
    chosen_on={"operating point": "validation"},
)


def rendered(folder, columns=None, protocol=HONEST, **options):
    """The text of a report without the pictures, and the folder it lies in."""
    columns = table() if columns is None else columns
    validation = table(9)
    point = choose_operating_point(validation["label"], validation["p_all"], validation["person"])
    record = evaluate_table(
        scored_cells(columns), operating_point=point, protocol=protocol, replicates=50
    )
    page = render_report(record, scored_cells(columns), folder, **options)
    text = page.read_text(encoding="utf-8")
    return re.sub(r"<svg.*?</svg>|data:image/[^\"')]*", "", text, flags=re.DOTALL), record


def test_the_report_is_one_file_that_states_figures_persons_and_limits(tmp_path):
    text, record = rendered(tmp_path / "run")
    auroc = record.metrics["auroc"]
    assert f"{auroc.value:.3f}" in text
    assert f"{auroc.low:.3f} to {auroc.high:.3f}" in text
    for wanted in (
        "Research use only. Not for diagnosis.",
        "H9",
        "bootstrap over persons",
        "Limits",
    ):
        assert wanted in text
    assert "cnn &lt;3&gt;" in text
    assert "<3>" not in text
    assert not re.search(r"""(src|href)=["']https?:""", text)
    assert Evaluation.from_json((tmp_path / "run/report.json").read_text()) == record


def test_without_a_taint_there_is_no_banner_and_with_one_there_is(tmp_path):
    honest, _ = rendered(tmp_path)
    leaky, _ = rendered(tmp_path, protocol=Protocol("by image", leaky=True, synthetic=True))
    for banner in ("LEAKY SPLIT", "SYNTHETIC CELLS"):
        assert banner not in honest
        assert banner in leaky


@pytest.mark.usefixtures("drawn")
def test_errors_are_shown_by_their_pictures_and_a_vanished_file_does_no_harm(tmp_path):
    asked = []

    def cells(path):
        asked.append(path)
        if len(asked) == 1:
            raise ImageError(f"{path}: gone")
        return np.full((30, 30, 3), 120, np.uint8)

    text, _ = rendered(tmp_path, read_image=cells)
    assert len(asked) > 2
    shown = [path.removeprefix("cells/") in text for path in asked]
    assert shown == [False] + [True] * (len(asked) - 1)


def test_without_pictures_the_errors_are_named(tmp_path):
    text, record = rendered(tmp_path)
    columns = table()
    wrong = (columns["label"] == 0) & (columns["p_all"] >= record.operating_point.threshold)
    worst = columns["path"][wrong][np.argmax(columns["p_all"][wrong])]
    assert worst.removeprefix("cells/") in text


@pytest.mark.usefixtures("drawn")
def test_optional_parts_appear_only_with_their_data(tmp_path):
    columns = {
        name: values for name, values in table().items() if name in ("label", "p_all", "person")
    }
    log = tmp_path / "log.csv"
    log.write_text("epoch,train_loss,validation_loss\n1,0.7,0.8\n2,0.5,0.7\n")
    bare, _ = rendered(tmp_path, columns, learning_log=tmp_path / "absent.csv")
    full, _ = rendered(tmp_path, learning_log=log)
    for title in ("Learning curves", "cell area", "Most confident errors"):
        assert title not in bare
        assert title in full


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize("label", [0, 1])
def test_one_class_alone_still_gives_a_report(tmp_path, label):
    columns = {name: values[table()["label"] == label] for name, values in table().items()}
    text, _ = rendered(tmp_path, columns)
    assert "not defined" in text
    assert ">nan<" not in text


@pytest.mark.usefixtures("drawn")
def test_one_cell_of_an_unknown_person_still_gives_a_report(tmp_path):
    text, _ = rendered(tmp_path, {"label": [1], "p_all": [0.97], "person": [""]})
    assert "1 cell" in text
