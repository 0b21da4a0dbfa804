"""Examples on disk: encoded once, memory-mapped after, so that data may be larger than memory."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from shutil import rmtree
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
from datasets import Dataset
from numpy.typing import NDArray

from khabar.config import Kind, TaskSpec
from khabar.errors import ConfigError
from khabar_data.batching import Booleans, Example

_EXAMPLES: Final = "examples.arrow"
_COUNTS: Final = "counts.json"
_CHUNK: Final = 1000


class ExampleStore:
    """The examples of a run, by number. Label rows are kept as bits."""

    def __init__(self, folder: Path, tasks: Sequence[TaskSpec]) -> None:
        self._tasks = {task.name: task for task in tasks}
        self._data = Dataset.from_file(str(folder / _EXAMPLES))
        columns = self._data.with_format("numpy")
        self.lengths: NDArray[np.int64] = np.asarray(columns["length"][:], dtype=np.int64)
        """In word pieces; shape (n_examples,)."""
        self.labelled: NDArray[np.int64] = np.asarray(columns["labelled"][:], dtype=np.int64)
        """The tasks that each example is labelled for, as bits; shape (n_examples,)."""
        counts = json.loads((folder / _COUNTS).read_text("utf-8"))
        self.counts = {name: np.array(values) for name, values in counts.items()}
        """By task: how often each output is allowed, a set shared among its outputs; shape (K,)."""

    @classmethod
    def written(
        cls,
        folder: Path,
        tasks: Sequence[TaskSpec],
        examples: Iterable[Example],
        finish: Callable[[Path], None] = lambda _: None,
    ) -> Self:
        """Return the store in *folder*, which is written first unless it is there already, and whole or not at all.

        *finish* may put more files beside the examples once all are written.
        """
        if not folder.exists():
            draft = folder.with_name(folder.name + ".draft")
            rmtree(draft, ignore_errors=True)
            try:
                draft.mkdir(parents=True)
                _write(draft, tasks, examples)
                finish(draft)
                draft.rename(folder)
            except OSError as error:
                remedy = "free some space, or choose another output"
                raise ConfigError(f"examples cannot be written to {folder} ({error}); {remedy}") from error
        return cls(folder, tasks)

    def __len__(self) -> int:
        return len(self.lengths)

    def read(self, indices: Sequence[int]) -> list[Example]:
        """Return some examples."""
        rows = self._data[list(indices)]
        return [
            Example(
                np.frombuffer(ids, dtype=np.int32).astype(np.int64),
                {name: self._unpacked(task, rows[name][row]) for name, task in self._tasks.items() if rows[name][row]},
            )
            for row, ids in enumerate(rows["ids"])
        ]

    def _unpacked(self, task: TaskSpec, packed: bytes) -> Booleans:
        n_outputs = len(task.outputs)
        rows = np.frombuffer(packed, dtype=np.uint8).reshape(-1, -(-n_outputs // 8))
        bits = np.unpackbits(rows, axis=1, count=n_outputs).astype(np.bool_)
        return bits if task.kind is Kind.WORDS else bits[0]


def _write(folder: Path, tasks: Sequence[TaskSpec], examples: Iterable[Example]) -> None:
    names = [task.name for task in tasks]
    columns = {"ids": pa.binary(), "length": pa.int32(), "labelled": pa.int32()}
    schema = pa.schema({**columns, **dict.fromkeys(names, pa.large_binary())})
    counts = {task.name: np.zeros(len(task.outputs)) for task in tasks}
    rows: list[dict[str, Any]] = []
    with pa.OSFile(str(folder / _EXAMPLES), "wb") as file, pa.ipc.new_stream(file, schema) as writer:
        for example in examples:
            for name, allowed in example.allowed.items():
                counts[name] += _shares(allowed)
            rows.append(
                {
                    "ids": example.ids.astype(np.int32).tobytes(),
                    "length": len(example.ids),
                    "labelled": sum(1 << bit for bit, name in enumerate(names) if name in example.allowed),
                    **{name: np.packbits(rows, axis=-1).tobytes() for name, rows in example.allowed.items()},
                }
            )
            if len(rows) == _CHUNK:
                writer.write_batch(pa.RecordBatch.from_pylist(rows, schema=schema))
                rows.clear()
        writer.write_batch(pa.RecordBatch.from_pylist(rows, schema=schema))
    values = {name: each.tolist() for name, each in counts.items()}
    (folder / _COUNTS).write_text(json.dumps(values) + "\n", "utf-8")


def _shares(allowed: Booleans) -> NDArray[np.float64]:
    """Return how much of each output the rows that say anything allow; (K,) or (L, K) -> (K,)."""
    rows = np.atleast_2d(allowed)
    rows = rows[~rows.all(1)]
    shares: NDArray[np.float64] = (rows / np.maximum(rows.sum(1, keepdims=True), 1)).sum(0)
    return shares
