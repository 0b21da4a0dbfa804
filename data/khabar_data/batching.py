"""Records to training examples: labels aligned to word pieces, tasks mixed, padding.

Every label is a *set* of outputs that the record allows, as a boolean row over a task's outputs.
A row that is all True says nothing and costs nothing: so a record that lacks a task needs no
special case, and neither does a corpus that did not annotate dates.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from numpy.typing import NDArray

from khabar.config import Kind, TaskSpec
from khabar.errors import ConfigError, InputError, near_miss
from khabar.targets import ContextFinder, Target, check_query
from khabar.text import Integers, Passage, TextReader
from khabar_data.records import Record, Span

_log = logging.getLogger(__name__)

type Booleans = NDArray[np.bool_]

ALLOWED = "allowed."
"""What the names of label arrays in a batch begin with; the task's name follows."""


@dataclass(frozen=True, eq=False)
class Example:
    """One sequence for the encoder, with the outputs that each task may give it."""

    ids: Integers
    """Special tokens included; shape (L,)."""
    allowed: dict[str, Booleans]
    """Per task that the record labels: shape (K,), or (L, K) for word tasks."""


class ExampleBuilder:
    """Turns records into examples for the tasks of one model."""

    def __init__(self, reader: TextReader, tasks: Iterable[TaskSpec], *, title_share: float = 0.6) -> None:
        self._reader = reader
        self._tasks = {task.name: task for task in tasks}
        self._title_share = title_share

    def build(self, record: Record, chance: Random) -> Iterator[Example]:
        """Yield the document windows of a record and one pair for each stance in it."""
        body = self._reader.read(record.text)
        title = self._reader.read(record.title) if record.title else None
        if record.topics or record.entity_types:
            yield from self._documents(record, title if chance.random() < self._title_share else None, body, chance)
        if record.target_stances or record.claim_stances:
            yield from self._pairs(record, title if chance.random() < self._title_share else None, body)

    def _documents(self, record: Record, title: Passage | None, body: Passage, chance: Random) -> Iterator[Example]:
        ids = self._reader.document(title, body)
        windows = self._reader.windows(len(ids))
        if not record.entity_types:  # a topic needs one window; the first says most
            windows = [windows[0] if chance.random() < 0.8 else chance.choice(windows)] if windows else []
        labels: dict[str, Booleans] = {}
        if record.topics and (task := self._tasks.get("topic")):
            labels["topic"] = allowed(task, record.topics)
        tags = self._word_labels(record, title, body, len(ids))
        for start, end in windows:
            here = {name: _bordered(rows[start:end]) for name, rows in tags.items()}
            yield Example(self._reader.single(ids[start:end]), {**labels, **here})

    def _word_labels(self, record: Record, title: Passage | None, body: Passage, n_pieces: int) -> dict[str, Booleans]:
        task = self._tasks.get("entities")
        if task is None or not record.entity_types:
            return {}
        rows = np.ones((n_pieces, len(task.outputs)), dtype=np.bool_)
        body_start = n_pieces - len(body.ids)
        rows[body_start + body.first_pieces] = word_labels(task, body, record.entities, record.entity_types)
        if title is not None and record.title_entities:
            rows[title.first_pieces] = word_labels(task, title, record.title_entities, record.entity_types)
        return {task.name: rows}

    def _pairs(self, record: Record, title: Passage | None, body: Passage) -> Iterator[Example]:
        finder = ContextFinder(self._reader, title, body)
        if task := self._tasks.get("target_stance"):
            for stance in record.target_stances:
                if (query := self._query(stance.target)) is not None:
                    context = finder.around_target(query, Target(stance.target))
                    yield self._pair(task, query, context.ids, stance.labels)
        if task := self._tasks.get("claim_stance"):
            for claim in record.claim_stances:
                if (query := self._query(claim.claim)) is not None:
                    yield self._pair(task, query, finder.around_claim(query).ids, claim.labels)

    def _query(self, text: str) -> Passage | None:
        """Return a target or claim to ask about, None where ``predict`` would refuse it."""
        query = self._reader.read(text)
        try:
            check_query(query, self._reader, "a target or claim")
        except InputError as error:
            _log.warning("left out: %s", error)
            return None
        return query

    def _pair(self, task: TaskSpec, query: Passage, context: Integers, labels: Sequence[str]) -> Example:
        return Example(self._reader.pair(query.ids, context), {task.name: allowed(task, labels)})


def allowed(task: TaskSpec, labels: Iterable[str]) -> Booleans:
    """Return which outputs of a text or pair task a set of labels allows; shape (K,)."""
    wanted = set(labels)
    for label in wanted:
        _check_label(task, label)
    return np.array([key in wanted for key in task.keys])


def word_labels(task: TaskSpec, passage: Passage, entities: Sequence[Span], annotated: Sequence[str]) -> Booleans:
    """Return which outputs each word may have; shape (n_words, K).

    A word outside all entities may be O or of a type that was not annotated; a word that an entity
    touches has its B- or I- output alone.
    """
    outside = np.array([output == "O" or output[2:] not in annotated for output in task.outputs])
    rows = np.tile(outside, (len(passage.words), 1))
    raw = passage.clean.raw_spans(passage.words)
    for entity in entities:
        inside = np.flatnonzero((raw[:, 0] < entity.end) & (raw[:, 1] > entity.start))
        _check_label(task, entity.label)
        if len(inside):
            first_output = task.outputs.index(f"B-{entity.label}")
            rows[inside] = False
            rows[inside[0], first_output] = True
            rows[inside[1:], first_output + 1] = True
    return rows


def _check_label(task: TaskSpec, label: str) -> None:
    if label not in task.keys:
        raise ConfigError(
            f"task {task.name!r} has no label {label!r}; it has {', '.join(task.keys)}{near_miss(label, task.keys)}; "
            "map the label to one of these, or give the task labels of its own"
        )


def _bordered(rows: Booleans) -> Booleans:
    """Add the rows of the special tokens at both ends, which say nothing."""
    return np.pad(rows, ((1, 1), (0, 0)), constant_values=True)


def joined(records: Iterable[Record], chance: Random, longest: int = 1000) -> Iterator[Record]:
    """Join neighbouring records of one group into passages of a random length, up to *longest* characters.

    Corpora come as sentences, but articles are what the model reads.
    """
    run: list[Record] = []
    room = 0
    for record in records:
        if run and (record.group != run[0].group or len(record.text) > room):
            yield _join(run)
            run = []
        if not run:
            room = chance.randint(0, longest)
        run.append(record)
        room -= len(record.text)
    if run:
        yield _join(run)


def _join(records: Sequence[Record]) -> Record:
    text, entities = "", []
    for record in records:
        text += " " if text else ""
        entities += [replace(span, start=span.start + len(text), end=span.end + len(text)) for span in record.entities]
        text += record.text
    return replace(records[0], text=text, entities=tuple(entities))


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


def pad(examples: Sequence[Example], tasks: Sequence[TaskSpec], pad_id: int) -> dict[str, NDArray[np.generic]]:
    """Return one batch of arrays: ``input_ids`` and ``attention_mask`` of shape (B, L), and for each
    task ``allowed.<task>`` of shape (B, K), or (B, L, K) for word tasks."""
    shape = (len(examples), max(len(example.ids) for example in examples))
    batch: dict[str, NDArray[np.generic]] = {
        "input_ids": np.full(shape, pad_id, dtype=np.int64),
        "attention_mask": np.zeros(shape, dtype=np.int64),
    }
    for task in tasks:
        rows = shape if task.kind is Kind.WORDS else shape[:1]
        batch[ALLOWED + task.name] = np.ones((*rows, len(task.outputs)), dtype=np.bool_)
    for row, example in enumerate(examples):
        batch["input_ids"][row, : len(example.ids)] = example.ids
        batch["attention_mask"][row, : len(example.ids)] = 1
        for name, labels in example.allowed.items():
            place = (row, slice(len(labels))) if labels.ndim == 2 else (row,)
            batch[ALLOWED + name][place] = labels
    return batch
