"""What a model is said to know comes from training and validation persons, and reaches predict."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import leukoscope as ls
from leukoscope.core.errors import TrainingError
from leukoscope.core.verdicts import Verdict
from leukoscope.evaluation.metrics.conformal import class_limits
from leukoscope.inference.model_file.card import SCHEMA, Card
from leukoscope.inference.model_file.card_text import card_text
from leukoscope.inference.model_file.limits import abstention_text, distance_text
from leukoscope.inference.model_file.model_file import read_card, write_card
from leukoscope.inference.predictor import Predictor
from leukoscope.inference.rejection.flags import Flag
from leukoscope.inference.rejection.image_checks import quality_text
from leukoscope.training.calibration.out_of_distribution import (
    PER_PERSON,
    fit_detector,
    quality_ranges,
    sample,
)
from leukoscope.training.run import Run, read_run
from tests.training.estimators.test_train import train
from tests.training.tiny import write_cells

pytestmark = pytest.mark.slow(4)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A classical run on image files: trained in a second, with all the fields."""
    folder = tmp_path_factory.mktemp("known")
    return train(write_cells(folder / "cells", cells=8), folder / "run", "logistic")


@pytest.fixture(scope="module")
def card(run: Run) -> Card:
    return read_card(run.model)


def rows(run: Run, part: str) -> np.ndarray:
    return np.flatnonzero(run.cohort["part"] == part)


def test_the_limits_are_those_of_validation_persons(run: Run, card: Card) -> None:
    own = run.cohort.select(rows(run, "validation"))
    bare = replace(card, abstention=None, image_limits=None, out_of_distribution=None)
    path = run.folder / "bare.onnx"
    path.write_bytes(run.model.read_bytes())
    write_card(path, bare)
    found = list(Predictor(path).predict(own.paths))
    p = [one.p_all for one in found]
    expected = class_limits(own["label"], p, own["person"], alpha_all=0.05, alpha_hem=0.15)
    assert card.abstention is not None
    for ours, theirs in (
        (card.abstention.all_from, expected.all_from),
        (card.abstention.hem_to, expected.hem_to),
    ):
        assert ours.value == pytest.approx(theirs.value)
        assert (ours.alpha, ours.guaranteed) == (theirs.alpha, theirs.guaranteed)
        assert (ours.persons, ours.cells) == (theirs.persons, theirs.cells)


def test_few_persons_are_said_to_promise_nothing(card: Card) -> None:
    assert card.abstention is not None
    assert not card.abstention.hem_to.guaranteed  # two persons, where it takes 12
    text = card_text(card)
    assert text.abstention == abstention_text(card.abstention)
    assert text.distance_limit == distance_text(card.out_of_distribution)
    assert text.image_limits == quality_text(card.image_limits)
    few = abstention_text(card.abstention)
    promised = replace(card.abstention, hem_to=replace(card.abstention.hem_to, guaranteed=True))
    assert "guarantee" in few
    assert "expected" not in few
    assert "expected" in abstention_text(promised)
    assert "none" in abstention_text(None)


def test_the_cells_it_knows_are_cells_and_junk_is_not(run: Run) -> None:
    predictor = Predictor(run.model)
    seen = np.concatenate([rows(run, "train"), rows(run, "validation")])
    known = [one.verdict for one in predictor.predict(run.cohort.select(seen).paths)]
    assert np.mean([verdict is Verdict.NOT_A_CELL for verdict in known]) < 0.1
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (96, 96, 3)).astype(np.uint8)
    shown = np.zeros_like(noise)
    shown[30:66, 30:66] = noise[30:66, 30:66]
    for junk in (noise, shown, np.full((96, 96, 3), 200, np.uint8)):
        (answer,) = predictor.predict([junk])
        assert answer.verdict is Verdict.NOT_A_CELL
        assert answer.reason
        assert answer.p_all is not None  # the model's number, for whoever wants it


def test_distance_alone_turns_away(run: Run, card: Card) -> None:
    path = run.folder / "strict.onnx"
    path.write_bytes(run.model.read_bytes())
    known = card.out_of_distribution
    assert known is not None
    strict = replace(known, limit=replace(known.limit, value=0.0))
    write_card(path, replace(card, image_limits=None, out_of_distribution=strict))
    image = run.cohort.select(rows(run, "test")).paths[0]
    (answer,) = Predictor(path).predict([image])
    assert (answer.verdict, answer.flags) == (Verdict.NOT_A_CELL, (Flag.UNLIKE_TRAINING,))
    assert answer.distance is not None
    assert answer.embedding is None
    (same,) = Predictor(path).predict([image], embeddings=True)
    assert same.embedding is not None
    assert known.space.distance(same.embedding) == pytest.approx(answer.distance)


def test_evaluate_reports_what_was_answered(run: Run) -> None:
    found = ls.evaluate(run).selection
    assert found is not None
    assert found.limits is not None
    tested = run.cohort.select(rows(run, "test"))
    assert {row.person for row in found.persons} == set(tested["person"])
    assert sum(row.cells for row in found.persons) == len(tested)
    assert "Risk-coverage curve" in (run.folder / "report.html").read_text("utf-8")


def test_a_finished_run_is_calibrated_anew(run: Run, card: Card, tmp_path: Path) -> None:
    again = read_run(run.folder)
    now = read_card(run.model)
    assert now.training.pixels
    old = replace(
        now,
        schema=1,
        abstention=None,
        image_limits=None,
        out_of_distribution=None,
        scale=None,
        training=replace(now.training, pixels=""),
    )
    write_card(run.model, old)
    found = ls.recalibrate(again.folder)
    assert found == read_card(run.model)
    assert found == replace(card, results={})
    assert found.schema == SCHEMA
    count = len(again.cohort)
    gone = np.full(count, "gone.png", dtype=object)
    unknown = np.array([f"{row:064x}" for row in range(count)], dtype=object)  # not in the cache
    lost = again.cohort.with_columns(path=gone, sha256=unknown)
    with pytest.raises(TrainingError, match="every ALL cell"):
        ls.recalibrate(replace(again, cohort=lost))


def test_a_sample_is_bounded_by_person_and_spread() -> None:
    person = np.array(["a"] * 1000 + ["b"] * 30, dtype=object)
    chosen = sample(person, np.arange(len(person)))
    assert np.sum(person[chosen] == "a") == PER_PERSON
    assert np.sum(person[chosen] == "b") == 30
    assert (chosen[0], chosen[PER_PERSON - 1]) == (0, 999)
    assert np.all(np.diff(chosen) > 0)


def test_without_files_or_spread_nothing_is_known(run: Run) -> None:
    gone = run.cohort.with_columns(path=np.array(["gone.png"] * len(run.cohort), dtype=object))
    assert quality_ranges(gone, np.arange(len(gone))) is None
    who = np.array(["a", "b", "c"], dtype=object)
    assert fit_detector(np.ones((3, 2)), who, np.ones((3, 2)), who) is None
