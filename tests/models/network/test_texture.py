from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch

from leukoscope.core.errors import RecipeError
from leukoscope.inference.model_file.operators import refused
from leukoscope.models.network.cell_window import window
from leukoscope.models.network.texture import (
    POOLED,
    TextureNetwork,
    orthogonal_frequencies,
)
from leukoscope.models.network.window_onnx import WindowedNetwork
from tests.models.network.cells import grainy

SIDE = 160
CELLS = torch.from_numpy(
    np.stack(
        [
            grainy(20, SIDE),
            grainy(44, SIDE, center=(20, -10), seed=1),
            grainy(70, SIDE, seed=2),
            np.zeros((SIDE, SIDE, 3), np.uint8),
            np.full((SIDE, SIDE, 3), 90, np.uint8),
        ]
    )
)


@pytest.fixture(scope="module")
def network() -> TextureNetwork:
    """With last layers that say something."""
    made = TextureNetwork(SIDE, 96, 0.3, 16, 0.3)
    generator = torch.Generator().manual_seed(3)

    def drawn(name: str) -> torch.Tensor:
        return torch.randn(made.get_buffer(name).shape, generator=generator)

    made.cosine.copy_(drawn("cosine"))
    made.sine.copy_(drawn("sine"))
    made.pooled_mean.copy_(drawn("pooled_mean"))
    made.pooled_std.copy_(drawn("pooled_std").abs() + 0.5)
    made.local.size_coef.copy_(torch.randn(10, generator=generator))
    torch.nn.init.normal_(made.local.classifier.weight, generator=generator)
    torch.nn.init.constant_(made.classifier.bias, 0.7)
    return made.eval()


@torch.inference_mode()
def test_the_mean_of_the_map_and_the_bias_are_the_logit(network: TextureNetwork) -> None:
    for cell in CELLS:
        answer = network(cell[None])
        mapped = answer.heatmap.mean(dim=(1, 2)) + network.classifier.bias
        torch.testing.assert_close(mapped, answer.logit, atol=1e-4, rtol=1e-4)
    assert network(CELLS[:3]).logit.std() > 0.05


@torch.inference_mode()
def test_the_map_is_0_far_from_the_cell(network: TextureNetwork) -> None:
    heatmap = network(CELLS[:1]).heatmap[0]
    assert (heatmap[:4] == 0).all()
    assert (heatmap[:, -4:] == 0).all()
    assert (heatmap[8:12, 8:12] != 0).all()


def test_the_slope_is_the_integral_of_the_gradient(network: TextureNetwork) -> None:
    x = torch.randn(1, POOLED, generator=torch.Generator().manual_seed(5)) / 4
    total, steps = torch.zeros_like(x), 2000
    for step in range(steps):
        at = (x * (step + 0.5) / steps).requires_grad_()
        angle = at @ network.frequency.T
        value = (torch.cos(angle) - 1) @ network.cosine + torch.sin(angle) @ network.sine
        total += torch.autograd.grad(value.sum(), at)[0] / steps
    slope = network._slope(x, x @ network.frequency.T) * network.pooled_std
    torch.testing.assert_close(slope, total, atol=1e-3, rtol=1e-3)


@torch.inference_mode()
def test_what_lies_around_the_window_changes_nothing_but_the_border(
    network: TextureNetwork,
) -> None:
    whole, part = CELLS[:1], window(CELLS[:1])
    assert part.cells.shape[1] < SIDE
    torch.testing.assert_close(network.local(whole).logit, network.local(part.cells).logit)


@torch.inference_mode()
def test_the_file_answers_as_the_network(network: TextureNetwork, tmp_path: Path) -> None:
    path = tmp_path / "texture.onnx"
    WindowedNetwork(network, SIDE).to_onnx(path)
    nodes = onnx.load(path).graph.node
    assert refused((node.domain or "ai.onnx", node.op_type) for node in nodes) == []
    session = ort.InferenceSession(path)
    for cell in CELLS:
        expected = network(cell[None])
        answer = session.run(["logit", "embedding", "heatmap"], {"cells": cell[None].numpy()})
        for name, value in zip(expected._fields, answer, strict=True):
            wanted = getattr(expected, name).numpy()
            np.testing.assert_allclose(value, wanted, atol=2e-3, rtol=1e-3, err_msg=name)
    together = session.run(["logit"], {"cells": CELLS.numpy()})[0]
    np.testing.assert_allclose(together, network(CELLS).logit, atol=1e-3)


def test_frequencies_are_orthogonal_and_those_of_the_kernel() -> None:
    frequency = orthogonal_frequencies(3000, 10, 0.5)
    block = frequency[:10] @ frequency[:10].T
    np.testing.assert_allclose(block, np.diag(np.diag(block)), atol=1e-9)
    x, y = np.random.default_rng(1).normal(size=(2, 10))
    kernel = np.exp(-0.5 * ((x - y) ** 2).mean())
    assert np.cos(frequency @ (x - y)).mean() == pytest.approx(kernel, abs=0.02)


def test_a_side_that_the_window_cannot_align_is_refused() -> None:
    with pytest.raises(RecipeError, match="16"):
        TextureNetwork(100, 8, 0.3, 8, 0.3)
