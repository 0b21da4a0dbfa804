"""What the labels of someone's data mean, and which labels data have."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from khabar.errors import ConfigError, near_miss
from khabar_data.records import ClaimStance, Record, RecordError, Span, TargetStance

type Translate = Callable[[str], tuple[str, ...]]


def _set_topics(record: Record, translate: Translate) -> Record:
    return replace(record, topics=_union(record.topics, translate))


def _set_entities(record: Record, translate: Translate) -> Record:
    """Map entity types; one that means nothing was looked for and is no entity of ours."""

    def moved(spans: tuple[Span, ...]) -> tuple[Span, ...]:
        return tuple(replace(span, label=label) for span in spans for label in translate(span.label))

    types = _union(record.entity_types, translate)
    entities, title_entities = moved(record.entities), moved(record.title_entities)
    return replace(record, entities=entities, title_entities=title_entities, entity_types=types)


def _set_target_stances(record: Record, translate: Translate) -> Record:
    stances = (TargetStance(target=old.target, labels=_union(old.labels, translate)) for old in record.target_stances)
    return replace(record, target_stances=tuple(stance for stance in stances if stance.labels))


def _set_claim_stances(record: Record, translate: Translate) -> Record:
    stances = (ClaimStance(claim=old.claim, labels=_union(old.labels, translate)) for old in record.claim_stances)
    return replace(record, claim_stances=tuple(stance for stance in stances if stance.labels))


@dataclass(frozen=True)
class LabelPlace:
    """Where a record keeps the labels of one task."""

    get: Callable[[Record], Iterable[str]]
    translated: Callable[[Record, Translate], Record]


LABEL_PLACES: Final[Mapping[str, LabelPlace]] = {
    "topic": LabelPlace(lambda record: record.topics, _set_topics),
    "entities": LabelPlace(
        lambda record: (span.label for span in (*record.title_entities, *record.entities)), _set_entities
    ),
    "target_stance": LabelPlace(
        lambda record: (label for stance in record.target_stances for label in stance.labels), _set_target_stances
    ),
    "claim_stance": LabelPlace(
        lambda record: (label for stance in record.claim_stances for label in stance.labels), _set_claim_stances
    ),
}
"""By task."""


@dataclass(frozen=True)
class LabelMap:
    """For one task: each label of the data stands for a set of the task's labels, or for nothing.

    A label that the map gives as a meaning means itself; any other is an error with the nearest name.

    >>> arts = LabelMap("topic", {"سینما": ("arts_culture",), "چندرسانه‌ای": ()})
    >>> arts.applied(Record(text="فیلم", topics=("سینما",))).topics
    ('arts_culture',)
    """

    task: str
    meanings: Mapping[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        tasks = tuple(LABEL_PLACES)
        if self.task not in tasks:
            hint = near_miss(self.task, tasks)
            raise ConfigError(f"a label map is for task {self.task!r}; the tasks are {', '.join(tasks)}{hint}")
        for label, meaning in self.meanings.items():
            if isinstance(meaning, str):
                raise ConfigError(f"label {label!r} means the string {meaning!r}; it takes a list of labels")
            if self.task == "entities" and len(meaning) > 1:
                got = ", ".join(meaning)
                raise ConfigError(f"entity label {label!r} means {got}; a span takes one label; choose one, or none")

    def applied(self, record: Record) -> Record:
        """Return the record with its labels mapped; RecordError where the map lacks one."""
        return LABEL_PLACES[self.task].translated(record, self._translate)

    def _translate(self, label: str) -> tuple[str, ...]:
        if label in self.meanings:
            return self.meanings[label]
        ours = tuple(dict.fromkeys(one for meaning in self.meanings.values() for one in meaning))
        if label in ours:
            return (label,)
        known = (*self.meanings, *ours)
        remedy = f"add {label!r} to the map, with [] to leave it out{near_miss(label, known)}"
        raise RecordError(f"the {self.task} label {label!r}", f"the labels of its map: {', '.join(known)}", remedy)


def found_labels(records: Iterable[Record]) -> dict[str, tuple[str, ...]]:
    """Return each task's label set as the data have it, sorted; a task that no record labels is left out.

    >>> found_labels([Record(text="۱", topics=("ورزش",)), Record(text="۲", topics=("اقتصاد",))])
    {'topic': ('اقتصاد', 'ورزش')}
    """
    found: dict[str, set[str]] = {task: set() for task in LABEL_PLACES}
    for record in records:
        for task, place in LABEL_PLACES.items():
            found[task].update(place.get(record))
        found["entities"].update(record.entity_types)
    return {task: tuple(sorted(labels)) for task, labels in found.items() if labels}


def label_counts(record: Record) -> Counter[tuple[str, str]]:
    """Return how often a record has each (task, label)."""
    return Counter((task, label) for task, place in LABEL_PLACES.items() for label in place.get(record))


def _union(labels: Iterable[str], translate: Translate) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for label in labels for one in translate(label)))
