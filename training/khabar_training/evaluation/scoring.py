"""From outcomes to figures, each with its interval over the documents or groups that the outcomes are of."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from khabar_training.evaluation.measured import LabelOutcome, Slice, SpanOutcome
from khabar_training.metrics import Counts, Estimate, bootstrap, span_f1

FAVOR_AGAINST: Final = ("favor", "against")
N_VALUES: Final = range(2, 13)
"""How many values a field may have for the items to be sliced by it."""

type Outcome = LabelOutcome | SpanOutcome


@dataclass(frozen=True)
class Figure[T: Outcome]:
    """A figure: what it counts in each outcome, shape (n, ...), and its value from the sum of these counts."""

    name: str
    counts: Callable[[Sequence[T], Sequence[str]], Counts]
    """From outcomes and the labels that are averaged over."""
    statistic: Callable[[Counts], float]
    """NaN where the figure does not exist."""

    def by_unit(self, outcomes: Sequence[T], labels: Sequence[str]) -> Counts:
        """Return the counts summed by unit, in the order of the units' numbers; shape (n_units, ...)."""
        return summed(self.counts(outcomes, labels), [outcome.unit for outcome in outcomes])

    def estimate(self, outcomes: Sequence[T], labels: Sequence[str], seed: int) -> Estimate | None:
        """Return the figure with its interval, None where it does not exist."""
        return estimated(self.by_unit(outcomes, labels), self.statistic, seed) if outcomes else None


def summed(counts: Counts, units: Sequence[int]) -> Counts:
    """Return counts added up by unit; shape (n, ...) -> (n_units, ...)."""
    names, rows = np.unique(units, return_inverse=True)
    sums = np.zeros((len(names), *counts.shape[1:]))
    np.add.at(sums, rows, counts)
    return sums


def estimated(counts: Counts, statistic: Callable[[Counts], float], seed: int) -> Estimate | None:
    """Return a statistic of counts by unit with its interval, None where it does not exist."""
    return None if np.isnan(statistic(counts.sum(0))) else bootstrap(counts, statistic, seed)


def label_counts(outcomes: Sequence[LabelOutcome], labels: Sequence[str]) -> Counts:
    """Return right, found and gold of each label, over the outcomes with one gold label; shape (n, K, 3)."""
    columns = {label: column for column, label in enumerate(labels)}
    counts = np.zeros((len(outcomes), len(labels), 3))
    for row, outcome in enumerate(outcomes):
        if len(outcome.gold) > 1:
            continue
        (gold,) = outcome.gold
        if outcome.found in columns:
            counts[row, columns[outcome.found], 1] = 1
        if gold in columns:
            counts[row, columns[gold], 2] = 1
            counts[row, columns[gold], 0] = gold == outcome.found
    return counts


def mean_f1(counts: Counts) -> float:
    """Return the mean F1 over the labels that are gold at all, from right, found and gold; shape (K, 3)."""
    right, found, gold = counts[counts[:, 2] > 0].T
    return float(np.mean(2 * right / (found + gold))) if len(gold) else float("nan")


def share(counts: Counts) -> float:
    """Return counts[0] / counts[1]; shape (2,)."""
    return float(counts[0] / counts[1]) if counts[1] else float("nan")


ACCURACY: Final = Figure[LabelOutcome](
    "accuracy",
    lambda outcomes, _: np.array([[outcome.found in outcome.gold, 1] for outcome in outcomes], dtype=np.float64),
    share,
)
MACRO_F1: Final = Figure[LabelOutcome]("macro-F1", label_counts, mean_f1)
FAVOR_AGAINST_F1: Final = Figure[LabelOutcome](
    "mean F1 (favor, against)", lambda outcomes, _: label_counts(outcomes, FAVOR_AGAINST), mean_f1
)
LABEL_FIGURES: Final[Mapping[str, tuple[Figure[LabelOutcome], ...]]] = {
    "topic": (ACCURACY, MACRO_F1),
    "target_stance": (MACRO_F1, FAVOR_AGAINST_F1, ACCURACY),
    "claim_stance": (MACRO_F1, ACCURACY),
}
"""By task; the first that the data allow is the main one."""


def _span_figure(schema: str, right: Callable[[SpanOutcome], float]) -> Figure[SpanOutcome]:
    def counts(outcomes: Sequence[SpanOutcome], _: Sequence[str]) -> Counts:
        return np.array([[right(one), one.n_found, len(one.right)] for one in outcomes], dtype=np.float64)

    return Figure(f"{schema} F1", counts, span_f1)


SPAN_FIGURES: Final = (
    _span_figure("strict", lambda outcome: outcome.right.count("1")),
    _span_figure("exact", lambda outcome: outcome.exact),
    _span_figure("partial", lambda outcome: outcome.partial),
    _span_figure("type", lambda outcome: outcome.type),
)


def figures_of[T: Outcome](
    figures: Iterable[Figure[T]], outcomes: Sequence[T], labels: Sequence[str], seed: int
) -> dict[str, Estimate]:
    """Return the figures that exist, by name."""
    found = {figure.name: figure.estimate(outcomes, labels, seed) for figure in figures}
    return {name: estimate for name, estimate in found.items() if estimate is not None}


def slices_of[T: Outcome](
    figure: Figure[T], outcomes: Sequence[T], traits: Sequence[Mapping[str, str]], labels: Sequence[str], seed: int
) -> tuple[Slice, ...]:
    """Return the figure by each field of the outcomes' *traits* that has a handful of values."""
    slices = []
    for field in dict.fromkeys(name for one in traits for name in one):
        values = {one[field] for one in traits if field in one}
        for value in sorted(values, key=_natural) if len(values) in N_VALUES else ():
            chosen = [outcome for outcome, one in zip(outcomes, traits, strict=True) if one.get(field) == value]
            estimate = figure.estimate(chosen, labels, seed)
            if estimate is not None:
                slices.append(Slice(field=field, value=value, n=sum(map(n_items, chosen)), figure=estimate))
    return tuple(slices)


def n_items(outcome: Outcome) -> int:
    """Return how much was judged: one label, or the gold spans of a text."""
    return len(outcome.right) if isinstance(outcome, SpanOutcome) else 1


def _natural(value: str) -> tuple[int, str]:
    """Order numbers by their size, and words behind a number-less start by the alphabet."""
    number = re.match(r"[0-9]+", value)
    return (int(number[0]) if number else -1, value)
