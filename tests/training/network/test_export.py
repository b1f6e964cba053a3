from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from leukoscope.core.errors import ModelFileError
from leukoscope.data.imaging.image import Crop
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.model_file import load
from leukoscope.models.network.cam import CamNetwork, NetworkOutput
from leukoscope.models.network.layers import Normalize, convolutions
from leukoscope.models.network.networks import build
from leukoscope.models.network.onnx_export import TrainedNetwork, cam_bias
from tests.inference.tiny_model import tiny_card
from tests.root import ROOT
from tests.training.tiny import SIZE, tiny_cohort, tiny_recipe

pytestmark = pytest.mark.slow(6)

CELLS = tiny_cohort()[1]
KINDS = {
    "gap": {},
    "flatten": {"network__pooling": "flatten", "network__dropout": 0.5},
    "dense": {"network__architecture": "dense", "network__pooling": "flatten"},
}


def card_of(network: torch.nn.Module) -> Card:
    bias = cam_bias(network, SIZE)
    return replace(
        tiny_card(),
        input=Crop(SIZE, SIZE),
        cam_bias=bias,
        heatmap="none" if bias is None else "cam",
    )


def network_of(kind: str) -> torch.nn.Module:
    torch.manual_seed(0)
    return build(tiny_recipe(**KINDS[kind])).eval()


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_answers_as_the_network_for_any_number_of_cells(kind: str, tmp_path: Path) -> None:
    network, path = network_of(kind), tmp_path / "m.onnx"
    card = card_of(network)
    trained = TrainedNetwork(network, SIZE)
    trained.to_onnx(path)
    assert [file.name for file in tmp_path.iterdir()] == ["m.onnx"]
    model = load(path, card=card)
    assert model.card == card
    np.testing.assert_allclose(trained.file_logits(CELLS), model.run(CELLS).logit, atol=1e-5)
    for n in (1, 2, 7, len(CELLS)):
        outputs = model.run(CELLS[:n], heatmaps=True, embeddings=True)
        with torch.inference_mode():
            answer: NetworkOutput = network(torch.from_numpy(CELLS[:n]))
        np.testing.assert_allclose(outputs.logit, answer.logit, atol=1e-5)
        np.testing.assert_allclose(outputs.embedding, answer.embedding, atol=1e-5)
        if answer.heatmap is None:
            assert outputs.heatmap is None
        else:
            np.testing.assert_allclose(outputs.heatmap, answer.heatmap, atol=1e-5)
            mapped = outputs.heatmap.mean(axis=(1, 2)) + card.cam_bias
            np.testing.assert_allclose(mapped, outputs.logit, atol=1e-5)


class Unwritable(CamNetwork):
    """Decides by a number that only a run gives, which no graph can hold."""

    def forward(self, cells: torch.Tensor) -> NetworkOutput:
        answer = super().forward(cells)
        return answer if answer.logit.sum().item() > 0 else answer._replace(heatmap=answer.logit)


def test_a_network_that_cannot_be_written_is_said_in_a_line(tmp_path: Path) -> None:
    settings = tiny_recipe().network
    trunk = convolutions(settings)
    network = Unwritable(settings, Normalize(), trunk, settings.widths[-1]).eval()
    with pytest.raises(ModelFileError, match="cannot write this network as ONNX") as refused:
        TrainedNetwork(network, SIZE).to_onnx(tmp_path / "m.onnx")
    assert "\n" not in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_the_file_names_no_path_of_the_machine_it_was_made_on(tmp_path: Path) -> None:
    network, path = network_of("gap"), tmp_path / "m.onnx"
    TrainedNetwork(network, SIZE).to_onnx(path)
    written = path.read_bytes()
    assert b"site-packages" not in written
    assert str(ROOT).encode() not in written


def test_a_network_is_given_a_few_cells_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    network, calls = network_of("gap"), []
    network.register_forward_pre_hook(lambda _, inputs: calls.append(len(inputs[0])))
    found = TrainedNetwork(network, SIZE).file_logits(np.repeat(CELLS[:1], 9, axis=0))
    assert found.shape == (9,)
    assert max(calls) <= 4
