"""How fast ``khabar train`` learns, beside a plain loop with ``transformers``, by turns.

    python benchmarks/training_speed.py [ENCODER] [--rounds 3] [--steps 8] [--json FILE]

Both start from one encoder (a folder, a Hub name or a checkpoint), learn topics, entities and stances toward targets
from the same examples of our own articles, and step with AdamW. The plain loop takes 8 examples at a time as they come,
padded to the longest, in float32; Khabar makes batches of like length by a budget of tokens and computes in bfloat16.
Counted are tokens that are no padding; a ratio is the median of the rounds' ratios.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from importlib.resources import files
from itertools import batched
from pathlib import Path
from typing import Final

import torch
from rich.console import Console
from rich.progress import track

from khabar.network import Network
from khabar.text import TextReader
from khabar_data.batching import pad
from khabar_training.config import DataSpec, TrainingConfig, task_specs
from khabar_training.example_store import ExampleStore
from khabar_training.losses import set_losses, task_losses
from khabar_training.mixture import mixed_batches, training_examples
from khabar_training.trainer import parameter_groups
from khabar_training.weights import start

TASKS: Final = ("topic", "entities", "target_stance")

type Learn = Callable[[Sequence[int]], int]


def learner(
    network: Network, optimizer: torch.optim.Optimizer, config: TrainingConfig, store: ExampleStore, pad_id: int
) -> Learn:
    """Return one step: it learns from the examples of these numbers and gives how many tokens they have."""
    tasks = tuple(task for task in task_specs(config) if task.name in config.tasks)
    losses = set_losses(config, tasks, store.counts)
    network.train()

    def step(numbers: Sequence[int]) -> int:
        arrays = pad(store.read(list(numbers)), tasks, pad_id)
        batch = {name: torch.from_numpy(array) for name, array in arrays.items()}
        with torch.autocast("cpu", torch.bfloat16, enabled=config.bf16):
            logits = network(batch["input_ids"], batch["attention_mask"])
            total = torch.stack(list(task_losses(logits, batch, losses).values())).sum()
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return int(batch["attention_mask"].sum())

    return step


def speed(step: Learn, batches: Iterator[Sequence[int]], n_steps: int) -> float:
    """Return the tokens a second of some steps."""
    started = time.perf_counter()
    tokens = sum(step(next(batches)) for _ in range(n_steps))
    return tokens / (time.perf_counter() - started)


def measure(encoder: str, rounds: int, n_steps: int, folder: Path) -> dict[str, list[float]]:
    data = (DataSpec(path=str(files("khabar_data.samples") / "train.jsonl")),)
    config = TrainingConfig(encoder=encoder, output=folder / "run", data=data, tasks=TASKS, bf16=True)
    plain = replace(config, bf16=False)
    network, tokenizer, model = start(config)
    reader = TextReader(tokenizer, model)
    store = training_examples(config, tuple(model.task(name) for name in TASKS), reader, folder / "examples")
    other = deepcopy(network)
    other.encoder.set_attn_implementation("sdpa")  # what transformers takes where nothing is asked for
    grouped = torch.optim.AdamW(parameter_groups(network, config), lr=config.learning_rate, fused=True)
    steps = {
        "khabar": learner(network, grouped, config, store, reader.pad_id),
        "plain": learner(other, torch.optim.AdamW(other.parameters(), lr=1e-4), plain, store, reader.pad_id),
    }
    batches: dict[str, Iterator[Sequence[int]]] = {
        "khabar": iter(mixed_batches(config, store)),
        "plain": batched(torch.randperm(len(store), generator=torch.Generator().manual_seed(0)).tolist(), 8),
    }
    for name, step in steps.items():
        step(next(batches[name]))
    figures: dict[str, list[float]] = {name: [] for name in steps}
    for _ in track(range(rounds), "Rounds"):
        for name, step in steps.items():
            figures[name].append(speed(step, batches[name], n_steps))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("encoder", nargs="?", default="khabar-small")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write the raw figures here")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(options.encoder, options.rounds, options.steps, Path(folder))
    ratio = statistics.median(a / b for a, b in zip(figures["khabar"], figures["plain"], strict=True))
    ours, plain = (statistics.median(figures[name]) for name in ("khabar", "plain"))
    Console().print(f"khabar train {ours:,.0f} tokens a second, a plain loop {plain:,.0f}: {ratio:.2f} times")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
