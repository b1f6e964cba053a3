"""The parts of a network that stages name: the blocks of its trunk, and its head."""

from torch import nn


def blocks(network: nn.Module) -> list[list[str]]:
    """Names of the trunk's weights, by block from input to output.

    A trunk may know its blocks itself; in any other a block begins at each convolution or dense
    layer.
    """
    trunk = network.get_submodule("trunk")
    known = getattr(trunk, "blocks", None)
    inner = known() if callable(known) else _by_layer(trunk)
    return [[f"trunk.{name}" for name in names] for names in inner]


def head(network: nn.Module) -> list[str]:
    """Names of the weights that do not belong to the trunk."""
    return [name for name, _ in network.named_parameters() if not name.startswith("trunk.")]


def _by_layer(trunk: nn.Module) -> list[list[str]]:
    found: list[list[str]] = []
    for name, module in trunk.named_children():
        own = [f"{name}.{inner}" for inner, _ in module.named_parameters()]
        if own and (not found or isinstance(module, nn.Conv2d | nn.Linear)):
            found.append([])
        if own:
            found[-1] += own
    return found
