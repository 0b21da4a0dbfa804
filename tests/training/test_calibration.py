"""Temperature scaling, on made-up logits and through a whole checkpoint."""

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import khabar
from khabar.checkpoint import BUNDLED, CONFIG, MANIFEST, Checkpoint
from khabar.config import Kind, Label, TaskSpec
from khabar.errors import InputError, SourceError
from khabar_data import samples
from khabar_data.batching import Booleans
from khabar_data.records import ClaimStance, Record, write_jsonl
from khabar_training import calibrate
from khabar_training.calibration import fit, set_loss
from khabar_training.cli import app
from khabar_training.evaluation.reliability import Floats, calibration_error
from khabar_training.labelled_logits import Sample, Samples
from khabar_training.losses import SetLoss

TOPIC = TaskSpec(name="topic", kind=Kind.TEXT, labels=tuple(Label(key, key) for key in "abcd"))
ENTITIES = TaskSpec(name="entities", kind=Kind.WORDS, labels=(Label("PER", "شخص"),))


def answers(n: int, *, extra: float = 0.0) -> tuple[Floats, Booleans]:
    """Return logits that are right about how sure they are, and labels; *extra* is the share of wider sets."""
    chance = np.random.default_rng(3)
    logits = chance.normal(scale=2, size=(n, 4))
    labels = (logits + chance.gumbel(size=(n, 4))).argmax(1)  # drawn from the softmax
    known = np.arange(4) == labels[:, np.newaxis]
    pairs = (np.arange(4) // 2) == (labels // 2)[:, np.newaxis]
    wider = chance.random(n) < extra
    return logits, np.where(wider[:, np.newaxis], pairs, known)


def one_by_one(logits: Floats, known: Booleans) -> list[Sample]:
    return [Sample(row[np.newaxis], allowed[np.newaxis]) for row, allowed in zip(logits, known, strict=True)]


@pytest.mark.parametrize("extra", [0.0, 0.5])
def test_the_temperature_of_logits_is_found_again(extra: float) -> None:
    logits, known = answers(3000, extra=extra)
    found = fit(TOPIC, one_by_one(3 * logits, known))
    assert found.n == 3000
    assert found.after.temperature == pytest.approx(3, rel=0.06)
    assert found.before.loss is not None
    assert found.after.loss is not None
    assert found.after.loss < found.before.loss
    assert found.after.loss == pytest.approx(set_loss(logits, known), abs=1e-3)
    assert found.before.error is not None
    assert found.after.error is not None
    assert found.after.error < found.before.error / 2
    assert found.after.error < 0.03 or extra  # right in a set of labels is easier than to be right
    colder = fit(TOPIC, one_by_one(1.5 * logits, known))
    assert colder.after.temperature == pytest.approx(found.after.temperature / 2, abs=1e-3)


def test_the_present_temperature_makes_no_difference_to_the_new_one() -> None:
    logits, known = answers(200)
    fits = [fit(replace(TOPIC, temperature=t), one_by_one(logits, known)) for t in (0.5, 2.0)]
    assert [one.before.temperature for one in fits] == [0.5, 2.0]
    assert fits[0].after == fits[1].after


def test_the_loss_is_that_of_training() -> None:
    logits, known = answers(50, extra=0.5)
    expected = SetLoss()(torch.from_numpy(logits), torch.from_numpy(known)).mean()
    assert set_loss(logits, known) == pytest.approx(float(expected), rel=1e-5)


def test_words_are_fitted_and_spans_are_judged() -> None:
    logits = np.zeros((5, 3))
    logits[[0, 1, 2, 3, 4], [1, 2, 0, 1, 0]] = (4.0, 2.0, 3.0, 1.0, 1.0)  # B-PER I-PER O B-PER O
    known = np.zeros((5, 3), dtype=np.bool_)
    known[[0, 1, 2, 3], [1, 2, 1, 0]] = True
    known[4] = True  # a word of which nothing is known
    found = fit(ENTITIES, [Sample(logits, known, right=(True, False)), Sample(logits[:2], known[:2], right=(None,))])
    assert found.n == 4 + 2
    task = replace(ENTITIES, temperature=found.after.temperature)
    chances = np.exp(logits / task.temperature)
    chances /= chances.sum(1, keepdims=True)
    scores = np.array([(chances[0, 1] + chances[1, 2]) / 2, chances[3, 1]])
    assert found.after.error == pytest.approx(calibration_error(scores, np.array([True, False])))
    rows = [chances[0, 1], chances[1, 2], chances[2, 1], chances[3, 0], chances[0, 1], chances[1, 2]]
    assert found.after.loss == pytest.approx(-np.log(rows).mean())


def test_scores_that_say_nothing_leave_the_temperature(caplog: pytest.LogCaptureFixture) -> None:
    logits, known = answers(200)
    assert fit(TOPIC, one_by_one(logits[::-1], known)).after.temperature == 1.0
    assert "topic: no temperature fits better" in caplog.text


def test_answers_that_are_all_right_leave_the_temperature(caplog: pytest.LogCaptureFixture) -> None:
    _, known = answers(20)
    found = fit(TOPIC, one_by_one(np.where(known, 4.0, 0.0), known))
    assert found.after == found.before
    assert found.after.temperature == 1.0
    assert "topic: no temperature fits better" in caplog.text


def test_of_too_many_samples_every_second_is_kept() -> None:
    collected = Samples(most_rows=10)
    for number in range(25):
        collected.add(Sample(np.full((2, 1), number), np.ones((2, 1), dtype=np.bool_)))
    assert [one.logits[0, 0] for one in collected.kept] == [0, 8, 16, 24]


@pytest.fixture(scope="module")
def articles() -> list[Record]:
    claim = ClaimStance(claim="باران در کابل بارید", labels=("discuss",))  # a tiny model's window has room for it
    return [replace(record, claim_stances=(claim,)) for record in islice(samples.read("dev"), 5)]


@pytest.fixture(scope="module")
def checkpoint(tiny_checkpoint: Callable[[str], Path]) -> Path:
    return tiny_checkpoint("unigram")


def test_records_of_one_task_are_for_its_head_alone(checkpoint: Path, articles: list[Record], tmp_path: Path) -> None:
    pairs = [Record(text=record.text, claim_stances=record.claim_stances) for record in articles]
    fits = {one.task: one.n for one in calibrate(checkpoint, pairs, output=tmp_path / "new")}
    assert fits["claim_stance"] == len(pairs)
    assert fits["topic"] == fits["target_stance"] == fits["entities"] == 0


def test_a_checkpoint_predicts_with_its_new_temperatures(
    checkpoint: Path, articles: list[Record], tmp_path: Path
) -> None:
    fits = {one.task: one for one in calibrate(checkpoint, articles, output=tmp_path / "new")}
    for name in Checkpoint(checkpoint).names:
        same = Checkpoint(tmp_path / "new").path(name).read_bytes() == (checkpoint / name).read_bytes()
        assert same is (name != CONFIG)
    analyzer = khabar.load(tmp_path / "new")
    assert {task.name: task.temperature for task in analyzer.config.tasks} == {
        name: one.after.temperature for name, one in fits.items()
    }
    topics, spans = [], []
    for record in articles:
        article = analyzer.predict(record.text, title=record.title, targets=())
        assert article.topic is not None
        topics.append((article.topic.score, article.topic.scores[record.topics[0]], article.topic.label))
        gold = {(span.start, span.end, span.label) for span in record.entities}
        spans += [(entity.score, (entity.start, entity.end, entity.label) in gold) for entity in article.entities]
    assert fits["topic"].n == len(articles)
    assert fits["topic"].after.loss == pytest.approx(-np.log([right for _, right, _ in topics]).mean())
    scores, right = (np.array(column) for column in zip(*spans, strict=True))
    assert fits["entities"].after.error == pytest.approx(calibration_error(scores, right))
    assert fits["target_stance"].n == sum(len(record.target_stances) for record in articles)
    assert fits["claim_stance"].n == sum(len(record.claim_stances) for record in articles)

    again = {one.task: one for one in calibrate(tmp_path / "new", articles)}  # in place, on top of the last
    for name, one in again.items():
        assert one.before.temperature == fits[name].after.temperature
        assert one.after.temperature == pytest.approx(one.before.temperature, abs=2e-4)
    assert khabar.load(tmp_path / "new").config.task("topic").temperature == again["topic"].after.temperature


def test_heads_without_labels_stay_and_the_command_says_so(
    checkpoint: Path, articles: list[Record], tmp_path: Path
) -> None:
    data = tmp_path / "dev.jsonl"
    write_jsonl(
        data,
        [replace(record, entities=(), title_entities=(), entity_types=(), claim_stances=()) for record in articles],
    )
    arguments = ["calibrate", str(checkpoint), str(data), "--output", str(tmp_path / "new")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    new = khabar.load(tmp_path / "new").config
    [row] = [line for line in lines if line.startswith("topic")]
    assert row.startswith(f"topic {len(articles)} 1.00 → {new.task('topic').temperature:.2f}")
    for name in ("entities", "claim_stance"):
        assert f"{name}: no record is labelled for it; its temperature stays 1" in lines
        assert new.task(name).temperature == 1.0
    assert "those of the data fitted on" in result.stdout
    assert lines[-1] == str(tmp_path / "new")


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        (Record(text="باران بارید."), "none is labelled for topic, entities"),
        (Record(id="a1", text="باران بارید.", topics=("rain",)), "record 'a1': task 'topic' has no label 'rain'"),
    ],
)
def test_records_that_cannot_be_used(checkpoint: Path, record: Record, problem: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=problem):
        calibrate(checkpoint, [record], output=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_the_bundled_model_is_not_changed() -> None:
    with pytest.raises(InputError, match="output is missing"):
        calibrate(BUNDLED, [])


def test_what_cannot_be_read_is_passed_over(
    checkpoint: Path, articles: list[Record], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    signs = Record(text="…!", topics=("sport",), entity_types=("PER",))
    long = replace(articles[4], id="b2", claim_stances=(ClaimStance(claim="باران " * 60, labels=("agree",)),))
    fits = calibrate(checkpoint, [signs, long, *articles[:2]], output=tmp_path / "new")
    assert next(one.n for one in fits if one.task == "topic") == 2
    assert "topic and stances of record 'b2' are left out: claim is" in caplog.text
    assert (tmp_path / "new" / MANIFEST).exists()
