"""Parameter groups that stages refer to: the blocks of a trunk, and the head."""

from torch import nn


def blocks(network: nn.Module) -> list[list[str]]:
    """Names of the trunk's weights by block, from input to output.

    A trunk may define its blocks; otherwise each convolution or dense layer begins a block.
    """
    trunk = network.get_submodule("trunk")
    defined = getattr(trunk, "blocks", None)
    inner = defined() if callable(defined) else _by_layer(trunk)
    return [[f"trunk.{name}" for name in names] for names in inner]


def head(network: nn.Module) -> list[str]:
    """Names of the weights outside the trunk."""
    return [name for name, _ in network.named_parameters() if not name.startswith("trunk.")]


def _by_layer(trunk: nn.Module) -> list[list[str]]:
    blocks: list[list[str]] = []
    for name, module in trunk.named_children():
        weights = [f"{name}.{inner}" for inner, _ in module.named_parameters()]
        if weights and (not blocks or isinstance(module, nn.Conv2d | nn.Linear)):
            blocks.append([])
        if weights:
            blocks[-1] += weights
    return blocks
