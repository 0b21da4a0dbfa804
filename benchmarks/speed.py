"""How fast articles are read: Khabar beside what it replaces, in one run, by turns.

    python benchmarks/speed.py [--rounds 5] [--threads 2] [--json FILE]

The opponents have the shape of ParsBERT v3 (12 layers of 768, a vocabulary of 100,000) and random weights:

- three ``transformers`` pipelines in torch, float32, batches of 8: one for topics, which reads the first 512 pieces,
  one for entities, which reads the whole text in windows of 512, one for 3 stances, which reads 256 pieces for each;
- one such encoder for everything, exported to 8 bits and run by Khabar itself.

All split words into pieces with the tokenizer of the bundled model. The articles are our own samples, joined to lengths
from 60 to 1,500 words; each is asked for one topic, its entities and 3 stances. A ratio is the median of the rounds'
ratios. Also measured: the tokens a second of one pass over documents, and how near that comes to what this machine's
integer kernels give for one large matrix.
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession, SessionOptions
from rich.console import Console
from rich.progress import track
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertForTokenClassification,
    BertModel,
    PreTrainedTokenizerFast,
    pipeline,
)

import khabar
from khabar.checkpoint import GRAPH, Checkpoint, bundled
from khabar.network import Network
from khabar_data.samples import read
from khabar_training.export import write_checkpoint
from khabar_training.quantization import in_eight_bits

WORDS: Final = (60, 100, 150, 250, 400, 600, 900, 1500)
WINDOW: Final = 256
PARSBERT: Final = BertConfig(vocab_size=100_000)


@dataclass(frozen=True)
class Task:
    """One article, and whom it is asked about."""

    text: str
    targets: tuple[str, ...]


def articles() -> list[Task]:
    """Return one article of each length, made of our own."""
    records = cycle(read("train"))
    tasks = []
    for n_words in WORDS:
        words: list[str] = []
        targets: list[str] = []
        while len(words) < n_words or len(set(targets)) < 3:
            record = next(records)
            words += record.text.split()
            targets += [stance.target for stance in record.target_stances]
        tasks.append(Task(" ".join(words[:n_words]), tuple(dict.fromkeys(targets))[:3]))
    return tasks


def read_with(analyzer: khabar.Analyzer, tasks: Sequence[Task]) -> None:
    found = list(analyzer.predict_many(khabar.Document(task.text, targets=task.targets) for task in tasks))
    assert all(len(article.stances) == 3 for article in found)


def pipelines(checkpoint: Checkpoint) -> Callable[[Sequence[Task]], None]:
    """Return the three pipelines as one function."""
    model = checkpoint.config()
    ends = {"cls_token": model.cls_token, "sep_token": model.sep_token, "pad_token": model.pad_token}
    tokenizer: Any = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=checkpoint.tokenizer(), model_max_length=512, **ends
    )
    sizes = {task.name: len(task.outputs) for task in model.tasks}

    def build(kind: Any, name: str, **settings: Any) -> Any:
        network = kind(BertConfig(**{**PARSBERT.to_dict(), "num_labels": sizes[name]})).eval()
        name = "token-classification" if kind is BertForTokenClassification else "text-classification"
        return pipeline(name, model=network, tokenizer=tokenizer, batch_size=8, device=-1, **settings)  # type: ignore[call-overload]

    topics = build(BertForSequenceClassification, "topic")
    entities = build(BertForTokenClassification, "entities", stride=64, aggregation_strategy="simple")
    stances = build(BertForSequenceClassification, "target_stance")

    def run(tasks: Sequence[Task]) -> None:
        texts = [task.text for task in tasks]
        topics(texts, truncation=True)
        entities(texts)
        pairs = [{"text": target, "text_pair": task.text} for task in tasks for target in task.targets]
        stances(pairs, truncation="only_second", max_length=WINDOW)

    return run


def parsbert_in_eight_bits(checkpoint: Checkpoint, folder: Path, threads: int) -> khabar.Analyzer:
    """Return an analyzer of ParsBERT's shape, written by Khabar's own export."""
    encoder = BertModel(PARSBERT, add_pooling_layer=False)
    network = Network(encoder, checkpoint.config().tasks)
    write_checkpoint(folder / "parsbert", network, checkpoint.tokenizer(), checkpoint.config())
    return khabar.load(folder / "parsbert", threads=threads)


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def document_pass(analyzer: khabar.Analyzer) -> Callable[[], int]:
    """Return a pass over 64 whole windows, which gives how many tokens it read."""
    chance = np.random.default_rng(0)
    windows = [chance.integers(5, 15_000, WINDOW) for _ in range(64)]
    runtime = analyzer._runtime

    def run() -> int:
        runtime.run(windows)
        return 64 * WINDOW

    return run


def whole_number_peak(threads: int) -> float:
    """Return the operations a second of one large matrix in the kernel that the graph uses."""
    size = 2048
    whole, scales = in_eight_bits(np.random.default_rng(0).normal(size=(size, size)).astype(np.float32))
    constants = {"w": whole, "scales": scales, "scale": np.float32(0.1), "zero": np.uint8(128)}
    node = helper.make_node(
        "MatMulIntegerToFloat", ["x", "w", "scale", "scales", "zero"], ["y"], domain="com.microsoft"
    )
    graph = helper.make_graph(
        [node],
        "peak",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [size, size])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [size, size])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    options = SessionOptions()
    options.intra_op_num_threads = threads
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    session = InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    rows = np.random.default_rng(1).integers(0, 255, (size, size), dtype=np.uint8)
    return 2 * size**3 / min(seconds(lambda: session.run(None, {"x": rows})) for _ in range(20))


def operations(graph: Path) -> int:
    """Return the operations a token costs in the matrices of a graph, those of attention aside."""
    tensors = {tensor.name: tensor for tensor in onnx.load(graph).graph.initializer}
    nodes = onnx.load(graph).graph.node
    matrices = [tensors[node.input[1]] for node in nodes if node.op_type == "MatMulIntegerToFloat"]
    return 2 * sum(int(np.prod(matrix.dims)) for matrix in matrices)


def measure(rounds: int, threads: int, folder: Path) -> dict[str, Any]:
    torch.set_num_threads(threads)
    checkpoint = Checkpoint(bundled())
    small = khabar.load(threads=threads)
    tasks = articles()
    with torch.inference_mode():
        others = pipelines(checkpoint)
        wide = parsbert_in_eight_bits(checkpoint, folder, threads)
        contenders: dict[str, Callable[[], object]] = {
            "khabar": lambda: read_with(small, tasks),
            "pipelines": lambda: others(tasks),
            "parsbert int8": lambda: read_with(wide, tasks),
        }
        for work in contenders.values():
            work()
        times = {name: [] for name in contenders} | {"pass": [], "parsbert pass": [], "400 words": []}
        passes = {"pass": document_pass(small), "parsbert pass": document_pass(wide)}
        middle = tasks[WORDS.index(400)]
        for _ in track(range(rounds), "Rounds"):
            for name, work in (contenders | passes).items():
                times[name].append(seconds(work))
            latency = [seconds(lambda: small.predict(middle.text, targets=middle.targets)) for _ in range(5)]
            times["400 words"].append(statistics.median(latency))
    tokens = 64 * WINDOW
    speed = tokens / statistics.median(times["pass"])
    peak = whole_number_peak(threads)
    return {
        "rounds": rounds,
        "threads": threads,
        "machine": platform.processor() or platform.machine(),
        "versions": {name: version(name) for name in ("torch", "transformers", "onnxruntime")},
        "words": WORDS,
        "seconds": times,
        "articles a second": {name: len(tasks) / statistics.median(times[name]) for name in contenders},
        "ratios": {
            name: statistics.median(b / a for a, b in zip(times["khabar"], times[name], strict=True))
            for name in ("pipelines", "parsbert int8")
        },
        "tokens a second": {"khabar": speed, "parsbert int8": tokens / statistics.median(times["parsbert pass"])},
        "milliseconds for 400 words": 1000 * statistics.median(times["400 words"]),
        "operations a second": {"document pass": speed * operations(bundled() / GRAPH), "peak": peak},
    }


def table(figures: dict[str, Any]) -> str:
    """Return the figures as the table of the README."""
    articles_, tokens, ratios = figures["articles a second"], figures["tokens a second"], figures["ratios"]
    reached, peak = figures["operations a second"].values()
    rows = [
        ("", "articles a second", "Khabar is", "tokens a second, one pass"),
        ("---",) * 4,
        ("Khabar", f"{articles_['khabar']:.1f}", "", f"{tokens['khabar']:,.0f}"),
        (
            "ParsBERT's shape, one encoder in int8 by `khabar export`",
            f"{articles_['parsbert int8']:.1f}",
            f"**{ratios['parsbert int8']:.1f} times** as fast",
            f"{tokens['parsbert int8']:,.0f}",
        ),
        (
            "ParsBERT's shape, three `transformers` pipelines",
            f"{articles_['pipelines']:.2f}",
            f"**{ratios['pipelines']:.0f} times** as fast",
            "",
        ),
    ]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines += ["", f"400 words, topic, entities and 3 stances: {figures['milliseconds for 400 words']:.0f} ms."]
    lines += [f"A pass does {reached / 1e9:,.0f} of the {peak / 1e9:,.0f} billion operations a second of one large"]
    lines += [f"int8 matrix here ({reached / peak:.0%})."]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write the raw figures here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(options.rounds, options.threads, Path(folder))
    Console().print(table(figures), markup=False, soft_wrap=True)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
