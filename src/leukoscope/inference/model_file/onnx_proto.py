"""The part of ONNX's file format that is needed to read and write a card.

An .onnx file is one protocol buffer message, `ModelProto`
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto). Reading its fields here needs no `onnx`
package, finds references to other files before ONNX Runtime would follow them, and replaces a card
without changing a byte of the network.
"""

from collections.abc import Iterator
from math import prod

# Field numbers of onnx.proto.
MODEL_GRAPH, MODEL_OPSET, MODEL_METADATA, MODEL_TRAINING, MODEL_FUNCTIONS = 7, 8, 14, 20, 25
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_OUTPUT, GRAPH_SPARSE = 1, 5, 12, 15
NODE_ATTRIBUTE, FUNCTION_NODE, FUNCTION_ATTRIBUTE = 5, 7, 11
NODE_OPERATOR, NODE_DOMAIN, FUNCTION_NAME, FUNCTION_DOMAIN = 4, 7, 1, 10
ATTRIBUTE_TENSOR, ATTRIBUTE_GRAPH, ATTRIBUTE_SPARSE = 5, 6, 22
ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS, ATTRIBUTE_SPARSES = 10, 11, 23
SPARSE_VALUES, SPARSE_INDICES = 1, 2
TENSOR_DIMS, TENSOR_TYPE, TENSOR_EXTERNAL_DATA, TENSOR_DATA_LOCATION = 1, 2, 13, 14
FLOATING = (1, 10, 11, 16)  # float32, float16, float64, bfloat16

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

# The fields of each message that lead to a tensor, with the type of the message in the field.
TENSOR_PATHS: dict[str, dict[int, str]] = {
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


class ProtoError(ValueError):
    """The bytes are not a valid protocol buffer message."""


def fields(data: memoryview) -> Iterator[tuple[int, int, int | memoryview, memoryview]]:
    """Iterate over the fields of one message.

    Yields:
        (number, wire type, value, the field's own bytes): the value is an integer for a varint and
        a view of the bytes otherwise.

    Raises:
        ProtoError: The bytes are truncated or invalid.
    """
    position = 0
    while position < len(data):
        start = position
        key, position = _varint(data, position)
        number, wire = key >> 3, key & 7
        value: int | memoryview
        if wire == VARINT:
            value, position = _varint(data, position)
        else:
            if wire == BYTES:
                size, position = _varint(data, position)
            elif wire in (FIXED64, FIXED32):
                size = 8 if wire == FIXED64 else 4
            else:
                raise ProtoError(f"wire type {wire} at byte {start}")
            value = data[position : position + size]
            position += size
        if number == 0 or position > len(data):
            raise ProtoError(f"broken field at byte {start}")
        yield number, wire, value, data[start:position]


def metadata(data: bytes) -> dict[str, str]:
    """The model's custom metadata: ModelProto.metadata_props."""
    entries = {}
    for number, wire, value, _ in fields(memoryview(data)):
        if number == MODEL_METADATA and wire == BYTES:
            key, text = _entry(value)
            entries[key] = text
    return entries


def set_metadata(data: bytes, key: str, text: str) -> bytes:
    """Set one metadata entry of a model; every other byte stays the same."""
    kept = [
        raw
        for number, wire, value, raw in fields(memoryview(data))
        if not (number == MODEL_METADATA and wire == BYTES and _entry(value)[0] == key)
    ]
    entry = bytes_field(1, key.encode()) + bytes_field(2, text.encode())
    return b"".join([*kept, bytes_field(MODEL_METADATA, entry)])


def opsets(data: bytes) -> dict[str, int]:
    """Operator set versions by domain; the standard domain "" is named ai.onnx."""
    versions = {}
    for number, wire, value, _ in fields(memoryview(data)):
        if number == MODEL_OPSET and wire == BYTES:
            domain, version = "", 0
            for inner, kind, item, _ in fields(as_message(value)):
                if inner == 1 and kind == BYTES:
                    domain = as_text(item)
                elif inner == 2 and isinstance(item, int):
                    version = item
            versions[domain or "ai.onnx"] = version
    return versions


def count_float_initializers(data: bytes) -> int:
    """Count the floating-point values in the network's initializers: its parameters."""
    total = 0
    for number, wire, graph, _ in fields(memoryview(data)):
        if number == MODEL_GRAPH and wire == BYTES:
            for inner, kind, tensor, _ in fields(as_message(graph)):
                if inner == GRAPH_INITIALIZER and kind == BYTES:
                    total += _floating_size(as_message(tensor))
    return total


def has_external_data(data: bytes) -> bool:
    """True if any tensor, at any depth, has its values in another file."""
    for message, view in _messages(data):
        if message != "tensor":
            continue
        for number, wire, value, _ in fields(view):
            external = number == TENSOR_DATA_LOCATION and wire == VARINT and value != 0
            if number == TENSOR_EXTERNAL_DATA or external:
                return True
    return False


def operators(data: bytes) -> set[tuple[str, str]]:
    """The operators of a model at any depth, as (domain, name); the standard domain is ai.onnx.

    A call of a function that the file itself defines is not an operator: the function's own nodes
    are listed.
    """
    used: set[tuple[str, str]] = set()
    defined: set[tuple[str, str]] = set()
    for message, view in _messages(data):
        if message == "node":
            used.add(_qualified(view, NODE_DOMAIN, NODE_OPERATOR))
        elif message == "function":
            defined.add(_qualified(view, FUNCTION_DOMAIN, FUNCTION_NAME))
    return used - defined


def _messages(data: bytes) -> Iterator[tuple[str, memoryview]]:
    """Iterate over the messages of a model that can hold nodes or tensors, with their kind."""
    waiting = [("model", memoryview(data))]
    while waiting:
        message, view = waiting.pop()
        yield message, view
        if message == "tensor":
            continue
        for number, wire, value, _ in fields(view):
            if wire == BYTES and number in TENSOR_PATHS[message]:
                waiting.append((TENSOR_PATHS[message][number], as_message(value)))


def _qualified(view: memoryview, domain_field: int, name_field: int) -> tuple[str, str]:
    domain = name = ""
    for number, wire, value, _ in fields(view):
        if wire == BYTES and number == domain_field:
            domain = as_text(value)
        elif wire == BYTES and number == name_field:
            name = as_text(value)
    return domain or "ai.onnx", name


def _floating_size(tensor: memoryview) -> int:
    """Elements of a TensorProto; 0 for integers and scalar constants, which are not learned."""
    sides, floating = [], False
    for number, _, value, _ in fields(tensor):
        if number == TENSOR_TYPE:
            floating = value in FLOATING
        elif number == TENSOR_DIMS and isinstance(value, int):
            sides.append(value)
        elif number == TENSOR_DIMS:  # packed
            packed, position = as_message(value), 0
            while position < len(packed):
                side, position = _varint(packed, position)
                sides.append(side)
    return prod(sides) if floating and sides else 0


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            raise ProtoError("the file is truncated")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ProtoError("a number has more than 10 bytes")


def _entry(value: int | memoryview) -> tuple[str, str]:
    """A StringStringEntryProto."""
    key = text = ""
    for number, wire, item, _ in fields(as_message(value)):
        if wire == BYTES and number == 1:
            key = as_text(item)
        elif wire == BYTES and number == 2:
            text = as_text(item)
    return key, text


def bytes_field(number: int, content: bytes) -> bytes:
    """A field with bytes, as it stands in a file."""
    return _encode(number << 3 | BYTES) + _encode(len(content)) + content


def _encode(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def as_message(value: int | memoryview) -> memoryview:
    """The value of a field that holds a message.

    Raises:
        ProtoError: It holds a number.
    """
    if isinstance(value, int):
        raise ProtoError("a number in place of a message")
    return value


def as_text(value: int | memoryview) -> str:
    """The value of a field that holds text.

    Raises:
        ProtoError: It holds a number, or bytes that are no text.
    """
    try:
        return str(as_message(value), "utf-8")
    except UnicodeDecodeError:
        raise ProtoError("text is not UTF-8") from None
