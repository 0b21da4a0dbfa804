"""Training runs on a tiny encoder: they learn, they go on where they broke off, they take partial labels."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count, product
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from transformers import BertConfig, BertModel

from khabar import CheckpointError, ConfigError, load
from khabar.checkpoint import Checkpoint
from khabar.config import ModelConfig
from khabar.network import Network
from khabar.text import TextReader
from khabar_data import ClaimStance, CorpusError, Record, Span, TargetStance, write_jsonl
from khabar_data.fingerprints import Fingerprints
from khabar_training import steps
from khabar_training.config import DataSpec, TrainingConfig
from khabar_training.losses import SetLoss, task_losses
from khabar_training.mixture import mixed_batches, training_examples
from khabar_training.trainer import Batches, MixtureTrainer, parameter_groups, train
from khabar_training.weights import load_network, start

PEOPLE = ("محمد ظریف", "احمد جواد", "محمد جواد", "احمد ظریف")
PLACES = ("تهران", "کابل", "هرات", "ایران", "مشهد", "لندن")
TEMPLATES = ("{0} به {1} می رود.", "باران در {1} تند است، گفت {0}.", "مردم {1} از {0} که وزیر شد")
TRIPLES = Random(1).sample(list(product(PEOPLE, PLACES, TEMPLATES)), k=72)
SEEN, UNSEEN = TRIPLES[:48], TRIPLES[48:]


class PowerCutError(Exception):
    """What breaks a run off."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Sums on one thread always come in the same order."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture(scope="module")
def quick_encoder(tiny_encoder: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny encoder with weights as small as a fresh model's, which learn in fewer steps."""
    folder = tmp_path_factory.mktemp("encoder") / "quick"
    shutil.copytree(tiny_encoder("unigram"), folder)
    torch.manual_seed(5)
    BertModel(BertConfig.from_pretrained(folder, initializer_range=0.1)).save_pretrained(folder)
    return folder


@pytest.fixture
def config(config: TrainingConfig, quick_encoder: Path) -> TrainingConfig:
    return replace(config, encoder=str(quick_encoder), labels=dict.fromkeys(config.tasks, "data"))


def sentence(person: str, place: str, template: str, types: Sequence[str]) -> Record:
    """Return a sentence with the entities of the annotated *types*."""
    text = template.format(person, place)
    spans = [
        Span(start=text.index(name), end=text.index(name) + len(name), label=label)
        for name, label in ((person, "PER"), (place, "LOC"))
        if label in types
    ]
    spans.sort(key=lambda span: span.start)
    return Record(text=text, entities=tuple(spans), entity_types=tuple(types))


def some_records() -> Iterator[Record]:
    """Yield records of every task."""
    for number, (person, place) in enumerate(product(PEOPLE[:3], PLACES[:4])):
        record = sentence(person, place, TEMPLATES[number % 3], ("PER", "LOC"))
        claim = ClaimStance(claim=f"{person} در {place} است.", labels=(("agree", "disagree")[number % 2],))
        target = TargetStance(target=person, labels=(("favor", "against")[number % 2],))
        yield replace(
            record, topics=(("sport", "crime")[number % 2],), target_stances=(target,), claim_stances=(claim,)
        )


def write_own(config: TrainingConfig, part: str, records: Iterable[Record]) -> None:
    """Write records where the corpus "own" is read from."""
    assert config.corpora is not None
    (config.corpora / "own").mkdir(exist_ok=True)
    write_jsonl(config.corpora / "own" / f"{part}.jsonl", records)


@pytest.fixture
def run(config: TrainingConfig) -> TrainingConfig:
    """A run of a few dozen steps over every task."""
    write_own(config, "train", some_records())
    return replace(config, data=(DataSpec(corpus="own", passes=6),), learning_rate=1e-3, save_steps=4)


def losses(network: Network, config: TrainingConfig, reader: TextReader, model: ModelConfig) -> dict[str, float]:
    """Return the mean loss of each task over the run's batches."""
    folder = config.output.with_name("examples")
    store = training_examples(config, model.tasks, reader, folder)
    batches = Batches(store, mixed_batches(config, store), model.tasks, reader.pad_id)
    plain = dict.fromkeys(config.tasks, SetLoss())
    with torch.inference_mode():
        found = [
            task_losses(network.eval()(batch["input_ids"], batch["attention_mask"]), batch, plain)
            for batch in (batches[index] for index in range(len(batches)))
        ]
    return {name: sum(each[name].item() for each in found) / len(found) for name in found[0]}


def test_every_task_is_learned_and_saved(run: TrainingConfig) -> None:
    run = replace(run, data=(DataSpec(corpus="own", passes=80),), learning_rate=2e-3, head_learning_rate=6e-3)
    network, tokenizer, model = start(run)
    reader = TextReader(tokenizer, model)
    before = losses(network, run, reader, model)
    assert train(run) == run.output
    trained, _, saved = load_network(run.output)
    assert saved == model == Checkpoint(run.output).config()
    after = losses(trained, run, reader, model)
    assert len(after) == 4
    assert {name: loss for name, loss in after.items() if not loss < 0.8 * before[name]} == {}


def test_a_broken_run_goes_on_as_if_nothing_had_been(run: TrainingConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _, _ = load_network(train(run))
    broken = replace(run, output=run.output.with_name("broken"))
    step = MixtureTrainer.compute_loss
    calls = count()

    def failing(*args: Any, **kwargs: Any) -> Any:
        if next(calls) == 10:
            raise PowerCutError
        return step(*args, **kwargs)

    monkeypatch.setattr(MixtureTrainer, "compute_loss", failing)
    with pytest.raises(PowerCutError):
        train(broken)
    assert not broken.output.exists()
    resumed, _, _ = load_network(train(broken))
    n_batches = int(_last(run).name.removeprefix("checkpoint-"))
    assert next(calls) == 11 + n_batches - 8  # the 8 steps saved before the break are not done again
    for name, weight in resumed.state_dict().items():
        torch.testing.assert_close(weight, whole.state_dict()[name], atol=1e-7, rtol=1e-6)


def _last(config: TrainingConfig) -> Path:
    folder = steps.last_step(config.output.with_name(config.output.name + ".steps"))
    assert folder is not None
    return folder


def test_the_seed_decides(run: TrainingConfig) -> None:
    def weight(name: str, seed: int) -> torch.Tensor:
        network, _, _ = load_network(train(replace(run, output=run.output / name, seed=seed)))
        return dict(network.named_parameters())["heads.topic.output.bias"]

    first = weight("first", 1)
    assert torch.equal(weight("again", 1), first)
    assert not torch.equal(weight("other", 2), first)


def test_a_corpus_that_is_not_there(config: TrainingConfig) -> None:
    with pytest.raises(CorpusError, match="nothing at"):
        train(config)


@pytest.mark.parametrize("labels", [{}, {"topic": "data"}])
def test_a_task_without_data(config: TrainingConfig, labels: dict[str, str]) -> None:
    write_own(config, "train", [Record(text="بی هیچ برچسب")])
    with pytest.raises(ConfigError, match="no data are labelled for task 'topic'; add some"):
        train(replace(config, labels=labels))


def test_data_that_were_mended_are_read_again(run: TrainingConfig) -> None:
    labels = {"topic": ("sport", "crime", "health")}
    run = replace(run, tasks=("topic",), labels=labels, max_steps=2)
    with pytest.raises(ConfigError, match="no data have the topic label health"):
        train(run)
    write_own(run, "train", [*some_records(), Record(text="محمد در بیمارستان", topics=("health",))])
    assert load(train(run)).config.task("topic").keys == labels["topic"]


def test_a_label_that_no_data_have(run: TrainingConfig) -> None:
    labels = {"topic": ("sport", "crime", "weather")}
    with pytest.raises(ConfigError, match="no data have the topic label weather"):
        train(replace(run, tasks=("topic",), labels=labels))


def test_a_label_that_the_task_lacks(run: TrainingConfig) -> None:
    with pytest.raises(
        ConfigError, match=r"own, record .*: task 'topic' has no label 'crime'; it has sport, crimes; did"
    ):
        train(replace(run, tasks=("topic",), labels={"topic": ("sport", "crimes")}))


def test_a_run_of_other_settings_is_not_gone_on_with(run: TrainingConfig) -> None:
    train(run)
    with pytest.raises(ConfigError, match="other settings"):
        train(replace(run, learning_rate=2e-3))


def test_the_steps_of_another_encoder_are_not_gone_on_with(run: TrainingConfig, tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(run.encoder, folder)
    network, _, _ = start(replace(run, encoder=str(folder)))
    steps.claim(tmp_path / "steps", run, network, 1)
    (tmp_path / "steps" / "checkpoint-4").mkdir()
    (tmp_path / "steps" / "checkpoint-4" / "trainer_state.json").write_text("{}", "utf-8")
    with pytest.raises(ConfigError, match="with other number of processes; take"):
        steps.claim(tmp_path / "steps", run, network, 2)
    wider = BertConfig.from_pretrained(folder, intermediate_size=96)
    network.encoder = BertModel(wider)
    with pytest.raises(ConfigError, match="other the shapes of an encoder"):
        steps.claim(tmp_path / "steps", run, network, 1)


def test_a_half_written_step_is_passed_over(run: TrainingConfig) -> None:
    train(run)
    whole = _last(run)
    half = whole.with_name("checkpoint-9999")
    shutil.copytree(whole, half)
    (half / "trainer_state.json").write_text('{"half', "utf-8")
    assert _last(run) == whole
    assert not half.exists()


def test_a_full_disk_is_told_of_at_the_start(run: TrainingConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9 - 5, 5))
    with pytest.raises(ConfigError, match="has 0 MB free, and the run saves"):
        train(run)


def test_steps_that_are_saved_already_need_no_more_room(
    run: TrainingConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, _, _ = start(run)
    weights = 4 * sum(parameter.numel() for parameter in network.parameters())
    monkeypatch.setattr(steps, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 0, 4 * weights))
    with pytest.raises(ConfigError, match="free, and the run saves"):
        steps.check_disk(tmp_path, network)
    for number in (4, 8):
        (tmp_path / f"checkpoint-{number}").mkdir()
    steps.check_disk(tmp_path, network)


def test_what_is_no_checkpoint_is_not_written_over(run: TrainingConfig) -> None:
    run.output.mkdir()
    (run.output / "thesis.txt").write_text("سال‌ها کار", "utf-8")
    with pytest.raises(CheckpointError, match="something other than a checkpoint stands there; name a new folder"):
        train(run)
    assert (run.output / "thesis.txt").exists()


def test_new_labels_start_a_new_head_and_the_others_stay(run: TrainingConfig, tmp_path: Path) -> None:
    first, _, _ = load_network(train(run))
    own = tmp_path / "own.csv"
    own.write_text("text,topic\nباران در کابل,هوا\nمحمد در تهران,مردم\n", "utf-8")
    settings = replace(
        run,
        encoder=str(run.output),
        output=run.output.with_name("second"),
        data=(DataSpec(path=str(own), passes=4),),
        tasks=("topic",),
        labels={"topic": "data"},
    )
    second, _, model = load_network(train(settings))
    assert model.task("topic").keys == ("مردم", "هوا")
    assert [task.name for task in model.tasks] == ["topic", "entities", "target_stance", "claim_stance"]
    kept = second.heads["entities"].state_dict()
    assert all(torch.equal(kept[name], weight) for name, weight in first.heads["entities"].state_dict().items())
    assert load(settings.output).predict("باران در کابل").topic is not None
    seen = Fingerprints.of_checkpoint(settings.output)
    assert seen is not None
    for text in ("باران در کابل", next(some_records()).text):  # of this run, and of the one before
        assert seen.overlap(Record(text=text)) == "exact"
    assert seen.overlap(Record(text="برف در هرات")) is None


def test_rates_by_layer(config: TrainingConfig) -> None:
    config = replace(config, labels={}, learning_rate=1e-2, layer_decay=0.5, head_learning_rate=0.3, weight_decay=0.1)
    network, _, _ = start(config)
    names = {parameter: name for name, parameter in network.named_parameters()}
    rates = {
        names[parameter]: (group["lr"], group["weight_decay"])
        for group in parameter_groups(network, config)
        for parameter in group["params"]
    }
    assert set(rates) == set(names.values())
    assert sum(len(group["params"]) for group in parameter_groups(network, config)) == len(names)
    expected = {
        "heads.topic.dense.weight": (0.3, 0.1),
        "heads.entities.output.bias": (0.3, 0.0),
        "encoder.encoder.layer.1.output.dense.weight": (1e-2, 0.1),
        "encoder.encoder.layer.1.output.LayerNorm.weight": (1e-2, 0.0),
        "encoder.encoder.layer.0.attention.self.query.weight": (5e-3, 0.1),
        "encoder.encoder.layer.0.attention.self.query.bias": (5e-3, 0.0),
        "encoder.embeddings.word_embeddings.weight": (2.5e-3, 0.1),
        "encoder.embeddings.LayerNorm.bias": (2.5e-3, 0.0),
    }
    assert {name: rates[name] for name in expected} == expected


def found(network: Network, reader: TextReader, model: ModelConfig, record: Record) -> list[str]:
    """Return the best output of each word."""
    passage = reader.read(record.text)
    ids = torch.from_numpy(reader.single(passage.ids))[None]
    with torch.inference_mode():
        logits = network.eval()(ids, torch.ones_like(ids))["entities"][0, 1 + torch.from_numpy(passage.first_pieces)]
    return [model.task("entities").outputs[best] for best in logits.argmax(-1).tolist()]


def truth(record: Record, reader: TextReader) -> list[str]:
    """Return the output that each word should have."""
    outputs = []
    for start_, _ in reader.read(record.text).words.tolist():
        span = next((span for span in record.entities if span.start <= start_ < span.end), None)
        outputs.append("O" if span is None else f"{'B' if span.start == start_ else 'I'}-{span.label}")
    return outputs


def shares_found(config: TrainingConfig) -> dict[str, float]:
    """Train and return the share of words of each type that are found in sentences not seen in training."""
    network, tokenizer, model = load_network(train(config))
    reader = TextReader(tokenizer, model)
    right: dict[str, list[bool]] = {"PER": [], "LOC": []}
    for triple in UNSEEN:
        record = sentence(*triple, ("PER", "LOC"))
        for got, wanted in zip(found(network, reader, model, record), truth(record, reader), strict=True):
            if wanted != "O":
                right[wanted[2:]].append(got == wanted)
    return {label: sum(each) / len(each) for label, each in right.items()}


@pytest.mark.parametrize("honest", [True, False])
def test_two_corpora_teach_each_their_own_type(config: TrainingConfig, honest: bool) -> None:
    """One corpus has people alone, another places alone, in the same sentences but a third as often; were
    the O of the first taken at its word, it would unteach the places."""
    for part, label in (("train", "PER"), ("dev", "LOC")):
        records = [sentence(*triple, (label,)) for triple in SEEN]
        if not honest:
            records = [replace(record, entity_types=("PER", "LOC")) for record in records]
        write_own(config, part, records)
    shares = shares_found(
        replace(
            config,
            tasks=("entities",),
            labels={"entities": "data"},
            data=(DataSpec(corpus="own", passes=60), DataSpec(corpus="own", part="dev", passes=20)),
            batch_tokens=512,
            learning_rate=2e-3,
            head_learning_rate=6e-3,
            save_steps=1000,
        )
    )
    assert shares["PER"] > 0.85
    assert shares["LOC"] > 0.85 if honest else shares["LOC"] < 0.6
