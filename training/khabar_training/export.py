"""From a float checkpoint to the bundle that predicts: one ONNX graph, 8-bit weights."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions
from torch import Tensor, nn

from khabar.checkpoint import GRAPH, drafted
from khabar.network import Network
from khabar_training.weights import load_network, save_network


def export(source: Path, target: Path, *, card: Path | None = None) -> Path:
    """Write the checkpoint *source* to *target* with an int8 graph and half-precision weights.

    *card* is a model card to put beside them. Attention, layer norms and GELU are fused by ONNX
    Runtime's transformers optimizer; weights are 8 bits, one scale a column, with activations
    quantized as they come (dynamic quantization).
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
    """Write the float graph: input_ids, attention_mask (B, L) -> one output of logits a task."""
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
    """Fuse the float graph *source* and write it with 8-bit weights to *target*."""
    shape = network.encoder.config
    options = FusionOptions("bert")
    fused = optimizer.optimize_model(
        str(source),
        "bert",
        num_heads=shape.num_attention_heads,
        hidden_size=shape.hidden_size,
        optimization_options=options,
        opt_level=0,
    )
    merged = source.with_name("fused.onnx")
    fused.save_model_to_file(str(merged))
    quantize_dynamic(merged, target, weight_type=QuantType.QInt8, per_channel=True, reduce_range=False)
