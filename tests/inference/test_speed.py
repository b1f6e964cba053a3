from leukoscope.core.cores import usable_cores
from leukoscope.inference.predictor import Predictor
from leukoscope.inference.speed import conditions, median_rate, side_by_side
from tests.inference.tiny_model import cell_image, tiny_card, write_tiny_model


def test_each_model_has_a_rate_for_each_round_in_ascending_order(tmp_path):
    models = [write_tiny_model(tmp_path / f"{seed}.onnx", seed=seed) for seed in range(2)]
    rates, problems = side_by_side(models, [cell_image(seed) for seed in range(4)], rounds=3)
    assert problems == []
    assert [len(own) for own in rates] == [3, 3]
    assert all(own == tuple(sorted(own)) and own[0] > 0 for own in rates)
    assert median_rate(rates[0]) == rates[0][1]


def test_a_model_that_does_not_run_has_a_line_and_the_others_go_on(tmp_path):
    good, bad = write_tiny_model(tmp_path / "good.onnx"), tmp_path / "bad.onnx"
    bad.write_bytes(good.read_bytes()[:200])
    rates, problems = side_by_side([bad, good], [cell_image()], rounds=2)
    assert [len(own) for own in rates] == [0, 2]
    assert ["bad.onnx" in problem for problem in problems] == [True]


def test_models_take_turns(tmp_path, monkeypatch):
    order = []

    class Recorded(Predictor):
        def stream(self, sources, **options):
            order.append((self.model.card.name, len(sources)))
            return super().stream(sources, **options)

    monkeypatch.setattr("leukoscope.inference.speed.Predictor", Recorded)
    models = [
        write_tiny_model(tmp_path / f"{name}.onnx", card=tiny_card(name=name))
        for name in ("a", "b")
    ]
    side_by_side(models, [cell_image()] * 20, rounds=2)
    assert [name for name, images in order if images == 20] == ["a", "b", "a", "b"]
    warmed = [place for place, (_, images) in enumerate(order) if images < 20]
    assert warmed == [0, 2, 4, 6]  # a few before each turn


def test_the_conditions_are_stated():
    text = conditions(100)
    assert "100 synthetic cells" in text
    assert f"{usable_cores()} threads" in text
    assert "just now" in text
