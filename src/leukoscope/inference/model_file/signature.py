"""Input and output of a model file: checks of the network against the card."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from leukoscope.data.descriptors import NAMES, VERSION
from leukoscope.inference.model_file.card import Card

if TYPE_CHECKING:
    import onnxruntime as ort

CELLS_INPUT, FEATURES_INPUT = "cells", "features"
HEATMAP = "heatmap"


def descriptor_problem(card: Card) -> str:
    """The reason why this version cannot compute a model's descriptors; "" if it can."""
    wanted = card.descriptors
    if wanted is None or (wanted.version == VERSION and set(wanted.names) <= set(NAMES)):
        return ""
    made_by = card.versions.get("leukoscope", "of another version")
    return (
        f"the model needs descriptors of version {wanted.version}, and this Leukoscope computes "
        f"version {VERSION}; train the model again, or use Leukoscope {made_by}"
    )


def signature_problems(
    card: Card, session: "ort.InferenceSession", *, heatmap: bool = False
) -> list[str]:
    """Differences between a network's inputs and outputs and its card, a line each.

    Args:
        card: The card.
        session: The network.
        heatmap: It is the whole network, with the heatmap that the card states.
    """
    size = card.input.size
    name, kind = CELLS_INPUT, "uint8"
    shape: tuple[int | None, ...] = (None, size, size, 3)
    if card.descriptors is not None:
        name, kind, shape = FEATURES_INPUT, "float", (None, len(card.descriptors.names))
    problems = []
    inputs = session.get_inputs()
    if [node.name for node in inputs] != [name]:
        problems.append(f"expected a single input {name}, got {[n.name for n in inputs]}")
    elif inputs[0].type != f"tensor({kind})" or not _fits(inputs[0].shape, shape):
        expected = ", ".join("N" if side is None else str(side) for side in shape)
        problems.append(
            f"expected {name} of {kind} ({expected}), got {inputs[0].type} {inputs[0].shape}"
        )
    outputs: dict[str, Any] = {node.name: node for node in session.get_outputs()}
    wanted = {"logit": 1, "embedding": 2} | ({HEATMAP: 3} if heatmap else {})
    for name, rank in wanted.items():
        node = outputs.get(name)
        if node is None:
            problems.append(f"the output {name} is missing")
        elif node.type != "tensor(float)" or len(node.shape) != rank or _fixed(node.shape[0]):
            problems.append(
                f"expected {name} of float32 with {rank} dimensions, the first of any size, "
                f"got {node.type} {node.shape}"
            )
    known, node = card.out_of_distribution, outputs.get("embedding")
    if known is not None and node is not None and node.shape[-1] != known.space.width:
        width = known.space.width
        problems.append(
            f"its card has distances in {width} dimensions, the embedding has {node.shape[-1]}"
        )
    return problems


def _fits(shape: Sequence[Any], wanted: Sequence[int | None]) -> bool:
    return len(shape) == len(wanted) and all(
        not _fixed(have) if want is None else have == want
        for have, want in zip(shape, wanted, strict=True)
    )


def _fixed(dimension: object) -> bool:
    return isinstance(dimension, int) and dimension >= 0
