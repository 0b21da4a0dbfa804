"""Two models on the same data, by their reports: how far their figures lie apart, and which items changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from khabar_training.evaluation.measured import DataFile, LabelOutcome, Report, ReportError, TaskReport
from khabar_training.evaluation.scoring import LABEL_FIGURES, SPAN_FIGURES, Figure, Outcome
from khabar_training.metrics import Counts, Estimate, bootstrap

N_IDS: Final = 10


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One figure of one task in two reports; *change* is the second less the first."""

    task: str
    figure: str
    first: float
    second: float
    change: Estimate

    @property
    def excludes_zero(self) -> bool:
        """Say whether the interval of the change does not hold 0."""
        return self.change.low > 0 or self.change.high < 0


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Items of one task, for entities gold spans, that one model has right and the other wrong."""

    task: str
    n: int
    n_mended: int
    """Wrong in the first report, right in the second."""
    n_broken: int
    """Right in the first report, wrong in the second."""
    mended: tuple[str, ...]
    """The first ten of them, by id."""
    broken: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two models on the same data."""

    first: str
    second: str
    differences: tuple[Difference, ...]
    changes: tuple[Changes, ...]
    notes: tuple[str, ...] = ()
    """Tasks that only one of the reports has."""


def compare(first: Report, second: Report, *, seed: int = 0) -> Comparison:
    """Compare two models by their reports on the same data; ReportError says what differs in the data.

    The interval of a difference is a paired bootstrap (Efron 1979): both models are measured on the
    same draws of documents or groups.
    """
    _check_files(first.data, second.data)
    others = {task.task: task for task in second.tasks}
    pairs = [(task, others[task.task]) for task in first.tasks if task.task in others]
    for one, other in pairs:
        _check_items(one.task, _outcomes(one), _outcomes(other))
    shared = {one.task for one, _ in pairs}
    return Comparison(
        first=first.model,
        second=second.model,
        differences=tuple(difference for one, other in pairs for difference in _differences(one, other, seed)),
        changes=tuple(_changes(one.task, _outcomes(one), _outcomes(other)) for one, other in pairs),
        notes=tuple(
            f"{task.task}: only the report on {report.model} has it"
            for report in (first, second)
            for task in report.tasks
            if task.task not in shared
        ),
    )


def _check_files(first: Sequence[DataFile], second: Sequence[DataFile]) -> None:
    """Refuse reports on different files; names may differ where the content is the same."""
    remedy = "evaluate both models on the same files"
    if len(first) != len(second):
        raise ReportError("the two reports", f"one is on {len(first)} files, the other on {len(second)}", remedy)
    for one, other in zip(first, second, strict=True):
        if (one.n_records, one.sha256) != (other.n_records, other.sha256):
            facts = [f"{file.name} ({file.n_records:,} records, SHA-256 {file.sha256})" for file in (one, other)]
            raise ReportError("the two reports", f"the data differ: {' and '.join(facts)}", remedy)


def _check_items(task: str, first: Sequence[Outcome], second: Sequence[Outcome]) -> None:
    """Refuse reports whose items or gold labels differ, as other label maps make them."""
    remedy = "evaluate both models on the same records, with the same label maps"
    if len(first) != len(second):
        raise ReportError("the two reports", f"{task} has {len(first):,} and {len(second):,} items", remedy)
    for one, other in zip(first, second, strict=True):
        if _asked(one) != _asked(other):
            raise ReportError("the two reports", f"{task} items differ: {_asked(one)} and {_asked(other)}", remedy)


def _asked(outcome: Outcome) -> tuple[object, ...]:
    expected = outcome.gold if isinstance(outcome, LabelOutcome) else len(outcome.right)
    return outcome.id, outcome.unit, expected


def _outcomes(task: TaskReport) -> Sequence[Outcome]:
    return task.entities.outcomes if task.entities else task.outcomes


def _differences(first: TaskReport, second: TaskReport, seed: int) -> Iterator[Difference]:
    """Yield the difference of each figure that both reports have."""
    figures: Sequence[Figure[Any]] = SPAN_FIGURES if first.entities else LABEL_FIGURES[first.task]
    labels = [scores.label for scores in first.classes]
    for figure in figures:
        if figure.name in first.systems[0].figures and figure.name in second.systems[0].figures:
            counts = np.stack([figure.by_unit(_outcomes(task), labels) for task in (first, second)], axis=1)
            yield Difference(
                task=first.task,
                figure=figure.name,
                first=first.systems[0].figures[figure.name].value,
                second=second.systems[0].figures[figure.name].value,
                change=bootstrap(counts, partial(_gain, figure), seed),
            )


def _gain(figure: Figure[Any], counts: Counts) -> float:
    """Return how much the figure grows from the first counts to the second; shape (2, ...)."""
    return figure.statistic(counts[1]) - figure.statistic(counts[0])


def _changes(task: str, first: Sequence[Outcome], second: Sequence[Outcome]) -> Changes:
    rights = [
        (one.id, before, after)
        for one, other in zip(first, second, strict=True)
        for before, after in zip(_rights(one), _rights(other), strict=True)
    ]
    mended = [name for name, before, after in rights if after and not before]
    broken = [name for name, before, after in rights if before and not after]
    return Changes(
        task=task,
        n=len(rights),
        n_mended=len(mended),
        n_broken=len(broken),
        mended=tuple(dict.fromkeys(mended))[:N_IDS],
        broken=tuple(dict.fromkeys(broken))[:N_IDS],
    )


def _rights(outcome: Outcome) -> list[bool]:
    if isinstance(outcome, LabelOutcome):
        return [outcome.found in outcome.gold]
    return [figure == "1" for figure in outcome.right]
