"""Networks from and to files: Hugging Face encoders, and Khabar checkpoints to go on from."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from khabar.checkpoint import BUNDLED, CONFIG, ENCODER, MANIFEST, TOKENIZER, WEIGHTS, Checkpoint, located
from khabar.config import OVERLAP, ModelConfig, TaskSpec
from khabar.errors import CheckpointError, ConfigError
from khabar.network import Network
from khabar_training.config import TrainingConfig, task_specs


def start(config: TrainingConfig) -> tuple[Network, Tokenizer, ModelConfig]:
    """Return the network that a run starts from, its tokenizer and what it predicts.

    A checkpoint keeps its heads, but for a task whose labels are now others, or all that are trained
    where the run wants fresh ones.
    """
    folder = started_from(config)
    if folder is not None:
        return _from_checkpoint(folder, config)
    if config.keep_start:
        raise ConfigError(
            f"keep_start is {config.keep_start}, and {config.encoder!r} is no Khabar checkpoint; it takes one to go on "
            "from, or 0"
        )
    return _from_encoder(config)


def started_from(config: TrainingConfig) -> Path | None:
    """Return the Khabar checkpoint that a run goes on from, None where it starts from an encoder of Hugging Face's."""
    folder = located(config.encoder)
    return folder if (folder / MANIFEST).exists() else None


def _from_checkpoint(folder: Path, config: TrainingConfig) -> tuple[Network, Tokenizer, ModelConfig]:
    old, tokenizer, model = load_network(folder, config.dropout)
    trained = {task.name: task for task in task_specs(config)}
    before = {task.name: task for task in model.tasks}
    kept = {name: before[name] for name in _kept_heads(model, trained, config)}
    specs = tuple(replace(task, temperature=1.0) for task in (before | trained | kept).values())  # to be fitted anew
    window, overlap = _windows(config, old.encoder)
    network = Network(old.encoder, specs, config.dropout)
    for name in kept:
        network.heads[name].load_state_dict(old.heads[name].state_dict())
    return network, tokenizer, replace(model, name=config.name, tasks=specs, window=window, overlap=overlap)


def _kept_heads(before: ModelConfig, tasks: Mapping[str, TaskSpec], config: TrainingConfig) -> list[str]:
    """Return whose heads stay in a run of *tasks*: those not trained, or of the same labels and not begun anew."""
    anew = config.tasks if config.fresh_heads else ()
    return [old.name for old in before.tasks if old.name not in anew and old.keys == tasks.get(old.name, old).keys]


def keep_start(network: Network, model: ModelConfig, config: TrainingConfig) -> None:
    """Give the starting checkpoint its share in a trained network's weights, but for heads that were begun anew."""
    folder = started_from(config)
    if folder is None or not config.keep_start:
        return
    old, _, before = load_network(folder)
    heads = tuple(f"heads.{name}." for name in _kept_heads(before, {task.name: task for task in model.tasks}, config))
    old_weights = old.state_dict()
    for name, weights in network.state_dict().items():
        if name.startswith(("encoder.", *heads)):
            weights.lerp_(old_weights[name], config.keep_start)


def _from_encoder(config: TrainingConfig) -> tuple[Network, Tokenizer, ModelConfig]:
    """Put fresh heads on an encoder from the Hub or a folder."""
    try:
        wrapper = AutoTokenizer.from_pretrained(config.encoder, use_fast=True, trust_remote_code=False)
        encoder = AutoModel.from_pretrained(config.encoder, dtype=torch.float32, trust_remote_code=False)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(
            f"the encoder {config.encoder!r} cannot be loaded ({reason}); name a model of the Hugging Face Hub, "
            f"the folder of one, a Khabar checkpoint, or {BUNDLED!r}"
        ) from None
    _check_encoder(config.encoder, encoder, wrapper)
    window, overlap = _windows(config, encoder)
    model = ModelConfig(
        name=config.name,
        tasks=task_specs(config),
        cls_token=wrapper.cls_token,
        sep_token=wrapper.sep_token,
        pad_token=wrapper.pad_token,
        window=window,
        overlap=overlap,
    )
    return Network(_plain(encoder), model.tasks, config.dropout), wrapper.backend_tokenizer, model


def _check_encoder(name: str, encoder: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse what is no encoder like BERT, and a tokenizer that belongs to another one."""
    shape = encoder.config
    if shape.is_encoder_decoder or not hasattr(shape, "max_position_embeddings"):
        raise ConfigError(
            f"{name!r} is of type {shape.model_type!r}; the encoder must be one like BERT, as ParsBERT is"
        )
    for token in ("cls_token", "sep_token", "pad_token"):
        if getattr(tokenizer, token) is None:
            raise ConfigError(f"the tokenizer of {name!r} has no {token}; name an encoder like BERT, as ParsBERT is")
    n_pieces, n_rows = len(tokenizer), int(encoder.config.vocab_size)
    if n_pieces > n_rows:
        raise ConfigError(
            f"the tokenizer of {name!r} has {n_pieces} word pieces and its encoder knows {n_rows}; "
            "they belong to different models: take both from one"
        )


def _windows(config: TrainingConfig, encoder: PreTrainedModel) -> tuple[int, int]:
    """Return how much one pass reads and how much neighbouring windows share."""
    longest = encoder.config.max_position_embeddings
    if config.window > longest:
        raise ConfigError(f"window is {config.window}; the encoder {config.encoder!r} takes {longest} or fewer")
    return config.window, min(OVERLAP, config.window // 4)


def _plain(encoder: PreTrainedModel) -> PreTrainedModel:
    """Drop the pooler, which no head reads, and what slows training on a CPU: attention dropout, and fused attention,
    which takes longer backward than all else in a step."""
    if hasattr(encoder, "pooler"):
        setattr(encoder, "pooler", None)  # noqa: B010 - typed as a module
    encoder.config.attention_probs_dropout_prob = 0.0
    for module in encoder.modules():
        dropout = getattr(module, "dropout", None)
        if hasattr(module, "query") and isinstance(dropout, nn.Dropout):
            dropout.p = 0.0
    if not torch.cuda.is_available():
        encoder.set_attn_implementation("eager")
    return encoder


def load_network(folder: Path, dropout: float = 0.1) -> tuple[Network, Tokenizer, ModelConfig]:
    """Load the float network of a checkpoint."""
    checkpoint = Checkpoint(folder)
    model = checkpoint.config()
    shape, tensors = checkpoint.path(ENCODER), checkpoint.path(WEIGHTS)
    try:
        weights = {name: tensor.float() for name, tensor in load_file(tensors).items()}
        network = Network(_plain(_encoder(json.loads(shape.read_text("utf-8")), weights)), model.tasks, dropout)
        network.load_state_dict(weights)
    except Exception as error:  # what torch and transformers raise for a shape that is none shares no base class
        raise CheckpointError(folder, f"{WEIGHTS} does not fit {ENCODER} ({error})", "write it again") from None
    return network, checkpoint.tokenizer(), model


def _encoder(values: object, weights: Mapping[str, torch.Tensor]) -> PreTrainedModel:
    """Build the encoder of a checkpoint, whose shape is plain values, so that it names no code to run."""
    if not isinstance(values, dict) or not all(isinstance(value, int | float | str) for value in values.values()):
        raise ValueError("a shape is an object of numbers and strings")
    if named := [key for key in values if key in ("auto_map", "trust_remote_code") or key.startswith("_attn")]:
        raise ValueError(f"{', '.join(named)} may name code to run")
    shape = AutoConfig.for_model(**values)
    if shape.num_hidden_layers > len(weights):
        raise ValueError(f"{shape.num_hidden_layers} layers for {len(weights)} weights")
    build: Callable[[], PreTrainedModel] = partial(
        AutoModel.from_config, shape, dtype=torch.float32, trust_remote_code=False
    )
    with torch.device("meta"):  # which takes no memory, however large it claims to be
        claimed = build()
    n_claimed, n_given = (sum(map(torch.Tensor.numel, them)) for them in (claimed.parameters(), weights.values()))
    if n_claimed > 2 * n_given:
        raise ValueError(f"a shape of {n_claimed} numbers for {n_given} weights")
    return build()


def save_network(draft: Path, network: Network, tokenizer: Tokenizer, model: ModelConfig, dtype: torch.dtype) -> None:
    """Write all but the ONNX graph of a checkpoint into a draft folder, weights as *dtype*."""
    (draft / CONFIG).write_text(model.to_json(), "utf-8")
    (draft / TOKENIZER).write_text(tokenizer.to_str(pretty=False), "utf-8")
    shape = {
        key: value for key, value in network.encoder.config.to_dict().items() if isinstance(value, int | float | str)
    }
    (draft / ENCODER).write_text(json.dumps(shape, indent=1) + "\n", "utf-8")
    weights = {name: tensor.to(dtype).contiguous() for name, tensor in network.state_dict().items()}
    try:
        save_file(weights, draft / WEIGHTS)
    except SafetensorError as error:  # where the disk is full
        raise OSError(str(error)) from None
