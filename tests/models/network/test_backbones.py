import numpy as np
import pytest
import torch

from leukoscope.core.errors import RecipeError
from leukoscope.models.network.backbones import hub_file
from leukoscope.models.network.cam import CamNetwork, NetworkOutput
from leukoscope.models.network.networks import build
from leukoscope.models.network.param_groups import blocks, head
from leukoscope.models.network.torchvision_shim import import_timm
from leukoscope.models.recipe.recipe import NetworkRecipe

SIZE = 64
# Features as planes, behind a head of its own; as planes with a norm behind; as tokens with a class
# token; with channels last.
NAMES = ("mobilenetv3_small_050", "test_convnext", "test_vit", "test_mambaout")


def network(name: str, **settings: object) -> CamNetwork:
    torch.manual_seed(0)
    own = {"network.architecture": f"timm:{name}", "input.size": SIZE, **settings}
    return build(NetworkRecipe("x").with_settings(own)).eval()


def some_cells(n: int = 3) -> torch.Tensor:
    return torch.randint(0, 256, (n, SIZE, SIZE, 3), dtype=torch.uint8)


@pytest.fixture(scope="module", params=NAMES)
def backbone(request: pytest.FixtureRequest) -> tuple[str, CamNetwork]:
    return request.param, network(request.param)


def test_answers_with_an_exact_heatmap(backbone: tuple[str, CamNetwork]) -> None:
    _, net = backbone
    answer: NetworkOutput = net(some_cells())
    assert answer.logit.shape == (3,)
    assert answer.embedding.shape == (3, net.trunk.channels)
    mapped = answer.heatmap.mean(dim=(1, 2)) + net.classifier.bias
    torch.testing.assert_close(mapped, answer.logit, rtol=1e-4, atol=1e-5)


def test_features_are_timms_own(backbone: tuple[str, CamNetwork]) -> None:
    """Of the same weights, on planes normalized by hand."""
    name, net = backbone
    own = import_timm().create_model(name, pretrained=False, **_size(name)).eval()
    own.load_state_dict(net.trunk.body.state_dict(), strict=False)
    cells = some_cells()
    facts = own.pretrained_cfg
    planes = (cells.numpy() / 255 - facts["mean"]) / facts["std"]
    with torch.inference_mode():
        features = own.forward_features(torch.from_numpy(planes).float().permute(0, 3, 1, 2))
        embedding = net(cells).embedding
    if features.ndim == 3:
        expected = features[:, own.num_prefix_tokens :].mean(dim=1)
    else:
        last = getattr(own, "output_fmt", "NCHW") == "NHWC"
        expected = features.mean(dim=(1, 2) if last else (2, 3))
    torch.testing.assert_close(embedding, expected, rtol=1e-4, atol=1e-5)


def _size(name: str) -> dict[str, int]:
    facts = import_timm().get_pretrained_cfg(name)
    return {"img_size": SIZE} if facts.fixed_input_size else {}


def test_every_weight_has_a_part_in_the_logit(backbone: tuple[str, CamNetwork]) -> None:
    """What timm's own head would use is taken off, or processes would wait for its gradients."""
    _, net = backbone
    net(some_cells()).logit.sum().backward()
    without = [name for name, w in net.named_parameters() if w.requires_grad and w.grad is None]
    assert not without


def test_blocks_hold_every_weight_once_from_input_to_output(
    backbone: tuple[str, CamNetwork],
) -> None:
    _, net = backbone
    found = blocks(net)
    names = [name for block in found for name in block]
    assert len(names) == len(set(names))
    assert {*names, *head(net)} == {n for n, w in net.named_parameters() if w.requires_grad}
    assert len(found) > 2
    first = next(name for name, _ in net.trunk.body.named_parameters())
    assert f"trunk.body.{first}" in found[0]


def test_weights_follow_the_seed() -> None:
    first, second = network(NAMES[0]), network(NAMES[0])
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_head_of_units() -> None:
    net = network(NAMES[0], **{"network.head": [7], "network.dropout": 0.5})
    assert [tuple(net.get_parameter(name).shape) for name in head(net)] == [
        (7, net.trunk.channels),
        (7,),
        (1, 7),
        (1,),
    ]
    assert net(some_cells()).embedding.shape == (3, net.trunk.channels)


def test_the_normalization_is_timms() -> None:
    net = network(NAMES[0])
    black = net.planes(torch.zeros(1, SIZE, SIZE, 3, dtype=torch.uint8))
    facts = net.trunk.body.pretrained_cfg
    expected = -np.array(facts["mean"]) / facts["std"]
    np.testing.assert_allclose(black[0, :, 5, 5], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "size", "says"),
    [
        ("mobilenetv3_smal_050", 64, "no such network; did you mean .*mobilenetv3_small_050"),
        ("inception_v3", 64, "cells of 64 px .*input.size"),
        ("qwertyuiop", 64, "no such network\\.$"),
    ],
)
def test_what_cannot_be_built_is_said(name: str, size: int, says: str) -> None:
    recipe = NetworkRecipe("x").with_settings(
        {"network.architecture": f"timm:{name}", "input.size": size}
    )
    with pytest.raises(RecipeError, match=says), torch.device("meta"):
        build(recipe)


def test_where_weights_are() -> None:
    assert hub_file("inception_v3.tv_in1k") == ("timm/inception_v3.tv_in1k", "model.safetensors")
    assert hub_file("vgg19") == ("timm/vgg19.tv_in1k", "model.safetensors")
    assert hub_file("vit_base_patch16_clip_224.openai")[1].endswith(".safetensors")  # not .bin
    with pytest.raises(RecipeError, match="no weights"):
        hub_file("test_mambaout")
