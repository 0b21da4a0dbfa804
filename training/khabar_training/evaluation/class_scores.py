"""Precision, recall and F1 of each label, from the counts of :mod:`khabar_training.metrics`."""

from collections.abc import Sequence
from typing import Final

from khabar_training.evaluation.measured import ClassScores, Matrix
from khabar_training.metrics import Counts

ALL: Final = "all"
"""What the sum over labels is called."""


def scores_of(label: str, right: float, found: float, support: float) -> ClassScores:
    """Return the scores of a label that was *found* so often, *right* of these, and expected *support* times.

    A label never found has no precision; one never expected has neither recall nor F1, so that no
    average counts it as 0. One that is expected and never found has F1 0, which an average must count.
    """
    return ClassScores(
        label=label,
        precision=float(right / found) if found else None,
        recall=float(right / support) if support else None,
        f1=float(2 * right / (found + support)) if support else None,
        support=int(support),
        found=int(found),
    )


def matrix(counts: Counts, rows: Sequence[str], columns: Sequence[str]) -> Matrix:
    """Return counts of shape (n_rows, n_columns) as a report keeps them."""
    return Matrix(
        rows=tuple(rows),
        columns=tuple(columns),
        counts=tuple(tuple(int(count) for count in row) for row in counts),
    )
