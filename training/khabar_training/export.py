"""Checkpoints that predict: one ONNX graph in 8 bits beside the float weights."""

import shutil
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import onnx
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import bidirectional_mask_function, eager_mask

from khabar.checkpoint import GRAPH, TRAINING_DATA, drafted
from khabar.config import ModelConfig
from khabar.graph import check_graph
from khabar.network import Network
from khabar.text import Integers, TextReader
from khabar_data.fingerprints import Fingerprints
from khabar_data.samples import read
from khabar_training.quantization import CONTRIB, channel_peaks, quantize
from khabar_training.weights import load_network, save_network

_WHOLE: Final = "khabar_whole"
"""What transformers calls the attention of texts that are not padded."""
_N_SAMPLES: Final = 48
"""Articles that show how uneven the channels are."""


def export(source: Path, target: Path, *, card: Path | None = None) -> Path:
    """Write the checkpoint *source* to *target* to be shipped: weights in half precision, and a model card."""
    seen = Fingerprints.of_checkpoint(source)
    return write_checkpoint(target, *load_network(source), seen, dtype=torch.float16, card=card)


def write_checkpoint(
    target: Path,
    network: Network,
    tokenizer: Tokenizer,
    model: ModelConfig,
    seen: Fingerprints | None = None,
    *,
    dtype: torch.dtype = torch.float32,
    card: Path | None = None,
) -> Path:
    """Write a whole checkpoint: the weights as *dtype* to go on from, the int8 graph to predict with, and the
    fingerprints of the texts that it has *seen*, where they are known."""
    network = network.cpu()  # where it may have learnt on another device
    with drafted(target) as draft, TemporaryDirectory() as scratch:
        save_network(draft, network, tokenizer, model, dtype)
        if seen is not None:
            seen.save(draft / TRAINING_DATA)
        write_graph(network, Path(scratch) / "float.onnx")
        graph = onnx.load(Path(scratch) / "float.onnx")
        quantize(graph, channel_peaks(graph, _sample_windows(tokenizer, model)))
        check_graph(graph.SerializeToString())
        onnx.save(graph, draft / GRAPH)
        if card is not None:
            shutil.copyfile(card, draft / "README.md")
    return target


def write_graph(network: Network, path: Path) -> None:
    """Write the float graph: input_ids of shape (1, L), one text or pair without padding -> the logits of each task.

    Attention is one operator, which needs no mask, since nothing is padded.
    """
    AttentionInterface.register(_WHOLE, _attention)
    AttentionMaskInterface.register(_WHOLE, _mask)
    before = network.encoder.config._attn_implementation
    network.encoder.set_attn_implementation(_WHOLE)
    longest = network.encoder.config.max_position_embeddings
    try:
        program = torch.onnx.export(
            _Outputs(network).eval(),
            (torch.ones((1, 16), dtype=torch.long),),
            input_names=["input_ids"],
            output_names=list(network.heads),
            dynamic_shapes=({1: torch.export.Dim("length", max=longest)},),
            dynamo=True,
            verbose=False,
        )
    finally:
        network.encoder.set_attn_implementation(before)
    if program is None:
        raise RuntimeError("torch.onnx.export returned no program")
    program.save(str(path))


class _Outputs(nn.Module):
    """The network with its logits as a tuple, in the order of its tasks."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.network(input_ids, torch.ones_like(input_ids)).values())


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    **_: Any,
) -> tuple[Tensor, None]:
    """Give attention as the one operator that ONNX Runtime has for it; heads have shape (1, n_heads, L, D)."""
    n_heads, size = query.shape[1], query.shape[3]
    joined = [heads.transpose(1, 2).reshape(1, -1, n_heads * size) for heads in (query, key, value)]
    mixed: Tensor = torch.onnx.ops.symbolic(
        f"{CONTRIB}::MultiHeadAttention",
        joined if attention_mask is None else [*joined, None, None, attention_mask],
        {"num_heads": n_heads, "scale": scaling},
        dtype=query.dtype,
        shape=joined[0].shape,
        version=1,
    )
    return mixed.reshape(1, -1, n_heads, size), None


def _mask(*, mask_function: Callable[..., object], attention_mask: Tensor | None, **settings: Any) -> Tensor | None:
    """Return no mask where each piece may see each other one, as in BERT; nothing is padded, so there is no other."""
    if mask_function == bidirectional_mask_function:
        return None
    return eager_mask(mask_function=mask_function, attention_mask=None, **settings)


def _sample_windows(tokenizer: Tokenizer, model: ModelConfig) -> Iterator[Integers]:
    """Yield the first windows of some of our own articles, to measure with."""
    reader = TextReader(tokenizer, model)
    for record in islice(read("train"), _N_SAMPLES):
        yield reader.single(reader.read(record.text).ids[: reader.window - 2])
