"""Any network of timm as a trunk, from planes to spatial features."""

import difflib
import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from leukoscope.core.errors import RecipeError
from leukoscope.models.network.torchvision_shim import import_timm


class Backbone(nn.Module):
    """A network of timm up to its last features, without its own head.

    Attributes:
        body: timm's network.
        channels: Number of channels of the features.
        mean: Mean of each color channel, for the normalization of the input.
        std: Standard deviation of each color channel.
    """

    def __init__(self, name: str, size: int) -> None:
        """Build the network with random weights.

        Args:
            name: Name in timm, with or without the tag of its weights.
            size: Side of the cells in pixels.

        Raises:
            RecipeError: No such network, or it has no spatial features for cells of this size.
        """
        super().__init__()
        self.name = name
        self.body = _create(name, size)
        config = self.body.pretrained_cfg
        self.mean, self.std = tuple(config["mean"]), tuple(config["std"])
        groups = _groups(self.body)
        self.channels, used = self._probe(size)
        _remove_unused(self.body, used)
        blocks = [[name for name in names if name in used] for names in groups]
        self._blocks = [names for names in blocks if names]

    def forward(self, planes: Tensor) -> Tensor:
        """Features (N, C, h, w) of normalized planes (N, 3, S, S)."""
        return _spatial(self.body.forward_features(planes), self.body)

    def blocks(self) -> list[list[str]]:
        """Names of the weights by block, from input to output, as timm divides the network."""
        return [[f"body.{name}" for name in names] for names in self._blocks]

    def _probe(self, size: int) -> tuple[int, set[str]]:
        """The number of channels, and the names of the weights that influence the features."""
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
    """Repository and file of a network's weights on the Hugging Face hub.

    Raises:
        RecipeError: No such network, or one without weights.
    """
    config = _config(name)
    if config is None or not config.hf_hub_id:
        raise RecipeError(f"timm:{name}: timm has no weights for it; set network.weights to none.")
    file = config.hf_hub_filename or ""
    if file.endswith(".safetensors"):
        return config.hf_hub_id, file
    return config.hf_hub_id, f"{'open_clip_' * file.startswith('open_clip')}model.safetensors"


def _config(name: str) -> Any:
    """Timm's configuration of a network's weights; None if it has none."""
    timm = import_timm()
    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else "."
        raise RecipeError(f"timm:{name}: timm {timm.__version__} has no such network{hint}")
    return timm.get_pretrained_cfg(name)


def _create(name: str, size: int) -> Any:
    config = _config(name)
    fixed = {"img_size": size} if config is not None and config.fixed_input_size else {}
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


def _spatial(features: Any, body: Any) -> Tensor:
    """Features of any layout as (N, C, h, w)."""
    if not isinstance(features, Tensor) or features.ndim not in (3, 4):
        raise ValueError("its features are not a spatial tensor")
    if features.ndim == 4:
        last = getattr(body, "output_fmt", "NCHW") == "NHWC" or (
            features.shape[1] != body.num_features == features.shape[3]
        )
        return features.permute(0, 3, 1, 2) if last else features
    tokens = features[:, getattr(body, "num_prefix_tokens", 0) :]  # (N, h * w, C)
    side = math.isqrt(tokens.shape[1])
    if side * side != tokens.shape[1]:
        raise ValueError("its tokens do not form a square")
    return tokens.transpose(1, 2).reshape(tokens.shape[0], -1, side, side)


def _groups(body: Any) -> Iterable[list[str]]:
    """Names of the weights by block; by top-level module if timm defines no blocks."""
    if hasattr(body, "group_matcher"):
        from timm.models import group_parameters

        return list(group_parameters(body, body.group_matcher(coarse=False)).values())
    blocks: dict[str, list[str]] = {}
    for name, _ in body.named_parameters():
        blocks.setdefault(name.partition(".")[0], []).append(name)
    return list(blocks.values())


def _remove_unused(body: nn.Module, used: set[str]) -> None:
    """Remove modules that do not influence the features, and freeze unused weights deeper down."""
    for name, module in list(body.named_children()):
        weights = {f"{name}.{inner}" for inner, _ in module.named_parameters()}
        if weights and not weights & used:
            setattr(body, name, nn.Identity())
    for name, weight in body.named_parameters():
        weight.requires_grad_(name in used)
