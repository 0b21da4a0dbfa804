"""Two reports side by side: the same data or none, paired differences, items that changed."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sklearn.metrics import f1_score

from khabar.config import Kind, Label, TaskSpec
from khabar.results import Article, Topic
from khabar_data.records import Record
from khabar_training.evaluation.comparison import compare
from khabar_training.evaluation.judging import Case, LabelJudge, Setting
from khabar_training.evaluation.measured import (
    DataFile,
    EntityScores,
    Matrix,
    Overlap,
    Report,
    ReportError,
    SpanOutcome,
    TaskReport,
)
from khabar_training.evaluation.scoring import SPAN_FIGURES, figures_of

TOPIC = TaskSpec(name="topic", kind=Kind.TEXT, labels=tuple(Label(key, key) for key in ("sport", "health")))
GOLD = ("sport", "health") * 20


def topics(found: Sequence[str], gold: Sequence[str] = GOLD) -> TaskReport:
    judge = LabelJudge(TOPIC, ("health", "sport"), Setting(lessons=None, seed=0))
    for number, (expected, got) in enumerate(zip(gold, found, strict=True)):
        record = Record(text="خبر", topics=(expected,), id=str(number))
        judge.take(Case(record, Article("خبر", Topic(got, got, None, 0.9, {got: 0.9}), (), ()), number, {}))
    return judge.report("documents")


def on(*tasks: TaskReport, model: str = "a", sha256: str = "5a") -> Report:
    return Report(
        khabar="0",
        model=model,
        model_sha256="00",
        data=(DataFile(name=f"{model}.jsonl", n_records=40, sha256=sha256),),
        n_records=40,
        overlap=Overlap(checked=False),
        tasks=tasks,
    )


def flipped(*places: int) -> list[str]:
    """Return the gold labels with those at *places* wrong."""
    other = {"sport": "health", "health": "sport"}
    return [other[gold] if place in places else gold for place, gold in enumerate(GOLD)]


def test_items_that_changed() -> None:
    compared = compare(on(topics(flipped(*range(12), 30))), on(topics(flipped(3, 20, 30)), model="b"))
    (changes,) = compared.changes
    assert (compared.first, compared.second, compared.notes) == ("a", "b", ())
    assert (changes.n, changes.n_mended, changes.n_broken) == (40, 11, 1)
    assert changes.mended == ("0", "1", "2", "4", "5", "6", "7", "8", "9", "10")
    assert changes.broken == ("20",)


def test_differences_are_of_the_figures() -> None:
    before, after = flipped(*range(12)), flipped(3)
    accuracy, macro = compare(on(topics(before)), on(topics(after))).differences
    assert (accuracy.figure, accuracy.first, accuracy.second) == ("accuracy", 28 / 40, 39 / 40)
    assert accuracy.change.value == pytest.approx(11 / 40)
    assert accuracy.excludes_zero
    gain = f1_score(GOLD, after, average="macro") - f1_score(GOLD, before, average="macro")
    assert macro.change.value == pytest.approx(gain)


def test_the_bootstrap_is_paired() -> None:
    """Both models err on the same items but for one, so the interval is far narrower than that of either."""
    first, second = on(topics(flipped(*range(15)))), on(topics(flipped(*range(14))))
    accuracy, _ = compare(first, second).differences
    alone = first.tasks[0].systems[0].figures["accuracy"]
    assert accuracy.change.value == pytest.approx(1 / 40)
    assert accuracy.change.high - accuracy.change.low < (alone.high - alone.low) / 2
    assert not accuracy.excludes_zero
    same = compare(first, first).differences[0].change
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_entities_change_by_span() -> None:
    def entities(*rights: str) -> TaskReport:
        nothing = Matrix(rows=(), columns=(), counts=())
        outcomes = tuple(
            SpanOutcome(id=f"r{unit}", unit=unit, n_found=2, right=right, exact=1, partial=1.0, type=1)
            for unit, right in enumerate(rights)
        )
        scores = EntityScores(matching={}, borders=nothing, by_length=(), by_seen=(), texts=(), outcomes=outcomes)
        (model,) = topics(GOLD).systems
        model = replace(model, figures=figures_of(SPAN_FIGURES, outcomes, (), 0))
        return replace(topics(GOLD), task="entities", classes=(), outcomes=(), entities=scores, systems=(model,))

    compared = compare(on(entities("110", "01")), on(entities("011", "11")))
    (changes,) = compared.changes
    assert (changes.n, changes.n_mended, changes.n_broken) == (5, 2, 1)
    assert (changes.mended, changes.broken) == (("r0", "r1"), ("r0",))
    strict = compared.differences[0]
    assert (strict.first, strict.second) == (6 / 9, 8 / 9)
    assert strict.change.value == pytest.approx(2 / 9)


def test_other_data_are_refused() -> None:
    first = on(topics(GOLD))
    with pytest.raises(ReportError, match=r"the data differ: a.jsonl \(40 records, SHA-256 5a\) and b.jsonl"):
        compare(first, on(topics(GOLD), model="b", sha256="6b"))
    with pytest.raises(ReportError, match="one is on 1 files, the other on 2"):
        compare(first, replace(first, data=first.data * 2))
    with pytest.raises(ReportError, match="topic items differ"):
        compare(first, on(topics(GOLD, gold=("health", *GOLD[1:]))))
    with pytest.raises(ReportError, match="topic has 40 and 39 items"):
        compare(first, on(topics(GOLD[1:], gold=GOLD[1:])))


def test_the_same_data_under_another_name_are_the_same() -> None:
    assert compare(on(topics(GOLD)), on(topics(GOLD), model="b")).changes[0].n_mended == 0


def test_tasks_of_one_report_alone_are_named() -> None:
    other = replace(topics(GOLD), task="claim_stance")
    compared = compare(on(topics(GOLD), other), on(topics(GOLD), model="b"))
    assert compared.notes == ("claim_stance: only the report on a has it",)
    assert {one.task for one in compared.differences} == {"topic"}
