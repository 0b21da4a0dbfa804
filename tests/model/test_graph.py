"""Graphs of standard operators with their own weights pass; any other is refused, and so is what is no graph."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import AttributeProto, GraphProto, ModelProto, TensorProto, helper

from khabar.checkpoint import GRAPH, bundled
from khabar.errors import ConfigError
from khabar.graph import check_graph


def model(*, operator: str = "Add", domain: str = "", **attributes: Any) -> ModelProto:
    """Return a graph of one node."""
    node = helper.make_node(operator, ["x", "y"], ["z"], domain=domain, **attributes)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "xz"]
    weights = helper.make_tensor("y", TensorProto.FLOAT, [2], [1.0, 2.0])
    return helper.make_model(helper.make_graph([node], "g", ends[:1], ends[1:], [weights]))


def with_external_weights() -> ModelProto:
    found = model()
    weights = found.graph.initializer[0]
    weights.ClearField("float_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="../../etc/passwd")
    return found


def with_external_constant() -> ModelProto:
    weights = with_external_weights().graph.initializer[0]
    return model(operator="Constant", value=weights)


def with_a_path_alone() -> ModelProto:
    found = with_external_weights()
    found.graph.initializer[0].ClearField("data_location")
    return found


def with_subgraph() -> ModelProto:
    found = model(operator="If")
    found.graph.node[0].attribute.add(name="then_branch", type=AttributeProto.GRAPH, g=GraphProto(name="inner"))
    return found


def with_function() -> ModelProto:
    found = model()
    found.functions.add(name="Add", domain="")
    return found


def with_training() -> ModelProto:
    found = model()
    found.training_info.add()
    return found


def with_sparse_weights() -> ModelProto:
    found = model()
    found.graph.sparse_initializer.add()
    return found


@pytest.mark.parametrize("family", ["unigram", "wordpiece"])
def test_what_khabar_exports_passes(tiny_checkpoint: Callable[[str], Path], family: str) -> None:
    check_graph((tiny_checkpoint(family) / GRAPH).read_bytes())


def test_the_bundled_graph_passes() -> None:
    check_graph((bundled() / GRAPH).read_bytes())


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (model(operator="Evil", domain="my.domain"), "the operator 'Evil' of 'my.domain', which is not a standard one"),
        (model(operator="Add", domain="ai.onnx.ml"), "not a standard one"),
        (model(operator="EPContext", domain="com.microsoft"), "not a standard one"),
        (with_external_weights(), "it takes weights from another file"),
        (with_external_constant(), "it takes weights from another file"),
        (with_a_path_alone(), "it takes weights from another file"),
        (with_subgraph(), "graphs within graphs"),
        (with_function(), "functions or training steps of its own"),
        (with_training(), "functions or training steps of its own"),
        (with_sparse_weights(), "sparse weights"),
        (ModelProto(), "no whole ONNX file"),
    ],
)
def test_what_is_refused(made: ModelProto, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_graph(made.SerializeToString())


def test_a_second_graph_is_read_too() -> None:
    """Parsers of protobuf merge a message that comes twice."""
    data = model().SerializeToString() + with_external_weights().SerializeToString()
    assert onnx.load_from_string(data).graph.initializer[1].external_data
    with pytest.raises(ConfigError, match="another file"):
        check_graph(data)


@pytest.mark.parametrize(
    "made", [model(), model(domain="ai.onnx"), model(operator="MultiHeadAttention", domain="com.microsoft")]
)
def test_standard_operators_pass(made: ModelProto) -> None:
    check_graph(made.SerializeToString())


@given(size=st.integers(0, 60))
def test_a_graph_cut_off_is_refused(size: int) -> None:
    data = model().SerializeToString()
    with pytest.raises(ConfigError):
        check_graph(data[: 8 + size])  # the graph is the longest field, and the last but one


@given(data=st.binary(max_size=200))
def test_no_bytes_break_it(data: bytes) -> None:
    with suppress(ConfigError):
        check_graph(data)
