"""Judges turn what a model says into outcomes and scores as it comes, and at last into a task's report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final

import numpy as np

from khabar.config import TaskSpec
from khabar.results import Article
from khabar_data.records import Record
from khabar_training.evaluation.class_scores import matrix, scores_of
from khabar_training.evaluation.controls import Lessons
from khabar_training.evaluation.measured import LabelOutcome, Matrix, Mistake, System, TaskReport
from khabar_training.evaluation.questions import NOTHING, Answer, Question, answers, named, questions
from khabar_training.evaluation.reliability import calibration_of
from khabar_training.evaluation.scoring import LABEL_FIGURES, MACRO_F1, figures_of, label_counts, slices_of

N_MISTAKES: Final = 20
MODEL: Final = "model"


@dataclass(frozen=True)
class Case:
    """One record with what the model says of it."""

    record: Record
    article: Article
    unit: int
    """The number of its document or group."""
    traits: Mapping[str, str]
    """What it can be sliced by."""


@dataclass(frozen=True)
class Setting:
    """What all judges of a report share."""

    lessons: Lessons | None
    """None where no training part was named."""
    seed: int


class Worst[T]:
    """The few items of highest rank, the first of them first."""

    def __init__(self, n: int) -> None:
        self._n = n
        self._n_offered = 0
        self._heap: list[tuple[float, int, T]] = []

    def offer(self, rank: float, item: T) -> None:
        """Keep an item if it belongs to the worst so far."""
        self._n_offered += 1
        heappush(self._heap, (rank, -self._n_offered, item))
        if len(self._heap) > self._n:
            heappop(self._heap)

    def items(self) -> tuple[T, ...]:
        """Return the items, the worst first."""
        return tuple(item for _, _, item in sorted(self._heap, key=lambda row: row[:2], reverse=True))


class LabelJudge:
    """Judges a task that gives a text, or a pair, one label."""

    def __init__(self, task: TaskSpec, held: Sequence[str], setting: Setting) -> None:
        """Judge *task* by data that have the labels *held*."""
        self._task = task
        self._unknown = tuple(label for label in held if label not in task.keys)
        self._setting = setting
        self._controls = setting.lessons.controls[task.name] if setting.lessons else {}
        self._outcomes: dict[str, list[LabelOutcome]] = {name: [] for name in (MODEL, *self._controls)}
        self._traits: list[Mapping[str, str]] = []
        self._scores: list[float] = []
        self._mistakes = Worst[Mistake](N_MISTAKES)

    def take(self, case: Case) -> None:
        """Judge one case."""
        asked = questions(self._task.name, case.record)
        if not asked:
            return
        for question, answer in zip(asked, answers(self._task.name, case.article, len(asked)), strict=True):
            self._note(case, question, MODEL, answer.label)
            for name, control in self._controls.items():
                self._note(case, question, name, control(case.record, question.query or ""))
            self._scores.append(answer.score)
            self._traits.append(self._traits_of(case, question))
            if answer.label not in question.labels:
                self._mistakes.offer(answer.score, _mistake(case.record, question, answer))

    def report(self, units: str) -> TaskReport:
        """Return all that was measured; *units* are what the cases belong to: documents or groups."""
        outcomes, seed = self._outcomes[MODEL], self._setting.seed
        labels = (*self._task.keys, *self._unknown)
        figures = LABEL_FIGURES[self._task.name]
        systems = tuple(
            System(name=name, figures=figures_of(figures, found, labels, seed))
            for name, found in self._outcomes.items()
        )
        main = next(figure for figure in figures if figure.name in systems[0].figures)
        counts = label_counts(outcomes, labels).sum(0)
        right = np.array([outcome.found in outcome.gold for outcome in outcomes])
        return TaskReport(
            task=self._task.name,
            kind=str(self._task.kind),
            labels={label.key: label.name for label in self._task.labels},
            n=len(outcomes),
            units=units,
            n_units=len({outcome.unit for outcome in outcomes}),
            systems=systems,
            classes=tuple(scores_of(label, *row) for label, row in zip(labels, counts, strict=True)),
            confusion=_confusion(outcomes, labels, self._task.keys),
            slices=slices_of(main, outcomes, self._traits, labels, seed),
            calibration=calibration_of(np.array(self._scores), right, self._task.temperature),
            mistakes=self._mistakes.items(),
            outcomes=tuple(outcomes),
            notes=(*self._notes(counts[:, 2].tolist(), labels), *control_notes(self._setting, bool(self._controls))),
        )

    def _note(self, case: Case, question: Question, system: str, label: str) -> None:
        name = named(case.record) if question.query is None else f"{named(case.record)}: {question.query}"
        self._outcomes[system].append(LabelOutcome(id=name, unit=case.unit, gold=question.labels, found=label))

    def _traits_of(self, case: Case, question: Question) -> Mapping[str, str]:
        if self._setting.lessons is None or self._task.name != "target_stance":
            return case.traits
        return {**case.traits, "target": "in training" if question.query in self._setting.lessons.targets else "unseen"}

    def _notes(self, support: Sequence[float], labels: Sequence[str]) -> list[str]:
        outcomes, notes = self._outcomes[MODEL], []
        n_sets = sum(len(outcome.gold) > 1 for outcome in outcomes)
        if n_sets:
            notes.append(
                f"{n_sets:,} of {len(outcomes):,} items allow several labels: for accuracy each of them is right; "
                f"F1, precision and recall leave these items out"
            )
        missing = [label for label, n in zip(labels, support, strict=True) if not n]
        if missing:
            notes.append(f"{MACRO_F1.name} leaves out the labels that no item has for certain: {', '.join(missing)}")
        if self._unknown:
            notes.append(f"the model does not know these labels, which count as wrong: {', '.join(self._unknown)}")
        n_silent = sum(outcome.found == NOTHING for outcome in outcomes)
        if n_silent:
            notes.append(f"{n_silent:,} items have no word to read; no answer counts as wrong")
        return notes


def control_notes(setting: Setting, has_controls: bool) -> list[str]:
    """Return what to know of the baselines of a task."""
    if setting.lessons is None:
        return ["no baselines: no training part was named (--train)"]
    if not has_controls:
        return ["no baselines: the training part does not label this task"]
    return ["baselines learn from the training part, and of several labels the first"]


def _mistake(record: Record, question: Question, answer: Answer) -> Mistake:
    return Mistake(
        id=record.id,
        title=record.title,
        text=record.text,
        query=question.query,
        gold=question.labels,
        found=answer.label,
        score=answer.score,
        scores=dict(answer.scores),
        evidence=answer.evidence,
    )


def _confusion(outcomes: Sequence[LabelOutcome], labels: Sequence[str], known: Sequence[str]) -> Matrix:
    """Count what was found for each gold label, and for each set of them in a row of its own."""

    def ordered(gold: Sequence[str]) -> tuple[str, ...]:
        return tuple(sorted(gold, key=labels.index))

    sets = sorted({ordered(outcome.gold) for outcome in outcomes if len(outcome.gold) > 1})
    rows = {gold: row for row, gold in enumerate([*((label,) for label in labels), *sets])}
    silent = [NOTHING] if any(outcome.found == NOTHING for outcome in outcomes) else []
    columns = {label: column for column, label in enumerate([*known, *silent])}
    counts = np.zeros((len(rows), len(columns)))
    for outcome in outcomes:
        counts[rows[ordered(outcome.gold)], columns[outcome.found]] += 1
    return matrix(counts, [" | ".join(gold) for gold in rows], list(columns))
