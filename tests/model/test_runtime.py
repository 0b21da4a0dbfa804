"""Many sequences at once give what each gives alone."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, save

from khabar.analyzer import Analyzer
from khabar.checkpoint import GRAPH, Checkpoint
from khabar.errors import CheckpointError, InputError
from khabar.runtime import Runtime, write_mappable


@pytest.fixture(params=["unigram", "wordpiece"])
def runtime(request: pytest.FixtureRequest, tiny_checkpoint: Callable[[str], Path]) -> Runtime:
    return Runtime(tiny_checkpoint(request.param) / GRAPH, threads=2)


def test_many_at_once_are_as_one_by_one(runtime: Runtime) -> None:
    chance = np.random.default_rng(0)
    sequences = [chance.integers(5, 150, size=size) for size in chance.integers(3, 96, size=80)]
    for sequence, together in zip(sequences, runtime.run(sequences), strict=True):
        [alone] = runtime.run([sequence])
        assert together.keys() == alone.keys() == {"topic", "entities", "target_stance", "claim_stance"}
        assert together["entities"].shape == (len(sequence), 21)
        for task, logits in alone.items():
            assert logits.std() > 0.001
            assert logits.shape == together[task].shape
            np.testing.assert_array_equal(together[task], logits)


def test_nothing_to_run(runtime: Runtime) -> None:
    assert runtime.run([]) == []


@pytest.mark.parametrize("threads", [0, -1, True, 1.0, "2"])
def test_bad_threads(threads: Any) -> None:
    with pytest.raises(InputError, match=r"threads is .*; it takes a whole number from 1, or None for all cores"):
        Runtime(Path("nowhere.onnx"), threads=threads)


def test_threads(tiny_checkpoint: Callable[[str], Path]) -> None:
    graph = tiny_checkpoint("unigram") / GRAPH
    assert Runtime(graph, threads=2).threads == 2
    assert Runtime(graph).threads >= 1


def test_no_graph(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"gone\.onnx does not load"):
        Runtime(tmp_path / "gone.onnx", threads=1)


def test_a_graph_of_an_older_version(tmp_path: Path) -> None:
    """Graphs once took a mask too."""
    names = ("input_ids", "attention_mask")
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, [1, "length"]) for name in names]
    output = helper.make_tensor_value_info("topic", TensorProto.INT64, [1, "length"])
    graph = helper.make_graph([helper.make_node("Add", names, ["topic"])], "old", inputs, [output])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), tmp_path / GRAPH)
    with pytest.raises(CheckpointError, match=r"model\.onnx also wants attention_mask, .*export it again"):
        Runtime(tmp_path / GRAPH)


def test_a_mapped_graph_gives_the_same(tiny_checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    """The weights of the copy are mapped from its file, and the logits are those of the checkpoint's graph."""
    checkpoint = Checkpoint(tiny_checkpoint("wordpiece"))
    write_mappable(checkpoint.path(GRAPH), tmp_path / "model.ort")
    mapped = Analyzer.of_graph(checkpoint, tmp_path / "model.ort", threads=1)
    if sys.platform == "linux":
        assert str(tmp_path / "model.ort") in Path("/proc/self/maps").read_text("utf-8")
    text = "وزیر خارجه ایران در کابل گفت"
    assert mapped.predict(text) == Analyzer.load(checkpoint.folder, threads=1).predict(text)


def test_providers(runtime: Runtime, tiny_checkpoint: Callable[[str], Path]) -> None:
    assert runtime.providers == ("cpu",)
    with pytest.raises(InputError, match=r"providers is 'abacus'; it takes .*cpu; .*onnxruntime-gpu for cuda"):
        Runtime(tiny_checkpoint("unigram") / GRAPH, providers=("abacus", "cpu"))
