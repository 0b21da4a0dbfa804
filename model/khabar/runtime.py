"""Runs the ONNX graph: batches by token budget, sorted by length, on a set number of threads."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from khabar.config import Kind, TaskSpec
from khabar.errors import CheckpointError, InputError
from khabar.text import Integers

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, SessionOptions

type Logits = dict[str, NDArray[np.float32]]
"""Per task: shape (K,), or (L, K) for word tasks."""

_MAPPABLE: Final = ".ort"
_BATCH_PIECES: Final = 2048
_ROWS: Final = 4
"""ONNX Runtime multiplies 8-bit matrices four rows at a time and rounds what is left over otherwise; with
whole fours alone, an article's scores do not depend on what else is in the batch."""


class Runtime:
    """An ONNX session that takes sequences of word pieces and returns the logits of every task."""

    def __init__(
        self, graph: Path, *, pad_id: int, threads: int | None = None, providers: Sequence[str] = ("cpu",)
    ) -> None:
        if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
            raise InputError(
                "threads", repr(threads), "a whole number from 1, or None for all cores", "pass one of these"
            )
        self.threads = threads or available_cores()
        self.providers = tuple(providers)
        self._graph = graph
        self._pad_id = pad_id
        self._session = _open(graph, self.threads, self.providers)
        self._tasks = [output.name for output in self._session.get_outputs()]

    def check(self, tasks: Sequence[TaskSpec], largest_id: int) -> None:
        """Refuse a graph that does not give the logits of *tasks*, or knows no piece *largest_id*; it is run once.

        Raises CheckpointError.
        """
        wanted = {task.name: (*(_ROWS,) * (task.kind is Kind.WORDS), len(task.outputs)) for task in tasks}
        found = self.run([np.full(_ROWS, largest_id)])[0]
        shapes = {task: logits.shape for task, logits in found.items()}
        if shapes != wanted:
            raise self._error(f"gives {shapes} for {_ROWS} word pieces, and its configuration has {wanted}")
        if not all(logits.dtype == np.float32 and np.isfinite(logits).all() for logits in found.values()):
            raise self._error("gives logits that are no finite numbers in single precision")

    def _error(self, problem: str) -> CheckpointError:
        return CheckpointError(self._graph.parent, f"{self._graph.name} {problem}", "export it again")

    def run(self, sequences: Sequence[Integers]) -> list[Logits]:
        """Return the logits of each sequence, in the order given."""
        results: list[Logits] = [{} for _ in sequences]
        for batch in token_batches([len(ids) for ids in sequences], _BATCH_PIECES):
            outputs = self._outputs([sequences[index] for index in batch])
            for task, rows in zip(self._tasks, outputs, strict=True):
                for index, row in zip(batch, rows, strict=True):
                    results[index][task] = row[: len(sequences[index])] if row.ndim == 2 else row
        return results

    def _outputs(self, sequences: Sequence[Integers]) -> list[NDArray[np.float32]]:
        try:
            outputs: list[NDArray[np.float32]] = self._session.run(self._tasks, self._pad(sequences))
        except Exception as error:  # onnxruntime's own exceptions share no base class
            raise self._error(f"fails on {len(sequences)} x {max(map(len, sequences))} word pieces ({error})") from None
        return outputs

    def _pad(self, sequences: Sequence[Integers]) -> dict[str, Integers]:
        longest = max(map(len, sequences))
        shape = (len(sequences), -(-longest // _ROWS) * _ROWS)
        ids = np.full(shape, self._pad_id, dtype=np.int64)
        mask = np.zeros(shape, dtype=np.int64)
        for row, sequence in enumerate(sequences):
            ids[row, : len(sequence)] = sequence
            mask[row, : len(sequence)] = 1
        return {"input_ids": ids, "attention_mask": mask}


def available_cores() -> int:
    """Return how many cores this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def token_batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Group sequences of like length into batches of at most *budget* padded pieces, longest first.

    Returns their indices. A sequence longer than the budget is a batch of its own.
    """
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        if batches and lengths[batches[-1][0]] * (len(batches[-1]) + 1) <= budget:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


def write_mappable(graph: Path, target: Path) -> None:
    """Write a graph so that processes that open it share its weights: they map the file instead of reading it.

    *target* ends in ``.ort``. It fits this machine and this version of ONNX Runtime alone.
    """
    options = _options(threads=1)
    options.optimized_model_filepath = str(target)
    options.add_session_config_entry("session.save_model_format", "ORT")
    _session(graph, options, ["cpu"])


def _open(graph: Path, threads: int, providers: Sequence[str]) -> InferenceSession:
    options = _options(threads)
    if graph.suffix == _MAPPABLE:
        options.add_session_config_entry("session.use_memory_mapped_ort_model", "1")
        options.add_session_config_entry("session.use_ort_model_bytes_for_initializers", "1")
    return _session(graph, options, providers)


def _options(threads: int) -> SessionOptions:
    import onnxruntime  # here, because it costs as much as the rest of khabar together

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options


def _session(graph: Path, options: SessionOptions, providers: Sequence[str]) -> InferenceSession:
    import onnxruntime

    wanted = _provider_names(providers, onnxruntime.get_available_providers())
    try:
        session = onnxruntime.InferenceSession(str(graph), options, providers=wanted)
    except Exception as error:  # onnxruntime's own exceptions share no base class
        raise CheckpointError(graph.parent, f"{graph.name} does not load ({error})", "export it again") from None
    if idle := set(wanted) - set(session.get_providers()):  # it falls back to the processor without a word
        got = f"{', '.join(sorted(idle))}, which does not start here"
        raise InputError("providers", got, "what this machine can run", "check its drivers, or leave it out")
    return session


def _provider_names(providers: Sequence[str], available: Sequence[str]) -> list[str]:
    """Return ONNX Runtime's names for short ones such as ``cpu``; InputError where it lacks one."""
    short = {name.removesuffix("ExecutionProvider").lower(): name for name in available}
    for provider in providers:
        if provider not in short:
            remedy = "leave it out, or install the build of onnxruntime that has it (onnxruntime-gpu for cuda)"
            raise InputError("providers", repr(provider), f"what this onnxruntime has: {', '.join(short)}", remedy)
    return [short[provider] for provider in providers]
