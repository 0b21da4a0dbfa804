"""From a float checkpoint to the bundle that predicts: one ONNX graph, 8-bit weights."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions
from torch import Tensor, nn

from khabar.checkpoint import GRAPH, drafted
from khabar.network import Network
from khabar_training.weights import load_network, save_network


def export(source: Path, target: Path, *, card: Path | None = None) -> Path:
    """Write the checkpoint *source* to *target* with an int8 graph and half-precision weights.

    *card* is a model card to put beside them. Layer norms and GELU are fused by ONNX
    Runtime's transformers optimizer.
    """
    network, tokenizer, model = load_network(source)
    with drafted(target) as draft, TemporaryDirectory() as scratch:
        save_network(draft, network, tokenizer, model, torch.float16)
        write_graph(network, Path(scratch) / "float.onnx")
        quantize(Path(scratch) / "float.onnx", draft / GRAPH, network)
        if card is not None:
            shutil.copyfile(card, draft / "README.md")
    return target


def write_graph(network: Network, path: Path) -> None:
    """Write the float graph, attention in plain operators: input_ids, attention_mask (B, L) -> one output of logits a task."""
    network.encoder.set_attn_implementation("eager")
    names = list(network.heads)
    ids = torch.randint(5, 50, (2, 16))
    dimensions = {
        0: torch.export.Dim("batch"),
        1: torch.export.Dim("length", max=network.encoder.config.max_position_embeddings),
    }
    program = torch.onnx.export(
        _Outputs(network).eval(),
        (ids, torch.ones_like(ids)),
        input_names=["input_ids", "attention_mask"],
        output_names=names,
        dynamic_shapes=(dimensions, dimensions),
        dynamo=True,
        verbose=False,
    )
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
    """Fuse the float graph *source* and write it with 8-bit weights to *target*.

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
    matrices = MatMulNBitsQuantizer(fused.model, bits=8, block_size=128, is_symmetric=True, accuracy_level=4)
    matrices.process()
    halfway = source.with_name("matrices.onnx")
    matrices.model.save_model_to_file(str(halfway), use_external_data_format=False)
    quantize_dynamic(halfway, target, op_types_to_quantize=["Gather"], weight_type=QuantType.QInt8)
