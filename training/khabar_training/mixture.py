"""The mixture of corpora that one run reads, as examples on disk and batches of their numbers."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import ceil
from pathlib import Path
from random import Random
from time import monotonic
from typing import Final

import numpy as np

from khabar.checkpoint import TRAINING_DATA
from khabar.config import Kind, TaskSpec
from khabar.errors import ConfigError
from khabar.text import TextReader
from khabar_data.batching import Example, ExampleBuilder, joined, token_batches
from khabar_data.fingerprints import FingerprintBuilder
from khabar_data.names import Names
from khabar_data.noise import add_noise
from khabar_data.records import Record
from khabar_data.split import split
from khabar_training.config import DataSpec, TrainingConfig
from khabar_training.example_store import ExampleStore

_log = logging.getLogger(__name__)

_TELL_SECONDS: Final = 15

type Batch = list[int]
"""The numbers of the examples in one batch."""


def training_examples(
    config: TrainingConfig, tasks: Sequence[TaskSpec], reader: TextReader, folder: Path
) -> ExampleStore:
    """Return what the run learns from, every pass over the data; the seed alone decides it.

    Beside the examples stand the fingerprints of their texts.
    """
    chance = Random(config.seed)
    builder = ExampleBuilder(reader, tasks)
    fingerprints = FingerprintBuilder()

    def examples(spec: DataSpec) -> Iterator[Example]:
        names = Names.of(_kept(spec, config.corpora) if spec.swap_names else ())
        for record in _records(spec, config.corpora, chance, fingerprints):
            renamed = names.swapped(record, spec.swap_names, chance)
            yield from _build(builder, spec, add_noise(renamed, chance), chance)

    store = ExampleStore.written(
        folder,
        tasks,
        (example for spec in config.data if spec.held_out < 1 for example in _told(spec, examples)),
        lambda draft: fingerprints.fingerprints().save(draft / TRAINING_DATA),
    )
    _check_learnt(tasks, store)
    return store


def development_examples(
    config: TrainingConfig, tasks: Sequence[TaskSpec], reader: TextReader, folder: Path
) -> ExampleStore:
    """Return what the data hold out, once and without noise; ConfigError where that is nothing."""
    chance = Random(config.seed)
    builder = ExampleBuilder(reader, tasks, title_share=1.0)

    def examples(spec: DataSpec) -> Iterator[Example]:
        for record in split(spec.records(config.corpora), spec.held_out, keep=False):
            yield from _build(builder, spec, record, chance)

    held_out = [spec for spec in config.data if spec.held_out]
    store = ExampleStore.written(folder, tasks, (example for spec in held_out for example in _told(spec, examples)))
    task = str(config.watch).partition(".")[0]
    labelled = [name for name, counts in store.counts.items() if counts.any()]
    if not labelled or (task in store.counts and task not in labelled):
        raise ConfigError(
            f"watch is {config.watch!r}, and the data held out are labelled for {', '.join(labelled) or 'nothing'}; "
            "watch another figure, or hold out data with its labels"
        )
    return store


def mixed_batches(config: TrainingConfig, store: ExampleStore) -> list[Batch]:
    """Return the batches of a whole run, in the order of training; the seed alone decides it."""
    chance = Random(config.seed)
    order = _tempered(store, config.mixing_temperature, chance)
    chance.shuffle(order)
    lengths = store.lengths[order].tolist()
    batches = [[order[place] for place in batch] for batch in token_batches(lengths, config.batch_tokens)]
    chance.shuffle(batches)
    return batches


def plain_batches(config: TrainingConfig, store: ExampleStore) -> list[Batch]:
    """Return the batches that hold each example once."""
    return token_batches(store.lengths.tolist(), config.batch_tokens)


def _tempered(store: ExampleStore, temperature: float, chance: Random) -> list[int]:
    """Return the examples to learn from, so that the word pieces of each kind of example go with
    ``n ** (1 / temperature)``, n what the data have of it (Raffel et al. 2020); the sum stays as it was.

    A kind is a set of tasks that an example is labelled for. At 1 every example comes once.
    """
    if temperature == 1:
        return list(range(len(store)))
    kinds = np.unique(store.labelled)
    pieces = np.array([store.lengths[store.labelled == kind].sum() for kind in kinds], dtype=np.float64)
    wanted = pieces ** (1 / temperature)
    order: list[int] = []
    for kind, share in zip(kinds, wanted / wanted.sum() * pieces.sum() / pieces, strict=True):
        members: list[int] = np.flatnonzero(store.labelled == kind).tolist()
        order += members * int(share)
        order += chance.sample(members, round(len(members) * (share % 1)))
    return order


def _told(spec: DataSpec, examples: Callable[[DataSpec], Iterator[Example]]) -> Iterator[Example]:
    """Yield the examples of one file or corpus, log how far it is now and then, and how many they were."""
    n_examples = n_pieces = 0
    told = monotonic()
    for example in examples(spec):
        n_examples += 1
        n_pieces += len(example.ids)
        if monotonic() - told > _TELL_SECONDS:
            told = monotonic()
            _log.info("%s: %d examples so far", spec.name, n_examples)
        yield example
    _log.info("%s: %d examples, %d word pieces", spec.name, n_examples, n_pieces)


def _build(builder: ExampleBuilder, spec: DataSpec, record: Record, chance: Random) -> list[Example]:
    try:
        return list(builder.build(record, chance))
    except ConfigError as error:
        raise ConfigError(f"{spec.name}, record {record.id or record.text[:40]!r}: {error}") from None


def _check_learnt(tasks: Sequence[TaskSpec], store: ExampleStore) -> None:
    """Refuse a task that no example is for, and a label that none may have."""
    for task in tasks:
        counts = store.counts[task.name]
        if not counts.any():
            raise ConfigError(f"no data are labelled for task {task.name!r}; add some, or leave it out of 'tasks'")
        missing = [key for key in task.keys if not counts[_output(task, key)]]
        if missing:
            raise ConfigError(
                f"no data have the {task.name} label {', '.join(missing)}; add some, or set the labels: "
                f'labels = {{ {task.name} = "data" }}'
            )


def _output(task: TaskSpec, key: str) -> int:
    return task.outputs.index(f"B-{key}" if task.kind is Kind.WORDS else key)


def _records(
    spec: DataSpec, corpora: Path | None, chance: Random, fingerprints: FingerprintBuilder
) -> Iterator[Record]:
    """Yield the records of every pass over one file or corpus; it is read anew for each."""
    passes, rest = divmod(spec.passes, 1)
    for share in (*[1.0] * int(passes), *([rest] if rest else [])):
        drawn = _seen(_drawn(spec, corpora, share, chance), fingerprints)
        yield from joined(drawn, chance) if spec.join else drawn


def _drawn(spec: DataSpec, corpora: Path | None, share: float, chance: Random) -> Iterator[Record]:
    """Yield a random part of the records that are not held out, in their order, at most ``per_class`` of each label."""
    chosen = None if spec.per_class is None else _chosen(_kept(spec, corpora), ceil(spec.per_class * share), chance)
    for number, record in enumerate(_kept(spec, corpora)):
        if number in chosen if chosen is not None else share == 1 or chance.random() < share:
            yield record


def _seen(records: Iterable[Record], fingerprints: FingerprintBuilder) -> Iterator[Record]:
    for record in records:
        fingerprints.add(record)
        yield record


def _kept(spec: DataSpec, corpora: Path | None) -> Iterator[Record]:
    return split(spec.records(corpora), spec.held_out, keep=True)


def _chosen(records: Iterable[Record], most: int, chance: Random) -> set[int]:
    """Return the numbers of at most *most* records of each label, drawn at random."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for number, record in enumerate(records):
        numbers[_label(record)].append(number)
    return {number for each in numbers.values() for number in chance.sample(each, min(len(each), most))}


def _label(record: Record) -> str:
    stances = [stance.labels for stance in record.target_stances] + [stance.labels for stance in record.claim_stances]
    return "+".join(stances[0] if stances else record.topics)
