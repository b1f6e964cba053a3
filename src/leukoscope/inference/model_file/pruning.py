"""A network without one of its outputs, and without the nodes that only this output needs.

ONNX Runtime runs all nodes of a network, whichever outputs are asked for. Predictions need no
heatmap, and it takes time: `benchmarks/predict.py` measures it.
"""

from collections.abc import Iterator

from leukoscope.inference.model_file.onnx_proto import (
    BYTES,
    GRAPH_NODE,
    GRAPH_OUTPUT,
    MODEL_GRAPH,
    TENSOR_PATHS,
    ProtoError,
    as_message,
    as_text,
    bytes_field,
    fields,
)

NODE_INPUT, NODE_OUTPUT, VALUE_NAME = 1, 2, 1


def without_output(data: bytes, name: str) -> bytes | None:
    """Remove an output from a model.

    Args:
        data: An ONNX file.
        name: The output.

    Returns:
        The file without it; None if the network has no such output.
    """
    parts, removed = bytearray(), False
    for number, wire, value, raw in fields(memoryview(data)):
        graph = None
        if number == MODEL_GRAPH and wire == BYTES:
            graph = _graph_without(as_message(value), name)
            removed = removed or graph is not None
        parts += raw if graph is None else bytes_field(MODEL_GRAPH, graph)
    return bytes(parts) if removed else None


def _graph_without(graph: memoryview, name: str) -> bytes | None:
    """The graph without an output; None if it has no such output."""
    outputs: dict[int, str] = {}
    nodes: dict[int, memoryview] = {}
    for at, (number, wire, value, _) in enumerate(fields(graph)):
        if number == GRAPH_OUTPUT and wire == BYTES:
            outputs[at] = _only(as_message(value), VALUE_NAME)
        elif number == GRAPH_NODE and wire == BYTES:
            nodes[at] = as_message(value)
    dropped = {at for at, output in outputs.items() if output == name}
    if not dropped:
        return None
    made_by = {output: at for at, node in nodes.items() for output in _texts(node, NODE_OUTPUT)}
    waiting = [output for at, output in outputs.items() if at not in dropped]
    unused = set(nodes)
    while waiting:
        at = made_by.get(waiting.pop(), -1)
        if at in unused:
            unused.remove(at)
            waiting.extend(_read_by(nodes[at]))
    kept = bytearray()
    for at, (*_, raw) in enumerate(fields(graph)):
        if at not in dropped and at not in unused:
            kept += raw
    return bytes(kept)


def _read_by(node: memoryview) -> Iterator[str]:
    """Names of the values that a node reads, also in graphs inside it, as those of `If`."""
    waiting = [("node", node)]
    while waiting:
        message, inner = waiting.pop()
        if message == "node":
            yield from _texts(inner, NODE_INPUT)
        elif message == "graph":
            yield from (
                _only(as_message(value), VALUE_NAME)
                for number, wire, value, _ in fields(inner)
                if number == GRAPH_OUTPUT and wire == BYTES
            )
        for number, wire, value, _ in fields(inner):
            kind = TENSOR_PATHS[message].get(number)
            if wire == BYTES and kind in ("node", "attribute", "graph"):
                waiting.append((kind, as_message(value)))


def _texts(message: memoryview, field: int) -> Iterator[str]:
    for number, wire, value, _ in fields(message):
        if number == field and wire == BYTES:
            yield as_text(value)


def _only(message: memoryview, field: int) -> str:
    for one in _texts(message, field):
        return one
    raise ProtoError("a value without a name")
