"""The mixture of corpora that one run reads, as examples in token-budget batches."""

import logging
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random

from khabar.config import ModelConfig
from khabar.runtime import token_batches
from khabar.text import TextReader
from khabar_data.batching import Example, ExampleBuilder, joined
from khabar_data.corpora import read_corpus
from khabar_data.noise import add_noise
from khabar_data.records import Record
from khabar_data.split import split
from khabar_training.config import DataSpec, TrainingConfig

_log = logging.getLogger(__name__)


def mixed_batches(config: TrainingConfig, model: ModelConfig, reader: TextReader) -> list[list[Example]]:
    """Return the batches of a whole run, in the order of training; the seed alone decides it."""
    chance = Random(config.seed)
    builder = ExampleBuilder(reader, model)
    examples: list[Example] = []
    for spec in config.data:
        before = len(examples)
        for record in _records(spec, config.corpora, chance):
            examples += builder.build(add_noise(record, chance), chance)
        pieces = sum(len(example.ids) for example in examples[before:])
        _log.info("%s: %d examples, %d word pieces", spec.corpus, len(examples) - before, pieces)
    chance.shuffle(examples)
    batches = token_batches([len(example.ids) for example in examples], config.batch_tokens)
    chance.shuffle(batches)
    return [[examples[index] for index in batch] for batch in batches]


def _records(spec: DataSpec, folder: Path, chance: Random) -> Iterator[Record]:
    """Yield the records of every pass over one corpus."""
    records = list(split(read_corpus(spec.corpus, folder, spec.part), spec.held_out, keep=True))
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
