"""The exported graph says what the network says, and the exported folder predicts."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnxruntime import InferenceSession
from transformers import ModernBertConfig, ModernBertModel

import khabar
from khabar.checkpoint import GRAPH, MANIFEST, Checkpoint, drafted
from khabar.config import Kind, Label, TaskSpec
from khabar.network import Network
from khabar.text import Integers
from khabar_training.config import DataSpec, TrainingConfig
from khabar_training.export import export, write_graph
from khabar_training.weights import load_network, save_network, start

TOPIC: Final = TaskSpec(name="topic", kind=Kind.TEXT, labels=(Label("sport", "ورزش"), Label("crime", "جرم")))


@pytest.fixture(scope="module")
def source(tiny_encoder: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A float checkpoint with fresh heads, whose entities are all given."""
    folder = tmp_path_factory.mktemp("export")
    spec = (DataSpec(corpus="own"),)
    config = TrainingConfig(encoder=str(tiny_encoder("unigram")), output=folder, corpora=folder, data=spec, window=96)
    torch.manual_seed(2)
    network, tokenizer, model = start(config)
    with drafted(folder / "float") as draft:
        whatever = replace(model, min_entity_score=0.0)  # fresh heads are never sure
        save_network(draft, network, tokenizer, whatever, torch.float32)
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


def sequence(length: int) -> Integers:
    return np.random.default_rng(length).integers(4, 70, length)


def torch_logits(network: Network, ids: Integers) -> dict[str, NDArray[np.float32]]:
    batch = torch.from_numpy(ids[None])
    with torch.inference_mode():
        return {name: scores[0].numpy() for name, scores in network(batch, torch.ones_like(batch)).items()}


def graph_logits(graph: Path, ids: Integers) -> dict[str, NDArray[np.float32]]:
    session = InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, (rows[0] for rows in session.run(names, {"input_ids": ids[None]})), strict=True))


@pytest.mark.parametrize("length", [1, 2, 7, 16, 128, 512])
def test_the_float_graph_is_the_network(network: Network, float_graph: Path, length: int) -> None:
    expected = torch_logits(network, sequence(length))
    found = graph_logits(float_graph, sequence(length))
    assert list(found) == list(expected)
    for name, scores in expected.items():
        np.testing.assert_allclose(found[name], scores, atol=1e-4)


def test_an_encoder_that_looks_around_itself_only(tmp_path: Path) -> None:
    """ModernBERT has a mask in most layers, padding or none."""
    torch.manual_seed(3)
    shape = ModernBertConfig(
        vocab_size=80,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=2,
        local_attention=16,
        initializer_range=0.5,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    encoder = ModernBertModel(shape)
    network = Network(encoder, (TOPIC,)).eval()
    write_graph(network, tmp_path / "float.onnx")
    found = graph_logits(tmp_path / "float.onnx", sequence(40))
    np.testing.assert_allclose(found["topic"], torch_logits(network, sequence(40))["topic"], atol=1e-4)


@pytest.mark.parametrize("length", [60, 3])
def test_eight_bits_are_close(network: Network, exported: Path, length: int) -> None:
    found = graph_logits(exported / GRAPH, sequence(length))
    for name, scores in torch_logits(network, sequence(length)).items():
        correlation = np.corrcoef(found[name].ravel(), scores.ravel())[0, 1]
        assert correlation > 0.99, f"{name}: {correlation}"
        assert not np.allclose(found[name], scores, atol=1e-5)


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
