"""Networks from Hugging Face folders and from checkpoints, and back to files."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast, T5Config, T5Model

from khabar import CheckpointError, ConfigError
from khabar.checkpoint import ENCODER, WEIGHTS, Checkpoint, drafted
from khabar.config import ModelConfig
from khabar.network import Network
from khabar.text import TextReader
from khabar_data.labels import TASKS
from khabar_training.config import TrainingConfig
from khabar_training.weights import keep_start, load_network, save_network, start


def logits(network: Network, reader: TextReader, text: str) -> dict[str, Tensor]:
    """Return what a network says of one text."""
    ids = torch.from_numpy(reader.single(reader.read(text).ids))[None]
    with torch.inference_mode():
        found: dict[str, Tensor] = network.eval()(ids, torch.ones_like(ids))
    return found


def save(folder: Path, config: TrainingConfig, dtype: torch.dtype = torch.float32) -> tuple[Network, ModelConfig]:
    network, tokenizer, model = start(config)
    with drafted(folder) as draft:
        save_network(draft, network, tokenizer, model, dtype)
    return network, model


def head_dropouts(network: Network) -> set[float]:
    return {module.p for module in network.heads.modules() if isinstance(module, nn.Dropout)}


def test_start_from_a_hugging_face_folder(encoder_folder: Path, config: TrainingConfig) -> None:
    network, tokenizer, model = start(replace(config, encoder=str(encoder_folder), name="ریز", dropout=0.25))
    assert model.tasks == TASKS == tuple(model.task(name) for name in network.heads)
    assert (model.name, model.window) == ("ریز", 96)
    assert TextReader(tokenizer, model).pad_id == network.encoder.config.pad_token_id
    original = load_file(encoder_folder / "model.safetensors")
    weights = network.encoder.state_dict()
    assert {name for name in original if not name.startswith("pooler.")} == set(weights)
    assert all(torch.equal(weights[name], original[name]) for name in weights)
    assert head_dropouts(network) == {0.25}


def test_no_attention_dropout_and_no_pooler(config: TrainingConfig, tmp_path: Path) -> None:
    fresh, _ = save(tmp_path / "saved", config)
    loaded, _, _ = load_network(tmp_path / "saved")
    for network in (fresh, loaded):
        assert not [name for name, _ in network.named_parameters() if "pooler" in name]
        attention = {name: module for name, module in network.encoder.named_modules() if hasattr(module, "query")}
        assert len(attention) == 2
        assert {module.dropout.p for module in attention.values()} == {0.0}
        others = [
            module.p
            for name, module in network.encoder.named_modules()
            if isinstance(module, nn.Dropout) and name.removesuffix(".dropout") not in attention
        ]
        assert set(others) == {0.1}


def test_what_is_saved_comes_back(encoder_folder: Path, config: TrainingConfig, tmp_path: Path) -> None:
    network, tokenizer, model = start(replace(config, encoder=str(encoder_folder)))
    with drafted(tmp_path / "saved") as draft:
        save_network(draft, network, tokenizer, model, torch.float32)
    again, tokenizer_again, model_again = load_network(tmp_path / "saved")
    assert model_again == model
    assert tokenizer_again.to_str() == tokenizer.to_str()
    reader = TextReader(tokenizer, model)
    for text in ("باران در هرات", "وزیر خارجه ایران از احمد ظریف گفت. " * 3):
        torch.testing.assert_close(logits(again, reader, text), logits(network, reader, text), atol=0, rtol=0)


def test_half_precision_comes_back_as_float(config: TrainingConfig, tmp_path: Path) -> None:
    network, _ = save(tmp_path / "half", config, torch.float16)
    again, _, _ = load_network(tmp_path / "half")
    for name, weight in again.state_dict().items():
        assert weight.dtype is torch.float32
        assert torch.equal(weight, network.state_dict()[name].half().float())


def test_a_run_goes_on_from_a_checkpoint(config: TrainingConfig, tmp_path: Path) -> None:
    network, model = save(tmp_path / "first", config)
    going_on = replace(config, encoder=str(tmp_path / "first"), name="second", window=120, dropout=0.3)
    again, _, second = start(going_on)
    assert second == replace(model, name="second", window=120, overlap=30)
    assert head_dropouts(again) == {0.3}
    assert all(torch.equal(weight, network.state_dict()[name]) for name, weight in again.state_dict().items())


def test_weights_of_another_shape_are_refused(config: TrainingConfig, tmp_path: Path) -> None:
    save(tmp_path / "saved", config)
    shape = json.loads((tmp_path / "saved" / ENCODER).read_text("utf-8"))
    with drafted(tmp_path / "mixed") as draft:
        for file in (tmp_path / "saved").iterdir():
            (draft / file.name).write_bytes(file.read_bytes())
        (draft / ENCODER).write_text(json.dumps({**shape, "intermediate_size": 48}), "utf-8")
    with pytest.raises(CheckpointError, match=f"{WEIGHTS} does not fit {ENCODER}"):
        load_network(tmp_path / "mixed")


def test_a_checkpoint_without_weights_is_refused(config: TrainingConfig, tmp_path: Path) -> None:
    save(tmp_path / "saved", config)
    with drafted(tmp_path / "lacking") as draft:
        for file in (tmp_path / "saved").iterdir():
            if file.name != WEIGHTS:
                (draft / file.name).write_bytes(file.read_bytes())
    assert Checkpoint(tmp_path / "lacking").config().name == "khabar"
    with pytest.raises(CheckpointError, match=f"it has no {WEIGHTS}"):
        load_network(tmp_path / "lacking")


def test_fresh_heads_forget(config: TrainingConfig, tiny_checkpoint: Callable[[str], Path]) -> None:
    old, _, _ = load_network(tiny_checkpoint("unigram"))
    settings = replace(config, encoder=str(tiny_checkpoint("unigram")), tasks=("topic",))
    kept, _, _ = start(settings)
    fresh, _, _ = start(replace(settings, fresh_heads=True))
    name = "output.weight"
    assert torch.equal(kept.heads["topic"].state_dict()[name], old.heads["topic"].state_dict()[name])
    assert not torch.equal(fresh.heads["topic"].state_dict()[name], old.heads["topic"].state_dict()[name])
    assert torch.equal(fresh.heads["entities"].state_dict()[name], old.heads["entities"].state_dict()[name])


def test_a_share_of_the_start_stays(config: TrainingConfig, tiny_checkpoint: Callable[[str], Path]) -> None:
    """Written is the mean of what was and what was learnt, but for heads that were begun anew."""
    folder = tiny_checkpoint("unigram")
    before = load_network(folder)[0].state_dict()
    settings = replace(config, encoder=str(folder), tasks=("topic",), labels={"topic": ("خبر", "نظر")}, keep_start=0.25)
    network, _, model = start(settings)
    with torch.no_grad():
        for weights in network.parameters():
            weights.add_(1.0)
    learnt = {name: weights.clone() for name, weights in network.state_dict().items()}
    keep_start(network, model, settings)
    for name, weights in network.state_dict().items():
        share = 0.0 if name.startswith("heads.topic.") else 0.25
        mean = learnt[name] if not share else share * before[name] + (1 - share) * learnt[name]
        torch.testing.assert_close(weights, mean, msg=name)


def test_only_a_checkpoint_can_stay(encoder_folder: Path, config: TrainingConfig) -> None:
    with pytest.raises(ConfigError, match=r"is no Khabar checkpoint; it takes one to go on from, or 0"):
        start(replace(config, encoder=str(encoder_folder), keep_start=0.5))


def test_an_encoder_unlike_bert(config: TrainingConfig, tiny_encoder: Callable[[str], Path], tmp_path: Path) -> None:
    PreTrainedTokenizerFast.from_pretrained(tiny_encoder("unigram")).save_pretrained(tmp_path / "t5")
    shape = T5Config(vocab_size=200, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    T5Model(shape).save_pretrained(tmp_path / "t5")
    with pytest.raises(ConfigError, match=r"t5' is of type 't5'; the encoder must be one like BERT"):
        start(replace(config, encoder=str(tmp_path / "t5")))


def test_a_tokenizer_of_another_encoder(
    config: TrainingConfig, tiny_encoder: Callable[[str], Path], tmp_path: Path
) -> None:
    PreTrainedTokenizerFast.from_pretrained(tiny_encoder("unigram")).save_pretrained(tmp_path / "mixed")
    shape = BertConfig.from_pretrained(tiny_encoder("unigram"), vocab_size=20)
    BertModel(shape).save_pretrained(tmp_path / "mixed")
    with pytest.raises(ConfigError, match=r"has \d+ word pieces and its encoder knows 20; they belong to different"):
        start(replace(config, encoder=str(tmp_path / "mixed")))
