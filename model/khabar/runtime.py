"""Runs the ONNX graph, one sequence at a time on each of a set number of threads.

Sequences are not joined into batches: on a processor that was measured to be slower (what a layer computes for one
sequence stays in the cache), and a sequence alone needs no padding and gives the same scores whatever runs beside it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
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
_N_CHECKED: Final = 4
"""Word pieces that a graph is checked with."""


class Runtime:
    """An ONNX session that takes sequences of word pieces and returns the logits of every task."""

    def __init__(self, graph: Path, *, threads: int | None = None, providers: Sequence[str] = ("cpu",)) -> None:
        if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
            raise InputError(
                "threads", repr(threads), "a whole number from 1, or None for all cores", "pass one of these"
            )
        self.threads = threads or available_cores()
        self.providers = tuple(providers)
        self._graph = graph
        self._session = _open(graph, self.providers)
        if inputs := [tensor.name for tensor in self._session.get_inputs()][1:]:
            raise self._error(f"also wants {', '.join(inputs)}, as older versions of khabar wrote it")
        self._tasks = [output.name for output in self._session.get_outputs()]

    def check(self, tasks: Sequence[TaskSpec], largest_id: int) -> None:
        """Refuse a graph that does not give the logits of *tasks*, or knows no piece *largest_id*; it is run once.

        Raises CheckpointError.
        """
        wanted = {task.name: (*(_N_CHECKED,) * (task.kind is Kind.WORDS), len(task.outputs)) for task in tasks}
        found = self.run([np.full(_N_CHECKED, largest_id)])[0]
        shapes = {task: logits.shape for task, logits in found.items()}
        if shapes != wanted:
            raise self._error(f"gives {shapes} for {_N_CHECKED} word pieces, and its configuration has {wanted}")
        if not all(logits.dtype == np.float32 and np.isfinite(logits).all() for logits in found.values()):
            raise self._error("gives logits that are no finite numbers in single precision")

    def _error(self, problem: str) -> CheckpointError:
        return CheckpointError(self._graph.parent, f"{self._graph.name} {problem}", "export it again")

    def run(self, sequences: Sequence[Integers]) -> list[Logits]:
        """Return the logits of each sequence, in the order given."""
        threads = min(self.threads, len(sequences))
        if threads < 2:
            return [self._run_one(ids) for ids in sequences]
        longest_first = sorted(range(len(sequences)), key=lambda index: -len(sequences[index]))
        with ThreadPoolExecutor(threads) as pool:  # none is kept: a fork would lose its threads
            logits = pool.map(self._run_one, [sequences[index] for index in longest_first])
            found = dict(zip(longest_first, logits, strict=True))
        return [found[index] for index in range(len(sequences))]

    def _run_one(self, ids: Integers) -> Logits:
        try:
            outputs = self._session.run(self._tasks, {"input_ids": ids[None]})
        except Exception as error:  # onnxruntime's own exceptions share no base class
            raise self._error(f"fails on {len(ids)} word pieces ({error})") from None
        return {task: rows[0] for task, rows in zip(self._tasks, outputs, strict=True)}


def available_cores() -> int:
    """Return how many cores this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def write_mappable(graph: Path, target: Path) -> None:
    """Write a graph so that processes that open it share its weights: they map the file instead of reading it.

    *target* ends in ``.ort``. It fits this machine and this version of ONNX Runtime alone.
    """
    options = _options()
    options.optimized_model_filepath = str(target)
    options.add_session_config_entry("session.save_model_format", "ORT")
    _session(graph, options, ["cpu"])


def _open(graph: Path, providers: Sequence[str]) -> InferenceSession:
    options = _options()
    if graph.suffix == _MAPPABLE:
        options.add_session_config_entry("session.use_memory_mapped_ort_model", "1")
        options.add_session_config_entry("session.use_ort_model_bytes_for_initializers", "1")
    return _session(graph, options, providers)


def _options() -> SessionOptions:
    import onnxruntime  # here, because it costs as much as the rest of khabar together

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # each sequence has a thread of its own instead
    options.inter_op_num_threads = 1
    # The graph is fused as it is written; what more ONNX Runtime would do costs time at the start, and its
    # SkipLayerNormalization is slower than the sum and the norm apart.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
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
