"""Checkpoints that predict: one ONNX graph with 8-bit weights beside the float ones."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions
from tokenizers import Tokenizer
from torch import Tensor, nn

from khabar.checkpoint import GRAPH, TRAINING_DATA, drafted
from khabar.config import ModelConfig
from khabar.network import Network
from khabar_data.fingerprints import Fingerprints
from khabar_training.weights import load_network, save_network


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
    with drafted(target) as draft, TemporaryDirectory() as scratch:
        save_network(draft, network, tokenizer, model, dtype)
        if seen is not None:
            seen.save(draft / TRAINING_DATA)
        write_graph(network, Path(scratch) / "float.onnx")
        quantize(Path(scratch) / "float.onnx", draft / GRAPH, network)
        if card is not None:
            shutil.copyfile(card, draft / "README.md")
    return target


def write_graph(network: Network, path: Path) -> None:
    """Write the float graph: input_ids and attention_mask of shape (B, L) -> the logits of each task.

    Attention is written out in plain operators, which take any mask.
    """
    names = list(network.heads)
    ids = torch.ones((2, 16), dtype=torch.long)
    dimensions = {
        0: torch.export.Dim("batch"),
        1: torch.export.Dim("length", max=network.encoder.config.max_position_embeddings),
    }
    attention = network.encoder.config._attn_implementation
    network.encoder.set_attn_implementation("eager")
    try:
        program = torch.onnx.export(
            _Outputs(network).eval(),
            (ids, torch.ones_like(ids)),
            input_names=["input_ids", "attention_mask"],
            output_names=names,
            dynamic_shapes=(dimensions, dimensions),
            dynamo=True,
            verbose=False,
        )
    finally:
        network.encoder.set_attn_implementation(attention)
    if program is None:
        raise RuntimeError("torch.onnx.export returned no program")
    program.save(str(path))


class _Outputs(nn.Module):
    """The network with its logits as a tuple, in the order of its tasks."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.network(input_ids, attention_mask).values())


def quantize(source: Path, target: Path, network: Network) -> None:
    """Fuse the float graph *source* (layer norms and GELU) and write it with 8-bit weights to *target*.

    Matrices get one scale for each block of 128 weights, and each word piece its own scale as it
    comes, so an article's scores do not depend on what else is in the batch.
    """
    shape = network.encoder.config
    fused = optimizer.optimize_model(
        str(source),
        "bert",
        num_heads=shape.num_attention_heads,
        hidden_size=shape.hidden_size,
        optimization_options=FusionOptions("bert"),
        opt_level=0,
    )
    for node in fused.model.graph.node:
        del node.metadata_props[:]  # the exporter's stack traces
    matrices = MatMulNBitsQuantizer(fused.model, bits=8, block_size=128, is_symmetric=True, accuracy_level=4)
    matrices.process()
    halfway = source.with_name("matrices.onnx")
    matrices.model.save_model_to_file(str(halfway), use_external_data_format=False)
    quantize_dynamic(halfway, target, op_types_to_quantize=["Gather"], weight_type=QuantType.QInt8)
