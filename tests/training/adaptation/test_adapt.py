"""Adapting a model file to the cells of another laboratory."""

import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image
from typer.testing import CliRunner

import leukoscope as ls
from leukoscope.api.model_place import only_writer
from leukoscope.cli.main import app
from leukoscope.core.errors import CohortError, FileError, LeakageError, TrainingError
from leukoscope.data.cohort import Cohort, write_cohort
from leukoscope.inference.model_file.model_file import load, read_card, write_card
from leukoscope.training.adaptation.graph import append_head
from leukoscope.training.adaptation.head import Head
from tests.inference.tiny_model import cell_image, tiny_card, tiny_network, write_tiny_model

pytestmark = pytest.mark.slow(3)

PERSONS, CELLS = 3, 4


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that has seen none of the cells."""
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.onnx")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cells of three persons of each class; those of the class ALL are redder."""
    folder = tmp_path_factory.mktemp("laboratory")
    for number in range(2 * PERSONS * CELLS):
        person, name = number // CELLS, "all" if number < PERSONS * CELLS else "hem"
        image = cell_image(number).astype(float) * ([1, 0.7, 0.7] if name == "all" else 0.8)
        path = folder / name / f"patient_{person + 50}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.astype(np.uint8)).save(path)
    return folder


@pytest.fixture(scope="module")
def cohort(folder: Path) -> Cohort:
    """The audited cells."""
    cells = ls.read_cohort(folder, subject_pattern=r"patient_(\w+)")
    return ls.audit(cells, jobs=1).cohort


@pytest.fixture(scope="module")
def adapted(model: Path, cohort: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The adapted model."""
    out = tmp_path_factory.mktemp("out") / "adapted.onnx"
    ls.adapt(model, cohort, out=out, jobs=1, data_source="Our laboratory")
    return out


def test_the_file_gives_the_shifted_logit_and_keeps_its_exact_heatmap(
    model: Path, adapted: Path, cohort: Cohort
) -> None:
    card = read_card(adapted)
    assert card.adaptation is not None
    old, new = ls.Predictor(model), ls.Predictor(adapted)
    paths = cohort.paths[::5]
    for before, after in zip(old.predict(paths), new.predict(paths, heatmaps=True), strict=True):
        assert before.logit is not None
        assert after.logit is not None
        assert after.logit == pytest.approx(before.logit - card.adaptation.offset, abs=1e-4)
        assert after.heatmap is not None
        assert card.cam_bias is not None
        assert after.heatmap.mean() + card.cam_bias == pytest.approx(after.logit, abs=1e-3)


def test_the_card_says_what_was_adapted_to_what_and_holds_metrics_of_left_out_persons(
    adapted: Path, model: Path, cohort: Cohort
) -> None:
    card = read_card(adapted)
    assert card.adaptation is not None
    assert card.adaptation.method == "recalibrated"
    assert card.adaptation.base == "tiny"
    assert card.adaptation.persons == {"ALL": PERSONS, "HEM": PERSONS}
    assert card.adaptation.data == "Our laboratory"
    assert "Our laboratory" in card.data.name
    assert card.results["auroc"].persons == 2 * PERSONS == len(card.left_out)
    assert card.adaptation.before["auroc"].cells == len(cohort)
    assert card.operating_point is not None
    assert card.subjects is not None
    # What it has seen is what the old model has seen, and the new cells.
    old = read_card(model)
    assert set(old.training.subjects) < set(card.training.subjects)
    assert card.training.cells == {
        **old.training.cells,
        "adaptation": {"ALL": PERSONS * CELLS, "HEM": PERSONS * CELLS},
    }
    assert card.training.persons["validation"] == old.training.persons["validation"]
    assert len(card.training.persons["adaptation"]) == 2 * PERSONS
    assert len(card.hash_set()) == len(old.hash_set()) + len(cohort)


def test_an_adapted_model_is_not_scored_on_the_persons_it_was_adapted_to(
    adapted: Path, cohort: Cohort
) -> None:
    with pytest.raises(LeakageError):
        ls.evaluate(adapted, cohort, jobs=1)
    with pytest.raises(LeakageError):
        ls.adapt(adapted, cohort, out=adapted.with_name("twice.onnx"), jobs=1)


def test_persons_and_thresholds_of_the_other_folds_alone_decide_about_a_person(
    model: Path, cohort: Cohort, tmp_path: Path
) -> None:
    """The label of a person does not change the out-of-fold scores of that person."""
    result = ls.adapt(model, cohort, out=tmp_path / "a.onnx", jobs=1, data_source="x")
    fold = result.predictions.fold
    for number in range(int(fold.max()) + 1):
        persons = set(result.cohort["person"][fold == number])
        assert not persons & set(result.cohort["person"][fold != number])


@pytest.mark.parametrize("keep", [2, 0])
def test_too_few_persons_are_refused(
    model: Path, cohort: Cohort, tmp_path: Path, keep: int
) -> None:
    persons = cohort.unique("person")[: PERSONS + keep]
    few = cohort.select(np.isin(cohort["person"], persons))
    with pytest.raises(TrainingError, match=str(keep)):
        ls.adapt(model, few, out=tmp_path / "a.onnx", jobs=1, data_source="x")
    assert not (tmp_path / "a.onnx").exists()


def test_cells_that_are_not_on_black_are_refused(model: Path, tmp_path: Path) -> None:
    for number in range(6):
        path = tmp_path / "cells" / ("all" if number < 3 else "hem") / f"{number + 60}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image = cell_image(number)
        Image.fromarray(np.where(image == 0, 235, image).astype(np.uint8)).save(path)
    cells = ls.read_cohort(tmp_path / "cells", subject_pattern=r"(\d+)\.png")
    with pytest.raises(CohortError, match="leukoscope cells"):
        ls.adapt(model, cells, out=tmp_path / "a.onnx", jobs=1, data_source="x")


@pytest.mark.parametrize("place", ["model", "table", "image", "run", "folder", "under a file"])
def test_the_model_replaces_neither_an_input_nor_the_model_of_a_run(
    model: Path, cohort: Cohort, tmp_path: Path, place: str
) -> None:
    write_cohort(cohort, tmp_path / "cohort.csv")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.yaml").touch()
    places = {
        "model": model,
        "table": tmp_path / "cohort.csv",
        "image": cohort.paths[0],
        "run": tmp_path / "run" / "model.onnx",
        "folder": tmp_path,
        "under a file": tmp_path / "cohort.csv" / "a.onnx",
    }
    before = {name: one.read_bytes() for name, one in places.items() if one.is_file()}
    for write in (ls.adapt, ls.release):
        arguments = {ls.adapt: (model,)}.get(write, ())
        if place == "model" and write is ls.release:
            continue
        with pytest.raises(FileError, match=re.escape(str(places[place]))):
            write(*arguments, tmp_path / "cohort.csv", out=places[place], jobs=1)  # type: ignore[operator]
    assert before == {name: one.read_bytes() for name, one in places.items() if one.is_file()}


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_model_without_finite_outputs_is_refused(
    cohort: Cohort, tmp_path: Path, value: float
) -> None:
    network = tiny_network()
    bias = next(one for one in network.graph.initializer if one.name == "bias")
    bias.CopyFrom(onnx.numpy_helper.from_array(np.float32([value]), "bias"))
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(network.SerializeToString())
    write_card(broken, tiny_card())
    with pytest.raises(TrainingError, match=str(len(cohort))):
        ls.adapt(broken, cohort, out=tmp_path / "a.onnx", jobs=1)
    assert not (tmp_path / "a.onnx").exists()


@pytest.mark.parametrize("unnamed", [1, 24])
def test_cells_without_a_person_are_refused_as_such(
    model: Path, cohort: Cohort, tmp_path: Path, unnamed: int
) -> None:
    person = np.where(np.arange(len(cohort)) < unnamed, "", cohort["person"]).astype(object)
    cells = cohort.with_columns(person=person, subject=person)
    with pytest.raises(TrainingError, match=f"{unnamed} cell.*subject"):
        ls.adapt(model, cells, out=tmp_path / "a.onnx", jobs=1, data_source="x")


@pytest.mark.parametrize("setting", [{"folds": 1}, {"folds": 0}])
def test_impossible_folds_are_refused_in_one_line(
    model: Path, cohort: Cohort, tmp_path: Path, setting: dict[str, int]
) -> None:
    with pytest.raises(TrainingError, match="folds"):
        ls.adapt(model, cohort, out=tmp_path / "a.onnx", jobs=1, **setting)


def test_a_head_with_weights_is_in_the_file_and_can_be_followed_by_another(
    model: Path, tmp_path: Path
) -> None:
    old = load(model)
    cells = np.stack([cell_image(seed, 256)[::8, ::8] for seed in range(3)])
    expected = old.run(cells, embeddings=True)
    assert expected.embedding is not None
    head = Head(0.25, np.linspace(-1, 1, expected.embedding.shape[1]))
    once, twice = tmp_path / "once.onnx", tmp_path / "twice.onnx"
    append_head(model, once, head)
    append_head(once, twice, Head(-1.0))
    onnx.checker.check_model(onnx.load(twice))
    card = old.card
    logit = head.logit(expected.logit, expected.embedding)
    assert np.allclose(load(once, card=card).run(cells).logit, logit, atol=1e-5)
    assert np.allclose(load(twice, card=card).run(cells).logit, logit + 1, atol=1e-5)


def test_the_command_prints_both_metrics(model: Path, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.onnx"
    options = ["--out", str(out), "--subject-pattern", r"patient_(\w+)", "--jobs", "1", "--json"]
    done = CliRunner().invoke(app, ["adapt", str(model), str(folder), *options])
    answer = json.loads(done.stdout)
    assert answer["method"] == "recalibrated"
    assert answer["before"]["auroc"]["persons"] == answer["metrics"]["auroc"]["persons"] == 6
    assert read_card(out).adaptation is not None


def test_an_auroc_below_chance_is_remarked_on_before_and_after(
    model: Path, cohort: Cohort, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    p = np.array([one.p_all for one in ls.predict(cohort.paths, model)])
    person = cohort["person"]
    means = {one: p[person == one].mean() for one in set(person)}
    lowest = sorted(means, key=means.__getitem__)[:PERSONS]
    swapped = cohort.with_columns(label=np.isin(person, lowest).astype(np.int8))
    ls.adapt(model, swapped, out=tmp_path / "a.onnx", jobs=1, refit=False, data_source="x")
    said = [line for line in caplog.messages if "AUROC BELOW CHANCE" in line]
    assert [line.partition(":")[0] for line in said] == ["before adaptation", "adapted"]


def test_one_process_at_a_time_makes_a_model_file(
    model: Path, cohort: Cohort, tmp_path: Path
) -> None:
    out = tmp_path / "a.onnx"
    for make in (
        lambda: ls.adapt(model, cohort, out=out, jobs=1, data_source="x"),
        lambda: ls.release(cohort, "logistic", out=out, jobs=1),
    ):
        with only_writer(out), pytest.raises(FileError, match="another process is writing"):
            make()
        assert not list(tmp_path.iterdir())


def test_an_interrupted_adaptation_leaves_the_old_file_and_can_be_repeated(
    model: Path, cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "a.onnx"
    out.write_bytes(b"old")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("leukoscope.training.release.publish.write_card", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ls.adapt(model, cohort, out=out, jobs=1, data_source="x")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.onnx", b"old")]
    ls.adapt(model, cohort, out=out, jobs=1, data_source="x")
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]
    assert read_card(out).adaptation is not None
    with pytest.raises(ls.LeukoscopeError, match="leukoscope model show"):
        ls.compare([out])
