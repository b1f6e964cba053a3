"""The text of a card has what a reader must not miss."""

from dataclasses import fields, replace

from leukoscope.core.errors import RESEARCH_USE
from leukoscope.inference.model_file.card_text import HEADINGS, CardText, card_text, describe
from tests.inference.tiny_model import tiny_card


def test_the_text_has_the_numbers_of_the_card() -> None:
    text = card_text(tiny_card())
    assert text.use == RESEARCH_USE
    assert "256 x 256" in text.input
    assert "32 x 32" in text.input
    for number in ("0.4000", "95%", "96.0%", "70.0%", "1 person ", "3 cells"):
        assert number in text.operating_point
    for part in ("SYNTHETIC", "train: 5 ALL and 4 HEM cells of 2 persons", "2 images"):
        assert part in text.training
    assert text.split == "person, seed 0"
    assert text.results == {"auroc": "0.900 (test: 2 persons, 30 cells)"}
    assert text.out_of_fold == ""


def test_every_topic_has_a_heading_and_empty_ones_are_left_out() -> None:
    assert [*HEADINGS, "results"] == [field.name for field in fields(CardText)]
    lines = describe(tiny_card())
    assert all(heading and line for heading, line in lines)
    assert len({heading for heading, _ in lines}) == len(lines)


def test_a_leaky_split_and_a_missing_operating_point_are_stated() -> None:
    training = tiny_card().training
    leaky = replace(training, split=replace(training.split, leaky=True), synthetic=False)
    card = tiny_card(training=leaky, operating_point=None, heatmap="none", cam_bias=None)
    text = card_text(card)
    assert "LEAKY" in text.split
    assert "SYNTHETIC" not in text.training
    assert "0.5" in text.operating_point
    assert text.heatmap.startswith("none")
    assert "approximate" in text.heatmap
