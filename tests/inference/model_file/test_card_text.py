"""A card in words says what a reader must not miss."""

from dataclasses import replace

from leukoscope.core.errors import RESEARCH_USE
from leukoscope.inference.model_file.card_text import describe
from tests.inference.tiny_model import tiny_card


def test_the_card_in_words() -> None:
    lines = dict(describe(tiny_card()))
    assert lines["Use"] == RESEARCH_USE
    assert lines["Input"] == "the central 256 x 256 original pixels, at 32 x 32"
    assert lines["Operating point"] == (
        "blast from 0.4000, set for 95% recall; there 96.0% recall at 70.0% specificity "
        "(validation: 1 persons, 3 cells)"
    )
    assert lines["Trained on"] == (
        "SYNTHETIC cells; train: 5 ALL and 4 HEM cells of 2 persons; "
        "validation: 2 ALL and 1 HEM cells of 1 persons; 2 images on record"
    )
    assert lines["Split"] == "person, seed 0"
    assert lines["Measured auroc"] == "0.900 (test: 2 persons, 30 cells)"


def test_a_leaky_split_and_a_missing_operating_point_are_said() -> None:
    training = tiny_card().training
    leaky = replace(training, split=replace(training.split, leaky=True), synthetic=False)
    card = tiny_card(training=leaky, operating_point=None, heatmap="none", cam_bias=None)
    lines = dict(describe(card))
    assert "LEAKY" in lines["Split"]
    assert "SYNTHETIC" not in lines["Trained on"]
    assert lines["Operating point"] == "none set: blast from 0.5"
    assert lines["Heatmap"].startswith("none of its own; an occlusion map, approximate")
