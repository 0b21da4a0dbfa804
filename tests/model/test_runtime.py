"""Batches by budget; a batch of many gives what each gives alone."""

import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from khabar.analyzer import Analyzer
from khabar.checkpoint import GRAPH, Checkpoint
from khabar.errors import CheckpointError, InputError
from khabar.runtime import Runtime, token_batches, write_mappable

PAD = {"unigram": 1, "wordpiece": 0}


@given(st.lists(st.integers(1, 600), max_size=60), st.integers(1, 2048))
def test_batches(lengths: list[int], budget: int) -> None:
    batches = token_batches(lengths, budget)
    order = [index for batch in batches for index in batch]
    assert sorted(order) == list(range(len(lengths)))
    assert [lengths[index] for index in order] == sorted(lengths, reverse=True)
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[index] for index in batch) <= budget
    for batch, following in pairwise(batches):
        assert lengths[batch[0]] * (len(batch) + 1) > budget, f"{following[0]} would have had room"


def test_batches_of_a_case() -> None:
    assert token_batches([3, 9, 4, 5], 10) == [[1], [3, 2], [0]]
    assert token_batches([], 10) == []


@pytest.fixture(params=sorted(PAD))
def runtime(request: pytest.FixtureRequest, tiny_checkpoint: Callable[[str], Path]) -> Runtime:
    return Runtime(tiny_checkpoint(request.param) / GRAPH, pad_id=PAD[request.param], threads=1)


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
            np.testing.assert_allclose(together[task], logits, atol=1e-4)


def test_nothing_to_run(runtime: Runtime) -> None:
    assert runtime.run([]) == []


@pytest.mark.parametrize("threads", [0, -1, True, 1.0, "2"])
def test_bad_threads(threads: Any) -> None:
    with pytest.raises(InputError, match=r"threads is .*; it takes a whole number from 1, or None for all cores"):
        Runtime(Path("nowhere.onnx"), pad_id=0, threads=threads)


def test_threads(tiny_checkpoint: Callable[[str], Path]) -> None:
    graph = tiny_checkpoint("unigram") / GRAPH
    assert Runtime(graph, pad_id=1, threads=2).threads == 2
    assert Runtime(graph, pad_id=1).threads >= 1


def test_no_graph(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"gone\.onnx does not load"):
        Runtime(tmp_path / "gone.onnx", pad_id=0, threads=1)


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
        Runtime(tiny_checkpoint("unigram") / GRAPH, pad_id=1, providers=("abacus", "cpu"))
