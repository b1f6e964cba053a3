"""The little of ONNX's file format that reading and writing a card needs.

An .onnx file is one protocol buffer message, `ModelProto`
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto). Walking its fields takes no `onnx`
package, finds references to other files before ONNX Runtime would follow them, and lets a card be
replaced without touching a byte of the network.
"""

from collections.abc import Iterator
from math import prod

# Field numbers of onnx.proto.
MODEL_GRAPH, MODEL_OPSET, MODEL_METADATA, MODEL_TRAINING, MODEL_FUNCTIONS = 7, 8, 14, 20, 25
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_SPARSE = 1, 5, 15
NODE_ATTRIBUTE, FUNCTION_NODE, FUNCTION_ATTRIBUTE = 5, 7, 11
ATTRIBUTE_TENSOR, ATTRIBUTE_GRAPH, ATTRIBUTE_SPARSE = 5, 6, 22
ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS, ATTRIBUTE_SPARSES = 10, 11, 23
SPARSE_VALUES, SPARSE_INDICES = 1, 2
TENSOR_DIMS, TENSOR_TYPE, TENSOR_EXTERNAL_DATA, TENSOR_DATA_LOCATION = 1, 2, 13, 14
FLOATING = (1, 10, 11, 16)  # float32, float16, float64, bfloat16

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

# Which fields of which message lead to a tensor, and what message each holds.
PATHS: dict[str, dict[int, str]] = {
    "model": {MODEL_GRAPH: "graph", MODEL_TRAINING: "training", MODEL_FUNCTIONS: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {GRAPH_NODE: "node", GRAPH_INITIALIZER: "tensor", GRAPH_SPARSE: "sparse"},
    "function": {FUNCTION_NODE: "node", FUNCTION_ATTRIBUTE: "attribute"},
    "node": {NODE_ATTRIBUTE: "attribute"},
    "attribute": {
        ATTRIBUTE_TENSOR: "tensor",
        ATTRIBUTE_TENSORS: "tensor",
        ATTRIBUTE_GRAPH: "graph",
        ATTRIBUTE_GRAPHS: "graph",
        ATTRIBUTE_SPARSE: "sparse",
        ATTRIBUTE_SPARSES: "sparse",
    },
    "sparse": {SPARSE_VALUES: "tensor", SPARSE_INDICES: "tensor"},
}


class WireError(ValueError):
    """The bytes are not a protocol buffer message."""


def fields(data: memoryview) -> Iterator[tuple[int, int, int | memoryview, memoryview]]:
    """Walk the fields of one message.

    Yields:
        (number, wire type, value, the field's own bytes): the value is an integer for a varint and
        a view of the bytes otherwise.

    Raises:
        WireError: where the bytes break off or make no sense.
    """
    at = 0
    while at < len(data):
        start = at
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        value: int | memoryview
        if wire == VARINT:
            value, at = _varint(data, at)
        else:
            if wire == BYTES:
                size, at = _varint(data, at)
            elif wire in (FIXED64, FIXED32):
                size = 8 if wire == FIXED64 else 4
            else:
                raise WireError(f"wire type {wire} at byte {start}")
            value = data[at : at + size]
            at += size
        if number == 0 or at > len(data):
            raise WireError(f"broken field at byte {start}")
        yield number, wire, value, data[start:at]


def metadata(data: bytes) -> dict[str, str]:
    """The model's custom metadata: ModelProto.metadata_props."""
    found = {}
    for number, wire, value, _ in fields(memoryview(data)):
        if number == MODEL_METADATA and wire == BYTES:
            key, text = _entry(value)
            found[key] = text
    return found


def with_metadata(data: bytes, key: str, text: str) -> bytes:
    """The same model with one metadata entry set; everything else byte for byte as it was."""
    kept = [
        raw
        for number, wire, value, raw in fields(memoryview(data))
        if not (number == MODEL_METADATA and wire == BYTES and _entry(value)[0] == key)
    ]
    entry = _bytes_field(1, key.encode()) + _bytes_field(2, text.encode())
    return b"".join([*kept, _bytes_field(MODEL_METADATA, entry)])


def opsets(data: bytes) -> dict[str, int]:
    """Operator set versions by domain; "" is the standard domain, written out as ai.onnx."""
    found = {}
    for number, wire, value, _ in fields(memoryview(data)):
        if number == MODEL_OPSET and wire == BYTES:
            domain, version = "", 0
            for inner, kind, item, _ in fields(_view(value)):
                if inner == 1 and kind == BYTES:
                    domain = _text(item)
                elif inner == 2 and isinstance(item, int):
                    version = item
            found[domain or "ai.onnx"] = version
    return found


def floating_initializers(data: bytes) -> int:
    """How many floating numbers the network's initializers hold: what it has learned."""
    total = 0
    for number, wire, graph, _ in fields(memoryview(data)):
        if number == MODEL_GRAPH and wire == BYTES:
            for inner, kind, tensor, _ in fields(_view(graph)):
                if inner == GRAPH_INITIALIZER and kind == BYTES:
                    total += _floating_size(_view(tensor))
    return total


def refers_to_other_files(data: bytes) -> bool:
    """Whether any tensor, at any depth, keeps its values outside the file."""
    waiting = [("model", memoryview(data))]
    while waiting:
        message, view = waiting.pop()
        for number, wire, value, _ in fields(view):
            if message == "tensor":
                external = number == TENSOR_DATA_LOCATION and wire == VARINT and value != 0
                if number == TENSOR_EXTERNAL_DATA or external:
                    return True
            elif wire == BYTES and number in PATHS[message]:
                waiting.append((PATHS[message][number], _view(value)))
    return False


def _floating_size(tensor: memoryview) -> int:
    """Elements of a TensorProto; 0 for what was not learned: whole numbers, and lone constants."""
    sides, floating = [], False
    for number, _, value, _ in fields(tensor):
        if number == TENSOR_TYPE:
            floating = value in FLOATING
        elif number == TENSOR_DIMS and isinstance(value, int):
            sides.append(value)
        elif number == TENSOR_DIMS:  # packed
            packed, at = _view(value), 0
            while at < len(packed):
                side, at = _varint(packed, at)
                sides.append(side)
    return prod(sides) if floating and sides else 0


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise WireError("the file breaks off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise WireError("a number of more than 10 bytes")


def _entry(value: int | memoryview) -> tuple[str, str]:
    """A StringStringEntryProto."""
    key = text = ""
    for number, wire, item, _ in fields(_view(value)):
        if wire == BYTES and number == 1:
            key = _text(item)
        elif wire == BYTES and number == 2:
            text = _text(item)
    return key, text


def _bytes_field(number: int, content: bytes) -> bytes:
    return _encode(number << 3 | BYTES) + _encode(len(content)) + content


def _encode(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _view(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise WireError("a number where a message belongs")
    return value


def _text(value: int | memoryview) -> str:
    try:
        return str(_view(value), "utf-8")
    except UnicodeDecodeError:
        raise WireError("text that isn't UTF-8") from None
