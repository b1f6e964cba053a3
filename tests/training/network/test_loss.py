import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from leukoscope.models.network.networks import build
from leukoscope.models.recipe.settings import Loss, Optimizer
from leukoscope.training.network.loss import OPTIMIZERS, make_optimizer, penalty, weighted_loss
from tests.training.tiny import tiny_cohort, tiny_recipe

logits = st.lists(st.floats(-8, 8, width=32), min_size=2, max_size=20)


@given(logits, st.floats(0.1, 9), st.floats(0.1, 9))
def test_loss_is_scikit_learns(logit: list[float], hem: float, blast: float) -> None:
    label = np.arange(len(logit)) % 2
    p = 1 / (1 + np.exp(-np.array(logit, np.float64)))
    weight = np.where(label == 1, blast, hem)
    # scikit-learn divides by the sum of weights, we by the number of cells.
    reference = log_loss(label, p, sample_weight=weight) * weight.sum() / len(weight)
    target = torch.tensor(label, dtype=torch.float32)
    ours = weighted_loss(torch.tensor(logit), target, np.array([hem, blast]), 0.0)
    assert ours.item() == pytest.approx(reference, rel=1e-4, abs=1e-5)


def test_smoothing_moves_the_best_answer_off_certainty() -> None:
    logit = torch.linspace(-6, 6, 241)
    losses = [
        weighted_loss(z[None], torch.ones(1), np.ones(2), smoothing=0.2).item() for z in logit
    ]
    best = torch.sigmoid(logit[int(np.argmin(losses))]).item()
    assert best == pytest.approx(0.9, abs=0.01)


def gradients(settings: Loss) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    cohort, cells = tiny_cohort()
    network = build(tiny_recipe())
    target = torch.tensor(cohort["label"][:16], dtype=torch.float32)
    logit = network(torch.from_numpy(cells[:16])).logit
    (weighted_loss(logit, target, np.ones(2), 0.0) + penalty(network, settings)).backward()
    return {name: weight.grad for name, weight in network.named_parameters()}


@pytest.mark.parametrize(
    ("settings", "added"),
    [(Loss(l1=0.1), lambda w: 0.1 * w.sign()), (Loss(l2=0.1), lambda w: 0.2 * w)],
    ids=["l1", "l2"],
)
def test_a_penalty_adds_its_own_gradient_to_kernels_alone(settings: Loss, added) -> None:
    torch.manual_seed(0)
    network = build(tiny_recipe())
    plain, penalized = gradients(Loss()), gradients(settings)
    for name, weight in network.named_parameters():
        expected = plain[name] + (added(weight.detach()) if weight.ndim > 1 else 0)
        torch.testing.assert_close(penalized[name], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_lowers_a_loss_and_decays_weights(name: str) -> None:
    torch.manual_seed(0)
    layer = torch.nn.Linear(4, 1)
    x, y = torch.randn(64, 4), torch.randn(64, 1)
    optimizer = make_optimizer(layer.parameters(), Optimizer(name, 0.01, weight_decay=0.1))
    losses = []
    for _ in range(30):
        loss = (layer(x) - y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert optimizer.param_groups[0]["weight_decay"] == 0.1
