"""What an ONNX graph may hold: standard operators and its own weights, so that loading one runs nobody's code.

The file is protobuf; it is walked here without the package onnx, which predicting does not need. Field numbers
are those of the ONNX specification (onnx.proto).
"""

from collections.abc import Iterator
from itertools import chain
from typing import Final

from khabar.errors import ConfigError

type _Value = int | memoryview

_STANDARD: Final = ("", "ai.onnx")
_FUSED: Final = "com.microsoft"
_FUSED_OPERATORS: Final = ("MatMulIntegerToFloat", "MultiHeadAttention")
"""Those of ONNX Runtime's own operators that ``khabar export`` writes."""

# ModelProto, GraphProto, NodeProto, AttributeProto and TensorProto.
_MODEL_TRAINING, _MODEL_FUNCTIONS, _MODEL_GRAPH = 20, 25, 7
_GRAPH_NODE, _GRAPH_TENSOR, _GRAPH_SPARSE = 1, 5, 15
_NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS, _ATTRIBUTE_SPARSE = (5, 10), (6, 11), (22, 23)
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14


def check_graph(data: bytes) -> None:
    """Refuse a graph with operators that are not standard, subgraphs, or weights in other files.

    ConfigError says what it holds.
    """
    graphs = []
    try:
        for number, value in _fields(memoryview(data)):
            if number in (_MODEL_TRAINING, _MODEL_FUNCTIONS):
                raise ConfigError("it defines functions or training steps of its own")
            if number == _MODEL_GRAPH:
                graphs.append(_message(value))
        if not graphs:
            raise ValueError("no graph")
        for number, value in chain.from_iterable(map(_fields, graphs)):
            if number == _GRAPH_NODE:
                _check_node(_message(value))
            elif number == _GRAPH_TENSOR:
                _check_tensor(_message(value))
            elif number == _GRAPH_SPARSE:
                raise ConfigError("it has sparse weights")
    except ConfigError:
        raise
    except (ValueError, IndexError) as error:
        raise ConfigError(f"it is no whole ONNX file ({error})") from None


def _check_node(node: memoryview) -> None:
    operator = domain = ""
    for number, value in _fields(node):
        if number == _NODE_OPERATOR:
            operator = str(_message(value), "utf-8")
        elif number == _NODE_DOMAIN:
            domain = str(_message(value), "utf-8")
        elif number == _NODE_ATTRIBUTE:
            _check_attribute(_message(value))
    if domain not in _STANDARD and (domain != _FUSED or operator not in _FUSED_OPERATORS):
        raise ConfigError(f"it has the operator {operator[:80]!r} of {domain[:80]!r}, which is not a standard one")


def _check_attribute(attribute: memoryview) -> None:
    for number, value in _fields(attribute):
        if number in _ATTRIBUTE_TENSORS:
            _check_tensor(_message(value))
        elif number in _ATTRIBUTE_GRAPHS or number in _ATTRIBUTE_SPARSE:
            raise ConfigError("it has graphs within graphs or sparse weights")


def _check_tensor(tensor: memoryview) -> None:
    for number, value in _fields(tensor):
        if number == _TENSOR_EXTERNAL or (number == _TENSOR_LOCATION and value):
            raise ConfigError("it takes weights from another file")


def _fields(message: memoryview) -> Iterator[tuple[int, _Value]]:
    """Yield the number and value of each field of a protobuf message; numbers of fixed size come as bytes."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        if tag >> 32:  # other readers cut it to 32 bits, and see another field
            raise ValueError("a broken field")
        kind = tag & 7
        if kind == 0:
            value, place = _varint(message, place)
            yield tag >> 3, value
            continue
        size = {1: 8, 5: 4}.get(kind)
        if kind == 2:
            size, place = _varint(message, place)
        if size is None or size > len(message) - place:
            raise ValueError("a broken field")
        yield tag >> 3, message[place : place + size]
        place += size


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """Return a number of variable length and where it ends."""
    number = shift = 0
    while shift < 64:
        byte = message[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
        shift += 7
    raise ValueError("a number without an end")


def _message(value: _Value) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number where a message stands")
    return value
