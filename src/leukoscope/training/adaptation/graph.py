"""Append a new last step to the network of a model file."""

from pathlib import Path

import numpy as np

from leukoscope.training.adaptation.head import Head

OLD_LOGIT = "logit_before_adaptation"


def append_head(source: Path, target: Path, head: Head) -> None:
    """Write a model file's network with a head after it, without a card.

    Args:
        source: The model file.
        target: The file to write.
        head: What follows `logit` and `embedding`.
    """
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(str(source))
    graph = model.graph
    del model.metadata_props[:]
    old = _free_name(graph, OLD_LOGIT)
    for node in graph.node:
        _rename(node.output, "logit", old)
        _rename(node.input, "logit", old)
    names = [_free_name(graph, f"adapted_{name}") for name in ("offset", "weights", "sum", "score")]
    offset, weights, total, score = names
    shifted = "logit" if head.weights is None else total
    constants = {offset: np.array(head.offset, np.float32)}
    nodes = [helper.make_node("Sub", [old, offset], [shifted])]
    if head.weights is not None:
        # (N, d) times (d,) is (N,) in ONNX, as in NumPy.
        constants[weights] = head.weights.astype(np.float32)
        nodes.append(helper.make_node("MatMul", ["embedding", weights], [score]))
        nodes.append(helper.make_node("Add", [total, score], ["logit"]))
    graph.initializer.extend(numpy_helper.from_array(v, name) for name, v in constants.items())
    graph.node.extend(nodes)
    onnx.save(model, str(target))


def _rename(names: "list[str]", old: str, new: str) -> None:
    for number, name in enumerate(names):
        if name == old:
            names[number] = new


def _free_name(graph: object, wanted: str) -> str:
    """A name that no tensor of the graph has: a model may be adapted twice."""
    used = {name for node in graph.node for name in (*node.input, *node.output)}  # type: ignore[attr-defined]
    number = 0
    while (name := f"{wanted}_{number}" if number else wanted) in used:
        number += 1
    return name
