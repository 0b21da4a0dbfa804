"""Networks from and to files: Hugging Face encoders, and Khabar checkpoints to go on from."""

import json
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel

from khabar.checkpoint import CONFIG, ENCODER, MANIFEST, TOKENIZER, WEIGHTS, Checkpoint
from khabar.config import ModelConfig
from khabar.errors import CheckpointError
from khabar.network import Network
from khabar_training.config import TASKS, TrainingConfig


def start(config: TrainingConfig) -> tuple[Network, Tokenizer, ModelConfig]:
    """Return the network that a run starts from, its tokenizer and what it predicts."""
    if (Path(config.encoder) / MANIFEST).exists():
        network, tokenizer, model = load_network(Path(config.encoder), config.dropout)
        return network, tokenizer, replace(model, name=config.name, window=config.window)
    return _from_encoder(config)


def _from_encoder(config: TrainingConfig) -> tuple[Network, Tokenizer, ModelConfig]:
    """Put fresh heads on an encoder from the Hub or a folder."""
    wrapper = AutoTokenizer.from_pretrained(config.encoder, use_fast=True, trust_remote_code=False)
    model = ModelConfig(
        name=config.name,
        tasks=TASKS,
        cls_token=wrapper.cls_token,
        sep_token=wrapper.sep_token,
        pad_token=wrapper.pad_token,
        window=config.window,
    )
    encoder = AutoModel.from_pretrained(config.encoder, dtype=torch.float32, trust_remote_code=False)
    return Network(_plain(encoder), TASKS, config.dropout), wrapper.backend_tokenizer, model


def _plain(encoder: PreTrainedModel) -> PreTrainedModel:
    """Drop the pooler, which no head reads, and attention dropout, which slows training on a CPU."""
    if hasattr(encoder, "pooler"):
        setattr(encoder, "pooler", None)  # noqa: B010 - typed as a module
    encoder.config.attention_probs_dropout_prob = 0.0
    for module in encoder.modules():
        dropout = getattr(module, "dropout", None)
        if hasattr(module, "query") and isinstance(dropout, nn.Dropout):
            dropout.p = 0.0
    return encoder


def load_network(folder: Path, dropout: float = 0.1) -> tuple[Network, Tokenizer, ModelConfig]:
    """Load the float network of a checkpoint."""
    checkpoint = Checkpoint(folder)
    model = checkpoint.config()
    shape = json.loads(checkpoint.path(ENCODER).read_text("utf-8"))
    encoder = AutoModel.from_config(AutoConfig.for_model(**shape), dtype=torch.float32)  # type: ignore[no-untyped-call]
    network = Network(_plain(encoder), model.tasks, dropout)
    weights = {name: tensor.float() for name, tensor in load_file(checkpoint.path(WEIGHTS)).items()}
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(folder, f"{WEIGHTS} does not fit {ENCODER} ({error})", "write it again") from None
    return network, checkpoint.tokenizer(), model


def save_network(draft: Path, network: Network, tokenizer: Tokenizer, model: ModelConfig, dtype: torch.dtype) -> None:
    """Write all but the ONNX graph of a checkpoint into a draft folder, weights as *dtype*."""
    (draft / CONFIG).write_text(model.to_json(), "utf-8")
    tokenizer.save(str(draft / TOKENIZER), pretty=False)
    shape = {
        key: value for key, value in network.encoder.config.to_dict().items() if isinstance(value, int | float | str)
    }
    (draft / ENCODER).write_text(json.dumps(shape, indent=1) + "\n", "utf-8")
    weights = {name: tensor.to(dtype).contiguous() for name, tensor in network.state_dict().items()}
    save_file(weights, draft / WEIGHTS)
