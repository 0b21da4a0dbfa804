"""The judge of entities: spans against spans, on the types that each record annotates."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from khabar.config import TaskSpec
from khabar.results import Entity
from khabar_data.records import Record
from khabar_training.evaluation.class_scores import matrix
from khabar_training.evaluation.entity_matching import (
    BORDERS,
    SCHEMAS,
    AnySpan,
    border_counts,
    match_counts,
    match_scores,
    paired,
)
from khabar_training.evaluation.judging import MODEL, Case, Setting, Worst, control_notes
from khabar_training.evaluation.measured import EntityScores, Mark, Marked, Slice, SpanOutcome, System, TaskReport
from khabar_training.evaluation.questions import NOTHING, named
from khabar_training.evaluation.reliability import calibration_of
from khabar_training.evaluation.scoring import SPAN_FIGURES, estimated, figures_of, n_items, share, slices_of, summed
from khabar_training.metrics import Counts, span_f1

N_TEXTS: Final = 10
_DICTIONARY: Final = "dictionary of names"
_LENGTHS: Final = ("1", "2", "3", "4", "5+")
"""Words of an entity."""
_SEEN: Final = ("in training", "unseen")


class EntityJudge:
    """Judges entities. Only what a record annotates counts, so that a corpus is scored on its own types."""

    def __init__(self, task: TaskSpec, held: Sequence[str], setting: Setting) -> None:
        """Judge *task* by data that annotate the types *held*."""
        self._task = task
        self._unknown = tuple(label for label in held if label not in task.keys)
        self._labels = (*(key for key in task.keys if key in held), *self._unknown)
        self._setting = setting
        self._dictionary = setting.lessons.dictionary if setting.lessons else None
        self._names = setting.lessons.names if setting.lessons else frozenset()
        self._outcomes: dict[str, list[SpanOutcome]] = {MODEL: []}
        self._traits: list[Mapping[str, str]] = []
        self._matches = np.zeros((len(SCHEMAS), 1 + len(self._labels), 5))
        self._borders = np.zeros((len(BORDERS), len(self._labels)))
        self._types = np.zeros((len(self._labels) + 1, len(self._labels) + 1))
        self._by_length: list[Counts] = []
        self._by_seen: list[Counts] = []
        self._scores: list[tuple[float, bool]] = []
        self._texts = Worst[Marked](N_TEXTS)

    def take(self, case: Case) -> None:
        """Judge one case."""
        record, types = case.record, case.record.entity_types
        if not types:
            return
        found = [entity for entity in case.article.entities if entity.label in types]
        self._traits.append(case.traits)
        self._matches += self._note(case, MODEL, found)
        if self._dictionary:
            self._note(
                case, _DICTIONARY, [span for span in self._dictionary.predict(record.text) if span.label in types]
            )
        self._borders += border_counts(record.entities, found, self._labels)
        gold = set(map(_key, record.entities))
        self._scores += [(entity.score, _key(entity) in gold) for entity in found]
        self._by_length.append(_part_counts(record, found, len(_LENGTHS), _length))
        self._by_seen.append(_part_counts(record, found, len(_SEEN), lambda name: int(name not in self._names)))
        self._look_closer(record, found)

    def report(self, units: str) -> TaskReport:
        """Return all that was measured; *units* are what the cases belong to: documents or groups."""
        outcomes, labels, seed = self._outcomes[MODEL], self._labels, self._setting.seed
        matching = match_scores(self._matches, labels)
        scores = np.array(self._scores, dtype=np.float64).reshape(-1, 2)
        return TaskReport(
            task=self._task.name,
            kind=str(self._task.kind),
            labels={label.key: label.name for label in self._task.labels},
            n=sum(map(n_items, outcomes)),
            units=units,
            n_units=len({outcome.unit for outcome in outcomes}),
            systems=tuple(
                System(name=name, figures=figures_of(SPAN_FIGURES, found, labels, seed))
                for name, found in self._outcomes.items()
            ),
            classes=tuple(matching["strict"][label] for label in labels),
            confusion=matrix(self._types, (*labels, NOTHING), (*labels, NOTHING)),
            slices=slices_of(SPAN_FIGURES[0], outcomes, self._traits, labels, seed),
            calibration=calibration_of(scores[:, 0], scores[:, 1] > 0, self._task.temperature),
            entities=EntityScores(
                matching=matching,
                borders=matrix(self._borders, BORDERS, labels),
                by_length=self._parts("length in words", _LENGTHS, self._by_length, span_f1),
                by_seen=self._parts("string", _SEEN, self._by_seen, _recall) if self._names else (),
                texts=self._texts.items(),
                outcomes=tuple(outcomes),
            ),
            notes=self._notes([matching["strict"][label].support for label in labels]),
        )

    def _note(self, case: Case, system: str, found: Sequence[AnySpan]) -> Counts:
        """Keep what became of a text's spans, and return its counts by schema, label and outcome."""
        counts = match_counts(case.record.entities, found, self._labels)
        points = dict(zip(SCHEMAS, (counts[:, 0, 0] + counts[:, 0, 2] / 2).tolist(), strict=True))
        keys = set(map(_key, found))
        self._outcomes.setdefault(system, []).append(
            SpanOutcome(
                id=named(case.record),
                unit=case.unit,
                n_found=len(found),
                right="".join("01"[_key(span) in keys] for span in case.record.entities),
                exact=int(points["exact"]),
                partial=points["partial"],
                type=int(points["type"]),
            )
        )
        return counts

    def _look_closer(self, record: Record, found: Sequence[Entity]) -> None:
        """Count gold against found types, and keep the text if it is among the worst."""
        n_wrong = 0
        for expected, got in paired(record.entities, found):
            row, column = (
                len(self._labels) if one is None else self._labels.index(one.label) for one in (expected, got)
            )
            self._types[row, column] += 1
            n_wrong += expected is None or got is None or _key(expected) != _key(got)
        if n_wrong:
            marks = [
                tuple(Mark(start=a, end=b, label=label) for a, b, label in map(_key, spans))
                for spans in (record.entities, found)
            ]
            self._texts.offer(n_wrong, Marked(id=record.id, text=record.text, gold=marks[0], found=marks[1]))

    def _parts(
        self, field: str, values: Sequence[str], counts: Sequence[Counts], statistic: Callable[[Counts], float]
    ) -> tuple[Slice, ...]:
        """Return a figure of each part of the gold spans that is not empty."""
        by_unit = summed(np.stack(counts), [outcome.unit for outcome in self._outcomes[MODEL]])
        slices = []
        for number, value in enumerate(values):
            n = int(by_unit[:, number, 2].sum())
            estimate = estimated(by_unit[:, number], statistic, self._setting.seed) if n else None
            if estimate is not None:
                slices.append(Slice(field=field, value=value, n=n, figure=estimate))
        return tuple(slices)

    def _notes(self, support: Sequence[int]) -> tuple[str, ...]:
        notes = []
        absent = [key for key in self._task.keys if key not in self._labels]
        if absent:
            notes.append(f"not annotated in the data, so neither right nor wrong where found: {', '.join(absent)}")
        missing = [label for label, n in zip(self._labels, support, strict=True) if not n]
        if missing:
            notes.append(f"no text has an entity of these types: {', '.join(missing)}")
        if self._unknown:
            notes.append(f"the model does not know these types, which count as missed: {', '.join(self._unknown)}")
        return (*notes, *control_notes(self._setting, self._dictionary is not None))


def _key(span: AnySpan) -> tuple[int, int, str]:
    return span.start, span.end, span.label


def _part_counts(record: Record, found: Iterable[AnySpan], n: int, part: Callable[[str], int]) -> Counts:
    """Return right, found and gold spans by the *part* that their string belongs to; shape (n, 3)."""
    counts = np.zeros((n, 3))
    sides = [set(map(_key, spans)) for spans in (found, record.entities)]
    for column, keys in enumerate((sides[0] & sides[1], *sides)):
        for start, end, _ in keys:
            counts[part(record.text[start:end]), column] += 1
    return counts


def _length(name: str) -> int:
    return min(len(name.split()), len(_LENGTHS)) - 1


def _recall(counts: Counts) -> float:
    return share(counts[[0, 2]])
