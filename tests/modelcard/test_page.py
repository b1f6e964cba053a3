"""The card's page says what the file and the run's report hold, and what is missing."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from leukoscope.core.errors import RESEARCH_USE, LeukoscopeError
from leukoscope.core.statistics import wilson_interval
from leukoscope.core.values import Cells, OperatingPoint
from leukoscope.evaluation.metrics.metrics import CARD_METRICS
from leukoscope.evaluation.record import Evaluation, Protocol
from leukoscope.evaluation.summary import evaluate_table
from leukoscope.evaluation.table import scored_cells
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.model_file import write_card
from leukoscope.inference.model_file.out_of_fold import OutOfFoldResult
from leukoscope.modelcard.blocks import to_html, to_markdown
from leukoscope.modelcard.checklist import Item, answer
from leukoscope.modelcard.facts import CardSource, facts, open_card_source
from leukoscope.modelcard.page import model_card
from tests.inference.tiny_model import tiny_card, write_tiny_model

pytestmark = pytest.mark.slow(6)

SECTIONS = (
    "Model details",
    "Intended use",
    "Training data",
    "Evaluation",
    "Results",
    "Results by person",
    "Limits",
    "Ethical considerations",
    "Citation and license",
)


def measured() -> Evaluation:
    """An evaluation of eight persons, with the training persons of the tiny card."""
    draw = np.random.default_rng(0)
    person = np.repeat(["A", "B", "C", "D", "HA", "HB", "HC", "HD"], 12).astype(object)
    label = np.repeat([1, 0], 48)
    columns = {
        "label": label,
        "p_all": np.clip(0.3 * label + 0.7 * draw.random(96), 0, 1),
        "person": person,
        "subject": person,
        "verdict": np.full(96, "normal", dtype=object),
        "path": np.array([f"{i}.bmp" for i in range(96)], dtype=object),
        "logit": np.zeros(96),
    }
    protocol = Protocol(
        split="by person",
        model="tiny",
        persons={"train": ("1", "H2"), "validation": ("3",), "test": tuple(np.unique(person))},
        cells={"train": 9, "validation": 3, "test": 96},
        chosen_on={"temperature": "validation"},
    )
    point = OperatingPoint(0.4, 0.95, 0.96, 0.7, Cells("validation", 1, 3))
    return evaluate_table(
        scored_cells(columns), operating_point=point, protocol=protocol, replicates=50
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with a model and its report."""
    folder = tmp_path_factory.mktemp("run")
    write_tiny_model(folder / "model.onnx")
    (folder / "report.json").write_text(measured().to_json())
    return folder


def test_from_the_file_alone() -> None:
    text = to_markdown(model_card(CardSource(tiny_card())))
    for title in SECTIONS:
        assert f"\n## {title}\n" in text
    assert RESEARCH_USE in text
    assert "| AUROC | 0.900 (no interval) |" in text
    assert "| train | 1, H2 | 5 ALL; 4 HEM |" in text
    assert "Not in the model file. Name the run folder" in text
    assert "synthetic cells" in text
    assert "blast from 0.4000" in text


def test_what_is_worse_is_said() -> None:
    card = tiny_card()
    training = replace(card.training, split=replace(card.training.split, leaky=True))
    text = to_markdown(model_card(CardSource(replace(card, training=training, results={}))))
    assert "Leaky split" in text
    assert "LEAKY" in text
    assert "Not measured yet" in text
    assert "does not abstain" in text


def test_a_model_of_everyone_says_whose_figures_it_has() -> None:
    card = tiny_card()
    split = replace(card.training.split, kind="everyone")
    text = to_markdown(
        model_card(CardSource(replace(card, training=replace(card.training, split=split))))
    )
    assert "the metrics are those of models of the same recipe" in text
    assert "On persons left out by cross-validation: 2 persons, 30 cells." in text
    assert "validation persons" not in text
    assert "If the recipe itself was chosen by such metrics, they are optimistic" in text


def left_out_card() -> Card:
    """A card of everyone, with figures by person."""
    card = tiny_card()
    split = replace(card.training.split, kind="everyone")
    rows = (
        OutOfFoldResult("1", "ALL", 10, 30_000, 9, 7, 1, 1, 10, 0.8),
        OutOfFoldResult("H2", "HEM", 20, None, 5, 0, 0, 0, 13, 0.7),
    )
    one = next(iter(card.results.values()))
    results = {metric.key: one for metric in CARD_METRICS}
    training = replace(card.training, split=split)
    return replace(card, training=training, left_out=rows, results=results)


def test_a_card_of_everyone_holds_its_persons() -> None:
    text = to_markdown(model_card(CardSource(left_out_card())))
    low, high = wilson_interval(9, 10)
    assert (
        f"| 1 | ALL | 10 | 30000 | 0.900 ({low:.3f} to {high:.3f}) | 0.700 | 0.143 | 1.000 | 0.100 "
        "| 0.800 |"
    ) in text
    assert "| H2 | HEM | 20 |  | 0.250 (" in text
    assert ") | 0.000 | none | 0.650 | 0.000 | 0.700 |" in text
    assert "person H2 (HEM), 5 of 20 cells" in text
    assert "all persons have the same weight." in text
    assert "Not in the model file" not in text
    assert "persons with HEM cells: only 1." in text
    assert "without the temperature 0.900" in text
    assert "area under the risk-coverage curve 0.900" in text
    for metric in CARD_METRICS:
        assert f"| {metric.title} | 0.900" in text


def test_the_checklists_are_answered_from_it() -> None:
    known, bare = (facts(CardSource(card)) for card in (left_out_card(), tiny_card()))
    item = Item("23b", "differences between clusters", facts=("persons", "calibration", "parts"))
    assert answer(item, known, cnmc=False).state == "answered"
    assert answer(item, bare, cnmc=False).state == "not answered"
    assert "9 of 10 ALL cells and 5 of 20 HEM cells" in known["confusion"].text
    assert "1 person with ALL and 1 healthy person, left" in known["tested"].text


def test_a_run_adds_its_persons(run: Path) -> None:
    subject = open_card_source(run)
    text = to_markdown(model_card(subject))
    assert subject.record is not None
    for row in subject.record.persons:
        assert f"| {row.person} | {row.label} | 12 | {row.share:.3f} (" in text
    assert "Tested on 4 persons with ALL and 4 healthy persons: 48 and 48 cells." in text
    assert "persons with HEM cells: only 4." in text
    assert "50 bootstrap draws" in text
    assert "answered 1.000 (1.000 to 1.000)" in text
    assert "temperature and operating point were set on validation persons." in text
    assert "<td>HB</td>" in to_html(model_card(subject))


def test_a_report_of_another_model_is_refused(run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    training = replace(tiny_card().training, persons={"train": ("7",), "validation": ("3",)})
    write_card(folder / "model.onnx", tiny_card(training=training))
    with pytest.raises(LeukoscopeError, match=r"report\.json measures a model of other persons"):
        open_card_source(folder)


def test_the_command_line_writes_both_pages_without_the_extras(run: Path, tmp_path: Path) -> None:
    code = (
        "import sys; import leukoscope as ls\n"
        "print(ls.model_card(sys.argv[1], out=sys.argv[2] + '/card.html'))\n"
        "print(ls.model_checklist(sys.argv[1], out=sys.argv[2] + '/list.md'))\n"
        "heavy = {'torch', 'sklearn', 'scipy', 'matplotlib', 'cv2', 'onnx'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(run), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"card.html", "list.md"}
    bad = subprocess.run(
        [sys.executable, "-m", "leukoscope", "model", "card", str(run), "--out", "card.pdf"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert bad.returncode == 2
    assert bad.stderr.startswith("leukoscope: card.pdf: the page must be an .html or .md file")
