"""A float graph with its matrices and tables in 8 bits, for the integer kernels of ONNX Runtime."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper
from onnxruntime import InferenceSession

from khabar.text import Integers

type Floats = NDArray[np.float32]

CONTRIB: Final = "com.microsoft"
"""The domain of ONNX Runtime's own operators."""
_FEWEST_WEIGHTS: Final = 1024
"""Smaller matrices stay as they are."""
_EVEN: Final = ("LayerNormalization", "MultiHeadAttention")
"""What gives word pieces of like size: one scale fits all of a text."""
_SMOOTHING: Final = 0.65
"""How much of the unevenness of channels the weights take over; the least error of 0.5, 0.65 and 0.8."""


def channel_peaks(model: ModelProto, texts: Iterable[Integers]) -> dict[str, Floats]:
    """Return the largest absolute value of each channel of what a matrix is multiplied with, over some texts.

    Keys are the names of tensors, values have shape (K,) for a matrix of shape (K, N).
    """
    watched = ModelProto()
    watched.CopyFrom(model)
    matrices = _matrices(model.graph)
    inputs = list(dict.fromkeys(node.input[0] for node in model.graph.node if _multiplies(node, matrices)))
    watched.graph.output.extend(ValueInfoProto(name=name) for name in inputs)
    session = InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    peaks = {name: np.zeros(1, dtype=np.float32) for name in inputs}
    for ids in texts:
        for name, values in zip(inputs, session.run(inputs, {"input_ids": ids[None]}), strict=True):
            peaks[name] = np.maximum(peaks[name], np.abs(values).max(axis=(0, 1)))
    return peaks


def quantize(model: ModelProto, peaks: Mapping[str, Floats]) -> None:
    """Put the matrices and tables of a float graph into 8 bits, in place.

    A matrix has a scale for each column, a table one for each row. What is multiplied with a matrix gets its
    scale as it comes: one for all word pieces of the text where it was normalised just before, with its uneven
    channels smoothed (SmoothQuant: Xiao et al. 2023), and one for each word piece anywhere else.
    """
    _Quantizer(model.graph, peaks).run()
    if CONTRIB not in {opset.domain for opset in model.opset_import}:
        model.opset_import.append(helper.make_opsetid(CONTRIB, 1))


def in_eight_bits(matrix: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Return a matrix of shape (K, N) as whole numbers, and the scales of its columns, shape (N,).

    No two neighbours in a column add up to more than 128: x86 processors without VNNI add two products of
    8 bits in 16, which would not hold more.
    """
    padded = np.concatenate((matrix, np.zeros((len(matrix) % 2, matrix.shape[1]), np.float32)))
    pairs = np.abs(padded[::2] + padded[1::2]).max(0)
    scales = np.maximum(np.maximum(pairs, np.abs(matrix).max(0)) / 127, np.finfo(np.float32).tiny)
    return np.rint(matrix / scales).astype(np.int8), scales.astype(np.float32)


class _Quantizer:
    """Rewrites one graph."""

    def __init__(self, graph: GraphProto, peaks: Mapping[str, Floats]) -> None:
        self._graph = graph
        self._peaks = peaks
        self._matrices = _matrices(graph)
        self._makers = {output: node for node in graph.node for output in node.output}
        self._readers: dict[str, list[NodeProto]] = defaultdict(list)
        for node in graph.node:
            for name in node.input:
                self._readers[name].append(node)
        self._nodes: list[NodeProto] = []
        self._constants: dict[str, TensorProto] = {}
        self._absorbed: set[str] = set()
        self._smoothings: dict[str, Floats | None] = {}

    def run(self) -> None:
        for node in self._graph.node:
            if _multiplies(node, self._matrices):
                self._product(node)
            elif node.op_type == "Gather" and node.input[0] in self._matrices:
                self._lookup(node)
            elif node.output[0] not in self._absorbed:
                self._nodes.append(node)
        read = {name for node in self._nodes for name in node.input}
        kept = [tensor for tensor in self._graph.initializer if tensor.name in read]
        del self._graph.node[:], self._graph.initializer[:], self._graph.value_info[:]
        self._graph.node.extend(self._nodes)
        self._graph.initializer.extend((*kept, *self._constants.values()))

    def _product(self, node: NodeProto) -> None:
        source, matrix = node.input
        if source not in self._smoothings:  # query, key and value read one source
            self._smoothings[source] = self._quantized(source)
        smoothing = self._smoothings[source]
        weights = self._matrices[matrix] if smoothing is None else self._matrices[matrix] * smoothing[:, None]
        whole, scales = in_eight_bits(weights)
        eight_bits = [
            self._constant(f"{node.output[0]}.int8", whole),
            self._constant(f"{node.output[0]}.scales", scales),
        ]
        inputs = [f"{source}.int8", eight_bits[0], f"{source}.scale", eight_bits[1], f"{source}.zero", ""]
        if smoothing is not None:
            bias, output = self._bias(node.output[0])
            self._add("MatMulIntegerToFloat", [*inputs, bias], output, domain=CONTRIB)
        else:
            self._add("MatMulIntegerToFloat", inputs, f"{node.output[0]}.unscaled", domain=CONTRIB)
            self._add("Mul", [f"{node.output[0]}.unscaled", f"{source}.peak"], node.output[0])

    def _quantized(self, source: str) -> Floats | None:
        """Add the nodes that give *source* as whole numbers; return its smoothing, None where pieces have scales."""
        if self._origin(source) not in _EVEN:
            self._constant(f"{source}.scale", np.float32(1 / 127))
            self._constant(f"{source}.zero", np.uint8(128))
            self._add("Abs", [source], f"{source}.size")
            self._add("ReduceMax", [f"{source}.size", self._constant("last", np.array([-1]))], f"{source}.largest")
            self._add("Max", [f"{source}.largest", self._constant("least", np.float32(1e-6))], f"{source}.peak")
            self._add("Div", [source, f"{source}.peak"], f"{source}.even")
            inputs = [f"{source}.even", f"{source}.scale", f"{source}.zero"]
            self._add("QuantizeLinear", inputs, f"{source}.int8")
            return None
        smoothing = self._smoothing(source)
        self._add("Mul", [source, self._constant(f"{source}.smoothing", 1 / smoothing)], f"{source}.smooth")
        outputs = [f"{source}.int8", f"{source}.scale", f"{source}.zero"]
        self._add("DynamicQuantizeLinear", [f"{source}.smooth"], *outputs)
        return smoothing

    def _smoothing(self, source: str) -> Floats:
        """Return what each channel of *source* is divided by, and the rows of its matrices multiplied with."""
        matrices = [
            self._matrices[node.input[1]] for node in self._readers[source] if _multiplies(node, self._matrices)
        ]
        weights = np.max([np.abs(matrix).max(1) for matrix in matrices], axis=0)
        peaks, weights = (np.maximum(sizes, 1e-5) for sizes in (self._peaks[source], weights))
        smoothing: Floats = (peaks**_SMOOTHING / weights ** (1 - _SMOOTHING)).astype(np.float32)
        return smoothing

    def _bias(self, product: str) -> tuple[str, str]:
        """Return the bias that is added to a product, which is then absorbed, and what the sum is called."""
        if len(self._readers[product]) == 1 and (sum_ := self._readers[product][0]).op_type == "Add":
            for name in sum_.input:
                if name != product and name not in self._makers and len(self._shape(name)) == 1:
                    self._absorbed.add(sum_.output[0])
                    return name, sum_.output[0]
        return "", product

    def _lookup(self, node: NodeProto) -> None:
        table, places = node.input
        rows = self._matrices[table]
        scales = np.maximum(np.abs(rows).max(1, keepdims=True) / 127, np.finfo(np.float32).tiny)
        whole = np.rint(rows / scales).astype(np.int8)
        output = node.output[0]
        self._add("Gather", [self._constant(f"{table}.int8", whole), places], f"{output}.int8")
        self._add("Gather", [self._constant(f"{table}.scales", scales), places], f"{output}.scale")
        self._add("Cast", [f"{output}.int8"], f"{output}.whole", to=TensorProto.FLOAT)
        self._add("Mul", [f"{output}.whole", f"{output}.scale"], output)

    def _origin(self, name: str) -> str:
        """Return the operator that made a tensor, whatever its shape since."""
        while name in self._makers and self._makers[name].op_type == "Reshape":
            name = self._makers[name].input[0]
        return self._makers[name].op_type if name in self._makers else ""

    def _shape(self, name: str) -> list[int]:
        return next((list(tensor.dims) for tensor in self._graph.initializer if tensor.name == name), [])

    def _constant(self, name: str, value: NDArray[np.generic] | np.generic) -> str:
        self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value).reshape(np.shape(value)), name)
        return name

    def _add(self, operator: str, inputs: list[str], *outputs: str, domain: str = "", **attributes: int) -> None:
        node = helper.make_node(operator, inputs, outputs, outputs[0], domain=domain)
        node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
        self._nodes.append(node)


def _matrices(graph: GraphProto) -> dict[str, Floats]:
    wide = (tensor for tensor in graph.initializer if len(tensor.dims) == 2 and np.prod(tensor.dims) >= _FEWEST_WEIGHTS)
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in wide if tensor.data_type == TensorProto.FLOAT}


def _multiplies(node: NodeProto, matrices: Mapping[str, Floats]) -> bool:
    return node.op_type == "MatMul" and node.input[1] in matrices
