"""What a model's heads say of labelled records: raw logits, beside what the labels allow."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from khabar import Analyzer
from khabar.checkpoint import Checkpoint
from khabar.config import Kind, TaskSpec
from khabar.decoding import decode_entities
from khabar.errors import ConfigError, InputError, SourceError
from khabar.reading import Reading
from khabar.results import Document
from khabar.runtime import Runtime
from khabar.text import TextReader
from khabar_data.batching import Booleans, allowed, word_labels
from khabar_data.records import Record
from khabar_training.evaluation.questions import answers, as_document, questions

_log = logging.getLogger(__name__)

_MOST_ROWS: Final = 300_000
"""Rows of logits kept for a head, some 40 MB."""
_SMALLEST: Final = 1e-300
"""In place of a probability of 0, so that it has a logarithm."""


@dataclass(frozen=True, eq=False)
class Sample:
    """The raw logits of one answer, or of the words of one text, and what the record allows."""

    logits: NDArray[np.floating]
    """Shape (n, K)."""
    allowed: Booleans
    """Shape (n, K); all True where nothing is known."""
    right: tuple[bool | None, ...] = ()
    """For words: whether each span found is right, None where its type was not annotated."""


class Samples:
    """Collects samples of one head; of too many, it keeps every second one, then every fourth, and so on."""

    def __init__(self, most_rows: int = _MOST_ROWS) -> None:
        self.kept: list[Sample] = []
        self._most_rows = most_rows
        self._n_rows = 0
        self._n_seen = 0
        self._step = 1

    def add(self, sample: Sample) -> None:
        """Take in the next sample."""
        if self._n_seen % self._step == 0:
            self.kept.append(sample)
            self._n_rows += len(sample.logits)
        self._n_seen += 1
        if self._n_rows > self._most_rows:
            self.kept = self.kept[::2]
            self._n_rows = sum(len(one.logits) for one in self.kept)
            self._step *= 2


class Observer:
    """Reads labelled records with a model, one at a time, and keeps its logits beside what the labels allow."""

    def __init__(self, folder: Path) -> None:
        checkpoint = Checkpoint(folder)
        self.config = checkpoint.config()
        self._reader = TextReader(checkpoint.tokenizer(), self.config)
        self._runtime = Runtime(checkpoint.graph())
        self._runtime.check(self.config.tasks, self._reader.largest_id)
        checkpoint.check_unchanged()
        self._analyzer = Analyzer(folder, self.config, self._reader, self._runtime)
        self.samples = {task.name: Samples() for task in self.config.tasks}

    def take(self, record: Record) -> None:
        """Read one record for every head that it labels.

        Topic and stances of one with a target or claim that ``predict`` refuses are left out with a warning;
        SourceError names one with a label that the model does not have.
        """
        name = f"record {record.id or record.text[:40]!r}"
        try:
            if record.entity_types and self.config.has("entities"):
                self._take_words(record, self.config.task("entities"))
            self._take_answers(record)
        except InputError as error:
            _log.warning("topic and stances of %s are left out: %s", name, error)
        except ConfigError as error:
            raise SourceError(name, str(error), "mend the record or leave it out") from None

    def _take_answers(self, record: Record) -> None:
        """Take the scores that ``predict`` reports back to logits; what is added to all of them does not matter."""
        labelled = [task for task in self.config.tasks if task.kind is not Kind.WORDS]
        asked = {task.name: questions(task.name, record) for task in labelled}
        if not any(asked.values()):
            return
        (article,) = self._analyzer.predict_many([as_document(record, self.config)])
        for task in labelled:
            found = answers(task.name, article, len(asked[task.name]))
            for question, answer in zip(asked[task.name], found, strict=True):
                known = allowed(task, question.labels)[np.newaxis]
                if answer.scores and not known.all():  # a text without a word has no scores
                    logits = task.temperature * np.log(np.maximum([list(answer.scores.values())], _SMALLEST))
                    self.samples[task.name].add(Sample(logits, known))

    def _take_words(self, record: Record, task: TaskSpec) -> None:
        reading = Reading(Document(record.text, record.title), self._reader)
        if not reading.windows or not len(reading.body.words):
            return
        windows = self._runtime.run([self._reader.single(reading.ids[a:b]) for a, b in reading.windows])
        logits = reading.word_logits(windows, task.name)
        borders = reading.body.clean.raw_spans(reading.body.words)
        gold = {(span.start, span.end, span.label) for span in record.entities}
        right = tuple(
            (borders[span.first, 0], borders[span.last - 1, 1], span.label) in gold
            if span.label in record.entity_types
            else None
            for span in decode_entities(logits, task)
        )
        known = word_labels(task, reading.body, record.entities, record.entity_types)
        self.samples[task.name].add(Sample(logits, known, right))
