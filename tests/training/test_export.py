"""The exported graph says what the network says, and the exported folder predicts."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnxruntime import InferenceSession

import khabar
from khabar.checkpoint import GRAPH, MANIFEST, Checkpoint, drafted
from khabar.network import Network
from khabar_training.config import DataSpec, TrainingConfig
from khabar_training.export import export, write_graph
from khabar_training.weights import load_network, save_network, start

type Inputs = dict[str, NDArray[np.int64]]


@pytest.fixture(scope="module")
def source(tiny_encoder: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A float checkpoint with fresh heads."""
    folder = tmp_path_factory.mktemp("export")
    spec = (DataSpec(corpus="own"),)
    config = TrainingConfig(encoder=str(tiny_encoder("unigram")), output=folder, corpora=folder, data=spec, window=96)
    torch.manual_seed(2)
    network, tokenizer, model = start(config)
    with drafted(folder / "float") as draft:
        save_network(draft, network, tokenizer, model, torch.float32)
    return folder / "float"


@pytest.fixture(scope="module")
def exported(source: Path) -> Path:
    card = source.with_name("card.md")
    card.write_text("# خبر\n", "utf-8")
    return export(source, source.with_name("exported"), card=card)


@pytest.fixture(scope="module")
def network(source: Path) -> Network:
    return load_network(source)[0].eval()


@pytest.fixture(scope="module")
def float_graph(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graph") / "float.onnx"
    write_graph(network, path)
    return path


def inputs(lengths: list[int]) -> Inputs:
    """Return ids and mask of sequences of these lengths."""
    chance = np.random.default_rng(len(lengths))
    shape = (len(lengths), max(lengths))
    mask = (np.arange(shape[1]) < np.array(lengths)[:, None]).astype(np.int64)
    return {"input_ids": chance.integers(4, 70, shape) * mask + (1 - mask), "attention_mask": mask}


def torch_logits(network: Network, arrays: Inputs) -> dict[str, NDArray[np.float32]]:
    with torch.inference_mode():
        logits = network(*(torch.from_numpy(arrays[name]) for name in ("input_ids", "attention_mask")))
    return {name: scores.numpy() for name, scores in logits.items()}


def graph_logits(graph: Path, arrays: Inputs) -> dict[str, NDArray[np.float32]]:
    session = InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(arrays)), strict=True))


@pytest.mark.parametrize("lengths", [[16, 16], [1], [2, 1, 1], [7], [30, 3, 12, 25, 1], [128]])
def test_the_float_graph_is_the_network(network: Network, float_graph: Path, lengths: list[int]) -> None:
    arrays = inputs(lengths)
    expected = torch_logits(network, arrays)
    found = graph_logits(float_graph, arrays)
    assert list(found) == list(expected)
    for name, scores in expected.items():
        real = arrays["attention_mask"].astype(bool) if scores.ndim == 3 else slice(None)
        np.testing.assert_allclose(found[name][real], scores[real], atol=1e-4)


@pytest.mark.parametrize("lengths", [[40], [30, 3, 12, 25, 1, 60]])
def test_eight_bits_are_close(network: Network, exported: Path, lengths: list[int]) -> None:
    arrays = inputs(lengths)
    found = graph_logits(exported / GRAPH, arrays)
    for name, scores in torch_logits(network, arrays).items():
        real = arrays["attention_mask"].astype(bool) if scores.ndim == 3 else slice(None)
        correlation = np.corrcoef(found[name][real].ravel(), scores[real].ravel())[0, 1]
        assert correlation > 0.99, f"{name}: {correlation}"
        assert not np.allclose(found[name][real], scores[real], atol=1e-5)


def test_only_what_is_needed_is_written(exported: Path) -> None:
    assert {path.name for path in exported.iterdir()} == {
        "README.md",
        "config.json",
        "encoder.json",
        "manifest.json",
        "model.onnx",
        "model.safetensors",
        "tokenizer.json",
    }
    assert not [path.name for path in exported.parent.iterdir() if path.name.startswith(".")]


def test_matrices_have_eight_bits(exported: Path) -> None:
    weights = onnx.load(exported / GRAPH).graph.initializer
    wide = [weight for weight in weights if np.prod(weight.dims) >= 32 * 32]
    assert len(wide) > 12
    assert {weight.data_type for weight in wide} <= {onnx.TensorProto.INT8, onnx.TensorProto.UINT8}


def test_scores_do_not_depend_on_the_rest_of_the_batch(exported: Path) -> None:
    lengths = [30, 3, 12, 25, 1]
    together = inputs(lengths)
    found = graph_logits(exported / GRAPH, together)
    for row, length in enumerate(lengths):
        alone = {name: array[row : row + 1, :length] for name, array in together.items()}
        for name, scores in graph_logits(exported / GRAPH, alone).items():
            expected = found[name][row, :length] if scores.ndim == 3 else found[name][row]
            np.testing.assert_allclose(scores[0], expected, atol=1e-3)


def test_weights_are_kept_to_train_on(source: Path, exported: Path) -> None:
    full, half = load_network(source)[0].state_dict(), load_network(exported)[0].state_dict()
    assert all(torch.equal(full[name].half().float(), weight) for name, weight in half.items())


def test_khabar_loads_and_predicts(source: Path, exported: Path) -> None:
    analyzer = khabar.load(exported, threads=1)
    assert analyzer.config == Checkpoint(source).config()
    text = "زنان کابل از یونیسف ستایش کردند.\nباران تند در هرات ده\u200cها خانه را ویران کرد. " * 6
    article = analyzer.predict(text, title="باران در هرات", targets=["یونیسف"], claims=["باران بارید"])
    assert article.topic is not None
    assert sum(article.topic.scores.values()) == pytest.approx(1)
    assert [stance.kind for stance in article.stances] == ["target", "claim"]
    assert article.entities
    assert all(text[entity.start : entity.end] == entity.text for entity in article.entities)


def test_an_export_takes_the_place_of_an_older_one(source: Path, exported: Path, tmp_path: Path) -> None:
    network, tokenizer, model = load_network(source)
    with drafted(tmp_path / "new") as draft:
        save_network(draft, network, tokenizer, replace(model, name="newer"), torch.float32)
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "old.bin").write_bytes(b"old")
    (tmp_path / "target" / MANIFEST).write_text("{}", "utf-8")
    export(tmp_path / "new", tmp_path / "target")
    assert khabar.load(tmp_path / "target").config.name == "newer"
    assert {path.name for path in (tmp_path / "target").iterdir()} == {path.name for path in exported.iterdir()} - {
        "README.md"
    }
