"""The mixture: examples on disk that are those of memory, draws and shares."""

from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random

import numpy as np
import pytest

from khabar import ConfigError
from khabar.config import Label, TaskSpec
from khabar.text import TextReader
from khabar_data import Record, Span, samples, write_jsonl
from khabar_data.batching import ExampleBuilder
from khabar_data.fingerprints import FingerprintBuilder
from khabar_data.labels import TASKS
from khabar_training import mixture
from khabar_training.config import DataSpec, TrainingConfig
from khabar_training.example_store import ExampleStore
from khabar_training.mixture import mixed_batches, training_examples


@pytest.fixture(scope="module")
def store(reader: TextReader, tmp_path_factory: pytest.TempPathFactory) -> ExampleStore:
    builder = ExampleBuilder(reader, TASKS)
    examples = (example for record in islice(samples.read("train"), 40) for example in builder.build(record, Random(1)))
    return ExampleStore.written(tmp_path_factory.mktemp("store") / "examples", TASKS, examples)


def test_what_is_read_is_what_was_written(reader: TextReader, store: ExampleStore) -> None:
    builder = ExampleBuilder(reader, TASKS)
    records = islice(samples.read("train"), 40)
    written = [example for record in records for example in builder.build(record, Random(1))]
    assert len(store) == len(written)
    numbers = Random(2).sample(range(len(written)), 60)
    for number, example in zip(numbers, store.read(numbers), strict=True):
        assert np.array_equal(example.ids, written[number].ids)
        assert store.lengths[number] == len(example.ids)
        assert example.allowed.keys() == written[number].allowed.keys()
        for task, rows in written[number].allowed.items():
            assert np.array_equal(example.allowed[task], rows)


def test_counts_share_a_set_among_its_outputs(reader: TextReader, tmp_path: Path) -> None:
    topic = next(task for task in TASKS if task.name == "topic")
    records = [Record(text="جنگ", topics=("conflict",)), Record(text="صلح", topics=("conflict", "politics"))]
    builder = ExampleBuilder(reader, [topic])
    examples = (example for record in records for example in builder.build(record, Random(1)))
    counts = ExampleStore.written(tmp_path / "examples", [topic], examples).counts["topic"]
    assert dict(zip(topic.keys, counts, strict=True)) == dict.fromkeys(topic.keys, 0.0) | {
        "conflict": 1.5,
        "politics": 0.5,
    }


def test_a_broken_off_store_is_written_anew(reader: TextReader, tmp_path: Path) -> None:
    folder = tmp_path / "examples"

    def broken(record: Record) -> object:
        raise KeyboardInterrupt

    builder = ExampleBuilder(reader, TASKS)
    record = Record(text="باران در کابل", topics=("environment",))
    with pytest.raises(KeyboardInterrupt):
        ExampleStore.written(folder, TASKS, (broken(record) for _ in range(1)))  # type: ignore[misc]
    assert not folder.exists()
    assert len(ExampleStore.written(folder, TASKS, builder.build(record, Random(1)))) == 1


def test_a_store_that_is_there_is_taken_as_it_is(store: ExampleStore, tmp_path: Path) -> None:
    folder = tmp_path / "examples"
    ExampleStore.written(folder, TASKS, iter(store.read(range(3))))
    assert len(ExampleStore.written(folder, TASKS, iter(store.read(range(5))))) == 3


def kinds(store: ExampleStore, order: list[int]) -> dict[int, int]:
    pieces: Counter[int] = Counter()
    for number in order:
        pieces[int(store.labelled[number])] += int(store.lengths[number])
    return dict(pieces)


def test_temperature_evens_the_tasks_out(store: ExampleStore) -> None:
    as_they_are = kinds(store, mixture._tempered(store, 1.0, Random(1)))
    square_root = kinds(store, mixture._tempered(store, 2.0, Random(1)))
    even = kinds(store, mixture._tempered(store, 1e6, Random(1)))
    total = sum(as_they_are.values())
    assert len(as_they_are) == 3  # whole articles, targets, claims
    roots = {kind: n**0.5 for kind, n in as_they_are.items()}
    for kind, n_pieces in square_root.items():
        assert n_pieces / total == pytest.approx(roots[kind] / sum(roots.values()), rel=0.1)
    for n_pieces in even.values():
        assert n_pieces / total == pytest.approx(1 / 3, rel=0.1)


@pytest.fixture
def numbered(config: TrainingConfig, tmp_path: Path) -> TrainingConfig:
    """A run over records that can be told apart, of two topics in unlike numbers."""
    topics = ["sport"] * 30 + ["crime"] * 10
    path = tmp_path / "numbered.jsonl"
    write_jsonl(path, (Record(text=f"خبر {number}", topics=(topic,)) for number, topic in enumerate(topics)))
    return replace(config, data=(DataSpec(path=str(path)),), tasks=("topic",), labels={"topic": ("sport", "crime")})


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {"sport": 30, "crime": 10}),
        ({"passes": 2}, {"sport": 60, "crime": 20}),
        ({"per_class": 12}, {"sport": 12, "crime": 10}),
        ({"per_class": 4, "passes": 2.5}, {"sport": 10, "crime": 10}),
    ],
)
def test_draws(
    numbered: TrainingConfig, settings: dict[str, float], expected: dict[str, int], reader: TextReader, tmp_path: Path
) -> None:
    spec = replace(numbered.data[0], **settings)  # type: ignore[arg-type]
    records = list(mixture._records(spec, None, Random(1), FingerprintBuilder()))
    assert Counter(record.topics[0] for record in records) == expected


def test_half_a_pass_draws_about_half(numbered: TrainingConfig) -> None:
    records = list(mixture._records(replace(numbered.data[0], passes=0.5), None, Random(1), FingerprintBuilder()))
    assert 10 <= len(records) <= 30


def test_names_are_swapped(config: TrainingConfig, reader: TextReader, tmp_path: Path) -> None:
    path = tmp_path / "names.jsonl"
    write_jsonl(
        path,
        (
            Record(text=text, entities=(Span(start=0, end=end, label="PER"),), entity_types=("PER",))
            for text, end in (("علی آمد", 3), ("مینا رفت", 4))
        ),
    )
    tasks = (replace(next(task for task in TASKS if task.name == "entities"), labels=(Label("PER", "شخص"),)),)
    crossed = [reader.single(reader.read(text).ids).tolist() for text in ("مینا آمد", "علی رفت")]
    for share, expected in ((0.0, False), (1.0, True)):
        run = replace(config, data=(DataSpec(path=str(path), passes=20, swap_names=share),), tasks=("entities",))
        store = training_examples(run, tasks, reader, tmp_path / f"examples-{share}")
        read = [example.ids.tolist() for example in store.read(range(len(store)))]
        assert [text in read for text in crossed] == [expected, expected]


def test_batches_hold_every_example_once_and_the_seed_decides(
    numbered: TrainingConfig, reader: TextReader, tmp_path: Path, tasks: tuple[TaskSpec, ...]
) -> None:
    store = training_examples(numbered, tasks, reader, tmp_path / "examples")
    batches = mixed_batches(numbered, store)
    assert sorted(number for batch in batches for number in batch) == list(range(40))
    assert all(sum(store.lengths[batch]) <= numbered.batch_tokens for batch in batches)
    assert mixed_batches(numbered, store) == batches
    assert mixed_batches(replace(numbered, seed=1), store) != batches


@pytest.fixture
def tasks() -> tuple[TaskSpec, ...]:
    topic = next(task for task in TASKS if task.name == "topic")
    return (replace(topic, labels=tuple(label for label in topic.labels if label.key in ("sport", "crime"))),)


def test_class_weights_of_no_label(numbered: TrainingConfig, reader: TextReader, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="takes 'balanced', or labels and factors"):
        replace(numbered, class_weights={"topic": "even"})


def test_out_of_disk_is_told(
    numbered: TrainingConfig,
    reader: TextReader,
    tmp_path: Path,
    tasks: tuple[TaskSpec, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("khabar_training.example_store._write", full)
    with pytest.raises(ConfigError, match=r"examples cannot be written to .* No space left on device.*free some"):
        training_examples(numbered, tasks, reader, tmp_path / "examples")
