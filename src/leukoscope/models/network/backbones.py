"""Any network of timm as a trunk: planes in, features at places out."""

import difflib
import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from leukoscope.core.errors import RecipeError
from leukoscope.models.network.torchvision_shim import import_timm


class Backbone(nn.Module):
    """A network of timm up to its last features; what belongs to its own head is taken off.

    Attributes:
        body: timm's network.
        channels: Of the features.
        mean: Of each color channel, by which the network's inputs are normalized.
        std: Likewise.
    """

    def __init__(self, name: str, size: int) -> None:
        """Make the network with fresh weights.

        Args:
            name: As timm calls it, with or without the tag of its weights.
            size: Side of the cells.

        Raises:
            RecipeError: No such network, or none with features at places for cells of this size.
        """
        super().__init__()
        self.name = name
        self.body = _create(name, size)
        facts = self.body.pretrained_cfg
        self.mean, self.std = tuple(facts["mean"]), tuple(facts["std"])
        groups = _groups(self.body)
        self.channels, used = self._probe(size)
        _take_off(self.body, used)
        self._blocks = [own for names in groups if (own := [n for n in names if n in used])]

    def forward(self, planes: Tensor) -> Tensor:
        """Features (N, C, h, w) of normalized planes (N, 3, S, S)."""
        return _at_places(self.body.forward_features(planes), self.body)

    def blocks(self) -> list[list[str]]:
        """Names of the weights, by block from input to output, as timm divides the network."""
        return [[f"body.{name}" for name in names] for names in self._blocks]

    def _probe(self, size: int) -> tuple[int, set[str]]:
        """The number of channels, and the names of the weights that have a part in the features."""
        self.eval()
        weights = dict(self.body.named_parameters())
        try:
            features = self(torch.zeros(1, 3, size, size))
            gradients = torch.autograd.grad(
                features.sum(), list(weights.values()), allow_unused=True
            )
        except (AttributeError, AssertionError, RuntimeError, ValueError, TypeError) as error:
            raise _unfit(self.name, size, error) from error
        self.train()
        used = {name for name, g in zip(weights, gradients, strict=True) if g is not None}
        return features.shape[1], used


def hub_file(name: str) -> tuple[str, str]:
    """Where timm keeps the weights of a network: repository and file at the Hugging Face hub.

    Raises:
        RecipeError: No such network, or one without weights.
    """
    facts = _facts(name)
    if facts is None or not facts.hf_hub_id:
        raise RecipeError(f"timm:{name}: timm has no weights for it; set network.weights to none.")
    file = facts.hf_hub_filename or ""
    if file.endswith(".safetensors"):
        return facts.hf_hub_id, file
    return facts.hf_hub_id, f"{'open_clip_' * file.startswith('open_clip')}model.safetensors"


def _facts(name: str) -> Any:
    """What timm knows of a network's weights; None where it has none."""
    timm = import_timm()
    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else "."
        raise RecipeError(f"timm:{name}: timm {timm.__version__} has no such network{hint}")
    return timm.get_pretrained_cfg(name)


def _create(name: str, size: int) -> Any:
    facts = _facts(name)
    fixed = {"img_size": size} if facts is not None and facts.fixed_input_size else {}
    try:
        return import_timm().create_model(name, pretrained=False, num_classes=0, **fixed)
    except (AssertionError, RuntimeError, ValueError, TypeError) as error:
        raise _unfit(name, size, error) from error


def _unfit(name: str, size: int, error: Exception) -> RecipeError:
    reason = " ".join(str(error).split())[:160]
    return RecipeError(
        f"timm:{name}: cannot be used on cells of {size} px ({reason}); try another input.size or "
        "another network."
    )


def _at_places(features: Any, body: Any) -> Tensor:
    """Features of any layout as (N, C, h, w)."""
    if not isinstance(features, Tensor) or features.ndim not in (3, 4):
        raise ValueError("its features are no tensor with places")
    if features.ndim == 4:
        last = getattr(body, "output_fmt", "NCHW") == "NHWC" or (
            features.shape[1] != body.num_features == features.shape[3]
        )
        return features.permute(0, 3, 1, 2) if last else features
    tokens = features[:, getattr(body, "num_prefix_tokens", 0) :]  # (N, h * w, C)
    side = math.isqrt(tokens.shape[1])
    if side * side != tokens.shape[1]:
        raise ValueError("its tokens are no square of places")
    return tokens.transpose(1, 2).reshape(tokens.shape[0], -1, side, side)


def _groups(body: Any) -> Iterable[list[str]]:
    """Names of the weights, by block; top-level modules where timm knows no blocks."""
    if hasattr(body, "group_matcher"):
        from timm.models import group_parameters

        return list(group_parameters(body, body.group_matcher(coarse=False)).values())
    blocks: dict[str, list[str]] = {}
    for name, _ in body.named_parameters():
        blocks.setdefault(name.partition(".")[0], []).append(name)
    return list(blocks.values())


def _take_off(body: nn.Module, used: set[str]) -> None:
    """Replace modules without a part in the features; what is unused deeper down never trains."""
    for name, module in list(body.named_children()):
        own = {f"{name}.{inner}" for inner, _ in module.named_parameters()}
        if own and not own & used:
            setattr(body, name, nn.Identity())
    for name, weight in body.named_parameters():
        weight.requires_grad_(name in used)
