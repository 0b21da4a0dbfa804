"""Temperature scaling (Guo et al. 2017): one number a head, so that scores can be taken at their word.

Logits are divided by it. Which label is best, and which spans are found, stays as it is; which of them reach a least
score does not.
"""

import logging
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import exp, log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from khabar.checkpoint import BUNDLED, CONFIG, Checkpoint, bundled, check_place, drafted, located
from khabar.config import Kind, ModelConfig, TaskSpec
from khabar.decoding import decode_entities, probabilities
from khabar.errors import InputError, SourceError
from khabar_data.batching import Booleans
from khabar_data.records import Record
from khabar_training.evaluation.reliability import Floats, calibration_error
from khabar_training.labelled_logits import Observer, Sample

_log = logging.getLogger(__name__)

_COLDEST, _WARMEST = 0.05, 20.0


@dataclass(frozen=True, kw_only=True)
class Quality:
    """How well a head's scores fit the labels at one temperature; no figures where nothing is labelled."""

    temperature: float
    loss: float | None = None
    """The mean negative log of the probability on the labels allowed."""
    error: float | None = None
    """The expected calibration error of the answers; for entities of the spans found, right by borders and type."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What calibration did to one head."""

    task: str
    n: int
    """Texts, words or pairs that were fitted on."""
    before: Quality
    after: Quality
    """Measured on the data that it was fitted on, so others will do a little worse."""


def calibrate(model: str | Path, records: Iterable[Record], *, output: Path | None = None) -> tuple[Fit, ...]:
    """Fit the temperature of each head that *records* label, and write it into the checkpoint.

    *model* is a checkpoint folder, or ``khabar-small`` for the bundled model, which needs an *output*. The
    checkpoint is written to *output* as a whole, or takes the place of *model*. Use records that the model was
    not trained on. A head that none of them labels stays as it is. Raises SourceError where that is so of all
    heads, or where a record cannot be read, InputError where *output* is missing, CheckpointError where *model*
    is no whole checkpoint.
    """
    source = located(model)
    if output is None and source.resolve() == bundled().resolve():
        raise InputError("output", "missing", f"a folder to write the calibrated {BUNDLED} to", "name one")
    check_place(output or source)
    observer = Observer(source)
    for record in records:
        observer.take(record)
    config = observer.config
    fits = tuple(fit(task, observer.samples[task.name].kept) for task in config.tasks)
    if not any(one.n for one in fits):
        heads = ", ".join(task.name for task in config.tasks)
        raise SourceError("the records", f"none is labelled for {heads}", "name data with labels for one of them")
    tasks = tuple(
        replace(task, temperature=one.after.temperature) for task, one in zip(config.tasks, fits, strict=True)
    )
    _write(source, output or source, replace(config, tasks=tasks))
    return fits


def fit(task: TaskSpec, samples: Sequence[Sample]) -> Fit:
    """Return the temperature from 0.05 to 20 at which a head's logits fit the labels best, and what it changes."""
    informative = [~sample.allowed.all(1) for sample in samples]
    n = sum(int(rows.sum()) for rows in informative)
    if not n:
        left = Quality(temperature=task.temperature)
        return Fit(task=task.name, n=0, before=left, after=left)
    logits = np.concatenate([sample.logits[rows] for sample, rows in zip(samples, informative, strict=True)])
    known = np.concatenate([sample.allowed[rows] for sample, rows in zip(samples, informative, strict=True)])

    def quality(temperature: float) -> Quality:
        scores, right = judged_scores(replace(task, temperature=temperature), samples)
        error = calibration_error(scores, right) if len(scores) else None
        return Quality(temperature=temperature, loss=set_loss(logits / temperature, known), error=error)

    before = quality(task.temperature)
    best = exp(_minimum(lambda power: set_loss(logits / exp(power), known), log(_COLDEST), log(_WARMEST)))
    if not 1.01 * _COLDEST < best < _WARMEST / 1.01:  # every answer is right, or scores say nothing at all
        _log.warning("%s: no temperature fits better than all others, so it stays; give more records", task.name)
        return Fit(task=task.name, n=n, before=before, after=before)
    return Fit(task=task.name, n=n, before=before, after=quality(round(best, 4)))


def set_loss(logits: NDArray[np.floating], known: Booleans) -> float:
    """Return the mean negative log of the probability on the outputs *known* to be possible; both (n, K)."""
    wide = logits.astype(np.float64)
    everything = np.logaddexp.reduce(wide, axis=-1)
    return float((everything - np.logaddexp.reduce(wide, axis=-1, where=known)).mean())


def judged_scores(task: TaskSpec, samples: Sequence[Sample]) -> tuple[Floats, Booleans]:
    """Return the scores that ``predict`` reports at the task's temperature, and which answers are right."""
    if task.kind is not Kind.WORDS:
        chances = probabilities(np.concatenate([sample.logits for sample in samples]), task)
        known = np.concatenate([sample.allowed for sample in samples])
        return chances.max(-1).astype(np.float64), known[np.arange(len(known)), chances.argmax(-1)]
    judged = [
        (span.score, is_right)
        for sample in samples
        for span, is_right in zip(decode_entities(sample.logits, task), sample.right, strict=True)
        if is_right is not None
    ]
    return np.array([score for score, _ in judged]), np.array([is_right for _, is_right in judged], dtype=np.bool_)


def _minimum(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function with one valley is lowest, to 1e-5 (golden-section search, Kiefer 1953)."""
    share = (5**0.5 - 1) / 2
    while high - low > 1e-5:
        left, right = high - share * (high - low), low + share * (high - low)
        if function(left) <= function(right):
            high = right
        else:
            low = left
    return (low + high) / 2


def _write(source: Path, target: Path, config: ModelConfig) -> None:
    """Write a checkpoint with another configuration, all other files as they are."""
    checkpoint = Checkpoint(source)
    with drafted(target) as draft:
        for name in checkpoint.names:
            checkpoint.path(name)  # whole, or refused
        shutil.copytree(source, draft, dirs_exist_ok=True, symlinks=True)
        (draft / CONFIG).write_text(config.to_json(), "utf-8")
