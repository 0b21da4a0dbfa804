"""Matrices in 8 bits say what they said, and no processor has sums too large for it."""

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession

from khabar_training.quantization import channel_peaks, in_eight_bits, quantize

type Floats = NDArray[np.float32]

TABLE = np.random.default_rng(1).normal(size=(40, 64)).astype(np.float32)
TABLE[:, 5] *= 40  # one channel far larger than the rest, as encoders have them
MATRICES = np.random.default_rng(2).normal(size=(2, 64, 64)).astype(np.float32) / 8


@given(arrays(np.float32, st.tuples(st.integers(1, 9), st.integers(1, 5)), elements=st.floats(-1e3, 1e3, width=32)))
def test_columns(matrix: Floats) -> None:
    whole, scales = in_eight_bits(matrix)
    assert np.all(np.abs(whole * scales - matrix) <= scales * 0.5001)
    padded = np.concatenate((whole, np.zeros((len(whole) % 2, whole.shape[1]), np.int8))).astype(np.int64)
    assert np.abs(255 * (padded[::2] + padded[1::2])).max() < 2**15


def _graph(*nodes: NodeProto, **weights: Floats) -> ModelProto:
    """Return a graph from input_ids to y by way of a table."""
    inputs = [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "length"])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, "length", 64])]
    constants = [numpy_helper.from_array(value, name) for name, value in {"table": TABLE, **weights}.items()]
    lookup = helper.make_node("Gather", ["table", "input_ids"], ["x"])
    graph = helper.make_graph([lookup, *nodes], "graph", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def _run(model: ModelProto, *ids: int) -> Floats:
    onnx.checker.check_model(model)
    session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    result: Floats = session.run(None, {"input_ids": np.array([ids])})[0][0]
    return result


def _in_eight_bits(model: ModelProto) -> ModelProto:
    texts = [np.arange(start, start + 20) for start in (0, 20)]
    result = ModelProto()
    result.CopyFrom(model)
    quantize(result, channel_peaks(model, texts))
    return result


ONES, ZEROS, BIAS = np.ones(64, np.float32), np.zeros(64, np.float32), np.linspace(-1, 1, 64, dtype=np.float32)
MULTIPLY = helper.make_node("MatMul", ["n", "w"], ["p"])
NORM = helper.make_node("LayerNormalization", ["x", "ones", "zeros"], ["n"])
GELU = helper.make_node("Gelu", ["x"], ["n"])
ADD_BIAS = helper.make_node("Add", ["p", "bias"], ["y"])
ADD_ANOTHER = helper.make_node("Add", ["p", "n"], ["y"])


@pytest.mark.parametrize("before", [NORM, GELU], ids=["one scale a text", "one scale a piece"])
@pytest.mark.parametrize("after", [ADD_BIAS, ADD_ANOTHER], ids=["bias", "residual"])
def test_products(before: NodeProto, after: NodeProto) -> None:
    model = _graph(before, MULTIPLY, after, w=MATRICES[0], ones=ONES, zeros=ZEROS, bias=BIAS)
    whole = _in_eight_bits(model)
    expected, found = _run(model, 3, 1, 4), _run(whole, 3, 1, 4)
    assert np.sqrt(np.mean((found - expected) ** 2)) < 0.03 * expected.std()
    assert not {"w", "table"} & {tensor.name for tensor in whole.graph.initializer}


def test_matrices_that_share_what_they_multiply() -> None:
    """It is put into 8 bits once, smoothed for both."""
    products = [helper.make_node("MatMul", ["n", name], [f"{name}n"]) for name in "wv"]
    last = helper.make_node("Add", ["wn", "vn"], ["y"])
    weights = {"w": MATRICES[0], "v": 9 * MATRICES[1]}
    model = _graph(NORM, *products, last, ones=ONES, zeros=ZEROS, **weights)
    whole = _in_eight_bits(model)
    expected = _run(model, 3, 1, 4)
    assert np.sqrt(np.mean((_run(whole, 3, 1, 4) - expected) ** 2)) < 0.03 * expected.std()
    assert [node.op_type for node in whole.graph.node].count("DynamicQuantizeLinear") == 1


def test_a_piece_of_zeros() -> None:
    relu = helper.make_node("Relu", ["z"], ["n"])
    nothing = helper.make_node("Mul", ["x", "zeros"], ["z"])
    model = _graph(nothing, relu, MULTIPLY, ADD_BIAS, w=MATRICES[0], zeros=ZEROS, bias=BIAS)
    np.testing.assert_allclose(_run(_in_eight_bits(model), 3, 1), np.stack((BIAS, BIAS)))


def test_small_matrices_stay() -> None:
    small = np.eye(64, 4, dtype=np.float32)
    narrow = [helper.make_node("MatMul", [a, b], [c]) for a, b, c in (("p", "u", "q"), ("q", "v", "y"))]
    weights = {"w": MATRICES[0], "u": small, "v": small.T.copy()}
    whole = _in_eight_bits(_graph(NORM, MULTIPLY, *narrow, ones=ONES, zeros=ZEROS, **weights))
    assert {"w", "u", "v"} & {tensor.name for tensor in whole.graph.initializer} == {"u", "v"}
