"""The mixture of corpora that one run reads, as examples in token-budget batches."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import numpy as np

from khabar.config import Kind, TaskSpec
from khabar.errors import ConfigError
from khabar.runtime import token_batches
from khabar.text import TextReader
from khabar_data.batching import Example, ExampleBuilder, joined
from khabar_data.noise import add_noise
from khabar_data.records import Record
from khabar_data.split import split
from khabar_training.config import DataSpec, TrainingConfig

_log = logging.getLogger(__name__)


def mixed_batches(config: TrainingConfig, tasks: Sequence[TaskSpec], reader: TextReader) -> list[list[Example]]:
    """Return the batches of a whole run, in the order of training; the seed alone decides it."""
    chance = Random(config.seed)
    builder = ExampleBuilder(reader, tasks)
    examples: list[Example] = []
    for spec in config.data:
        before = len(examples)
        for record in _records(spec, config.corpora, chance):
            examples += _build(builder, spec, add_noise(record, chance), chance)
        pieces = sum(len(example.ids) for example in examples[before:])
        _log.info("%s: %d examples, %d word pieces", spec.name, len(examples) - before, pieces)
    _check_learnt(tasks, examples)
    chance.shuffle(examples)
    batches = token_batches([len(example.ids) for example in examples], config.batch_tokens)
    chance.shuffle(batches)
    return [[examples[index] for index in batch] for batch in batches]


def _build(builder: ExampleBuilder, spec: DataSpec, record: Record, chance: Random) -> list[Example]:
    try:
        return list(builder.build(record, chance))
    except ConfigError as error:
        raise ConfigError(f"{spec.name}, record {record.id or record.text[:40]!r}: {error}") from None


def _check_learnt(tasks: Sequence[TaskSpec], examples: Sequence[Example]) -> None:
    """Refuse a task that no example is for, and a label that none may have."""
    for task in tasks:
        possible = np.zeros(len(task.outputs), dtype=np.bool_)
        for example in examples:
            if task.name in example.allowed:
                rows = example.allowed[task.name].reshape(-1, len(task.outputs))
                possible |= rows[~rows.all(1)].any(0)
        if not possible.any():
            raise ConfigError(f"no data are labelled for task {task.name!r}; add some, or leave it out of 'tasks'")
        missing = [key for key in task.keys if not possible[_output(task, key)]]
        if missing:
            raise ConfigError(
                f"no data have the {task.name} label {', '.join(missing)}; add some, or set the labels: "
                f'labels = {{ {task.name} = "data" }}'
            )


def _output(task: TaskSpec, key: str) -> int:
    return task.outputs.index(f"B-{key}" if task.kind is Kind.WORDS else key)


def _records(spec: DataSpec, corpora: Path | None, chance: Random) -> Iterator[Record]:
    """Yield the records of every pass over one file or corpus."""
    records = list(split(spec.records(corpora), spec.held_out, keep=True))
    passes, rest = divmod(spec.passes, 1)
    for share in (*[1.0] * int(passes), rest):
        drawn = _draw(records, share, spec.per_class, chance)
        yield from joined(drawn, chance) if spec.join else drawn


def _draw(records: list[Record], share: float, per_class: int | None, chance: Random) -> list[Record]:
    """Return a random part of the records, in their order, at most *per_class* of each label."""
    if per_class is None:
        return [record for record in records if share == 1 or chance.random() < share]
    seen: dict[str, int] = defaultdict(int)
    drawn = []
    for record in chance.sample(records, k=len(records)):
        label = _label(record)
        if seen[label] < per_class * share:
            seen[label] += 1
            drawn.append(record)
    return drawn


def _label(record: Record) -> str:
    stances = [stance.labels for stance in record.target_stances] + [stance.labels for stance in record.claim_stances]
    return "+".join(stances[0] if stances else record.topics)
