"""Figures of the held-out data while a run learns: counts that add up over batches and processes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor

from khabar.config import Kind, TaskSpec
from khabar.decoding import WordSpan, decode_entities
from khabar_data.batching import ALLOWED, Booleans
from khabar_training.config import FIGURES
from khabar_training.losses import SetLoss, task_losses
from khabar_training.metrics import Counts, macro_f1, span_f1


class Validation:
    """One measurement; windows and pairs are judged as they are cut for training, sentences never joined."""

    def __init__(self, tasks: Sequence[TaskSpec], losses: Mapping[str, SetLoss]) -> None:
        self._tasks = tasks
        self._losses = losses
        self._counts = {task.name: np.zeros(_SHAPES[task.kind](task)) for task in tasks}
        self._loss = np.zeros(2)

    def add(self, logits: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> None:
        """Count one batch."""
        n_pieces = float(batch["attention_mask"].sum())
        loss = sum(each.item() for each in task_losses(logits, batch, self._losses).values())
        self._loss += (loss * n_pieces, n_pieces)
        for task in self._tasks:
            allowed = batch[ALLOWED + task.name].cpu().numpy()
            for scores, row in zip(logits[task.name].float().cpu().numpy(), allowed, strict=True):
                if not row.all():
                    _COUNTERS[task.kind](self._counts[task.name], scores, row, task)

    def gather(self, total: Callable[[Tensor], Tensor]) -> None:
        """Replace all counts by their sums over the processes, which *total* gives."""
        for counts in (self._loss, *self._counts.values()):
            counts[:] = total(torch.from_numpy(counts)).cpu().numpy()

    def figures(self) -> dict[str, float]:
        """Return all figures by the names that ``watch`` takes; a task without labels has none."""
        found = {"loss": float(self._loss[0] / self._loss[1])}
        main = []
        for task in self._tasks:
            counts = self._counts[task.name]
            if counts.any():
                values = {name: _FIGURES[name](counts) for name in FIGURES[task.kind]}
                main.append(next(iter(values.values())))
                found.update({f"{task.name}.{name}": value for name, value in values.items()})
        return {**found, "mean": float(np.mean(main))} if main else found


def _count_text(counts: Counts, scores: Counts, allowed: Booleans, task: TaskSpec) -> None:
    """Count one answer: rows 0 to K-1 are the confusion of texts with one label, the last row right and asked."""
    answer = int(scores.argmax())
    if allowed.sum() == 1:
        counts[int(allowed.argmax()), answer] += 1
    counts[-1, :2] += (allowed[answer], 1)


def _count_words(counts: Counts, scores: Counts, allowed: Booleans, task: TaskSpec) -> None:
    """Count right, found and gold spans of one window; a span of a type that was not annotated is not found."""
    said = ~allowed.all(1)
    scores, allowed = scores[said], allowed[said]
    unknown = allowed[allowed[:, 0]].any(0)  # what words outside all entities may be: O, and types not annotated
    gold_path = np.where(allowed.sum(1) == 1, allowed.argmax(1), 0)
    gold = {_key(span) for span in decode_entities(np.eye(scores.shape[1])[gold_path] * 50, task)}
    found = {
        _key(span)
        for span in decode_entities(scores, task)
        if _key(span) in gold or not unknown[task.outputs.index(f"B-{span.label}")]
    }
    counts += (len(gold & found), len(found), len(gold))


def _key(span: WordSpan) -> tuple[int, int, str]:
    return span.first, span.last, span.label


_SHAPES: Final[Mapping[Kind, Callable[[TaskSpec], tuple[int, ...]]]] = {
    Kind.TEXT: lambda task: (len(task.outputs) + 1, max(len(task.outputs), 2)),
    Kind.PAIR: lambda task: (len(task.outputs) + 1, max(len(task.outputs), 2)),
    Kind.WORDS: lambda task: (3,),
}
_COUNTERS: Final = {Kind.TEXT: _count_text, Kind.PAIR: _count_text, Kind.WORDS: _count_words}
_FIGURES: Final[Mapping[str, Callable[[Counts], float]]] = {
    "accuracy": lambda counts: float(counts[-1, 0] / counts[-1, 1]),
    "macro_f1": lambda counts: macro_f1(counts[:-1]) if counts[:-1].any() else 0.0,
    "f1": span_f1,
}
