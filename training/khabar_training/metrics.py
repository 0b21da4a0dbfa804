"""Figures of quality, from counts that add up over documents, with bootstrap intervals."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from khabar.results import Entity
from khabar_data.records import Span

type Counts = NDArray[np.float64]

_RESAMPLES: Final = 2000
_AT_ONCE: Final = 100
"""Resamples that are held in memory together."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f}-{self.high:.3f})"


def bootstrap(counts: Counts, statistic: Callable[[Counts], float], seed: int = 0) -> Estimate:
    """Return *statistic* of the summed counts, with its percentile bootstrap interval (Efron 1979).

    *counts* has one entry a document (or a group of them) along its first axis; whole entries are
    drawn anew, so what belongs together stays together. Draws in which the statistic does not exist
    (NaN) are left out.
    """
    chance = np.random.default_rng(seed)
    n_documents = len(counts)
    draws: list[float] = []
    while len(draws) < _RESAMPLES:
        weights = chance.multinomial(n_documents, np.full(n_documents, 1 / n_documents), _AT_ONCE)
        draws += map(statistic, np.tensordot(weights.astype(np.float64), counts, 1))
    low, high = np.nanquantile(draws, (0.025, 0.975))
    return Estimate(statistic(counts.sum(0)), float(low), float(high))


def span_counts(gold: Iterable[Span | Entity], found: Iterable[Span | Entity], labels: Sequence[str]) -> Counts:
    """Return true positives, found and gold spans of each label, by exact borders and label; (n_labels, 3).

    Spans of other labels do not count, so a corpus is scored on the types that it annotates.
    """
    sets = [{(span.start, span.end, span.label) for span in spans} for spans in (gold, found)]
    counts = np.zeros((len(labels), 3))
    for row, label in enumerate(labels):
        of_gold, of_found = ({span for span in spans if span[2] == label} for spans in sets)
        counts[row] = len(of_gold & of_found), len(of_found), len(of_gold)
    return counts


def span_f1(counts: Counts) -> float:
    """Return the micro-F1 of span counts, shape (n_labels, 3) or (3,); 0 where there is nothing."""
    right, found, gold = counts.reshape(-1, 3).sum(0)
    return float(2 * right / (found + gold)) if found + gold else 0.0


def confusion(gold: Sequence[str], found: Sequence[str], labels: Sequence[str]) -> Counts:
    """Return how often each gold label (row) was found as each label (column); shape (K, K)."""
    counts = np.zeros((len(labels), len(labels)))
    for expected, got in zip(gold, found, strict=True):
        counts[labels.index(expected), labels.index(got)] += 1
    return counts


def class_f1(counts: Counts) -> Counts:
    """Return the F1 of each class from a confusion matrix; NaN for a class with no gold; shape (K,)."""
    support, found = counts.sum(1), counts.sum(0)
    scores = 2 * counts.diagonal() / np.maximum(support + found, 1)
    return np.where(support > 0, scores, np.nan)


def macro_f1(counts: Counts) -> float:
    """Return the mean F1 over the classes that the gold labels hold."""
    return float(np.nanmean(class_f1(counts)))


def accuracy(counts: Counts) -> float:
    """Return the share of a confusion matrix on its diagonal."""
    return float(counts.trace() / counts.sum())
