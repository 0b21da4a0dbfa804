"""Judges on made-up articles, with figures worked out by hand."""

import pytest

from khabar.config import Kind, Label, TaskSpec
from khabar.results import Article, Entity, Stance, Topic
from khabar_data.records import Record, Span, TargetStance
from khabar_training.evaluation.controls import Lessons
from khabar_training.evaluation.entity_judging import EntityJudge
from khabar_training.evaluation.judging import N_MISTAKES, Case, LabelJudge, Setting, Worst
from khabar_training.evaluation.measured import Mark

TOPIC = TaskSpec(
    name="topic", kind=Kind.TEXT, labels=tuple(Label(key, key) for key in ("sport", "health", "crime")), temperature=2.0
)
TARGET = TaskSpec(
    name="target_stance", kind=Kind.PAIR, labels=tuple(Label(key, key) for key in ("favor", "against", "neutral"))
)
ENTITIES = TaskSpec(name="entities", kind=Kind.WORDS, labels=tuple(Label(key, key) for key in ("PER", "ORG", "LOC")))
PLAIN = Setting(lessons=None, seed=0)
TEXT = "وزیر احمد کریمی در کابل گفت"
KARIMI, MINISTER, KABUL = (5, 15), (0, 15), (19, 23)


def topic_case(gold: tuple[str, ...], found: str | None, score: float = 0.9, unit: int = 0) -> Case:
    topic = found and Topic(label=found, name=found, code=None, score=score, scores={found: score})
    return Case(Record(text="خبر", topics=gold, id=f"r{unit}"), Article("خبر", topic or None, (), ()), unit, {})


def entity_case(gold: str, found: str, types: tuple[str, ...] = ("PER", "ORG", "LOC"), unit: int = 0) -> Case:
    """Return a case from spans as ``0-15 PER, …``."""

    def spans(description: str) -> list[Span]:
        parts = [part.replace("-", " ").split() for part in description.split(",") if part]
        return [Span(start=int(start), end=int(end), label=label) for start, end, label in parts]

    entities = tuple(Entity(TEXT[s.start : s.end], s.label, s.start, s.end, 0.8) for s in spans(found))
    record = Record(text=TEXT, entities=tuple(spans(gold)), entity_types=types, id=f"r{unit}")
    return Case(record, Article(TEXT, None, entities, ()), unit, {})


def test_topics() -> None:
    judge = LabelJudge(TOPIC, ("health", "sport", "cinema"), PLAIN)
    cases = [
        topic_case(("sport",), "sport", 0.9, 0),
        topic_case(("sport",), "health", 0.8, 1),
        topic_case(("sport", "health"), "health", 0.7, 1),
        topic_case(("cinema",), "sport", 0.6, 2),
        topic_case(("health",), None, unit=2),
        topic_case((), "sport", unit=3),  # unlabelled
    ]
    for case in cases:
        judge.take(case)
    report = judge.report("groups")
    (model,) = report.systems
    assert (report.n, report.n_units, report.units) == (5, 3, "groups")
    assert list(model.figures) == ["accuracy", "macro-F1"]
    assert model.figures["accuracy"].value == pytest.approx(2 / 5)
    # sport: found 2, gold 2, right 1; health: found 1, gold 1, right 0; cinema: gold 1.
    assert model.figures["macro-F1"].value == pytest.approx((1 / 2 + 0 + 0) / 3)
    sport, health, crime, cinema = report.classes
    assert (sport.precision, sport.recall, sport.f1, sport.support, sport.found) == (0.5, 0.5, 0.5, 2, 2)
    assert (health.support, health.found, crime.f1, cinema.recall) == (1, 1, None, 0.0)
    assert report.confusion.rows == ("sport", "health", "crime", "cinema", "sport | health")
    assert report.confusion.columns == ("sport", "health", "crime", "nothing")
    assert report.confusion.counts == ((1, 1, 0, 0), (0, 0, 0, 1), (0, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0))
    assert [(mistake.id, mistake.found, mistake.score) for mistake in report.mistakes] == [
        ("r1", "health", 0.8),
        ("r2", "sport", 0.6),
        ("r2", "nothing", 0.0),
    ]
    assert report.calibration.temperature == 2.0
    assert [outcome.found for outcome in report.outcomes] == ["sport", "health", "health", "sport", "nothing"]
    assert report.notes == (
        "1 of 5 items allow several labels: for accuracy each of them is right; "
        "F1, precision and recall leave these items out",
        "macro-F1 leaves out the labels that no item has for certain: crime",
        "the model does not know these labels, which count as wrong: cinema",
        "1 items have no word to read; no answer counts as wrong",
        "no baselines: no training part was named (--train)",
    )


def test_targets_unseen_in_training_stand_apart() -> None:
    lessons = Lessons(controls={"target_stance": {"majority": lambda *_: "against"}}, targets=frozenset({"کابل"}))
    judge = LabelJudge(TARGET, ("favor", "against"), Setting(lessons=lessons, seed=0))
    asked = (TargetStance(target="کابل", labels=("against",)), TargetStance(target="هرات", labels=("favor",)))
    stances = tuple(
        Stance(one.target, "target", label, 0.7, {label: 0.7}, ((0, 4),))
        for one, label in zip(asked, ("against", "neutral"), strict=True)
    )
    claim = Stance("ادعا", "claim", "agree", 0.7, {"agree": 0.7})
    record = Record(text=TEXT, target_stances=asked, id="r")
    judge.take(Case(record, Article(TEXT, None, (), (*stances, claim)), 0, {"variety": "dari"}))
    report = judge.report("documents")
    assert [(one.name, one.figures["accuracy"].value) for one in report.systems] == [("model", 0.5), ("majority", 0.5)]
    assert list(report.systems[0].figures) == ["macro-F1", "mean F1 (favor, against)", "accuracy"]
    assert [(one.field, one.value, one.n, one.figure.value) for one in report.slices] == [
        ("target", "in training", 1, 1.0),
        ("target", "unseen", 1, 0.0),
    ]
    (mistake,) = report.mistakes
    assert (mistake.query, mistake.gold, mistake.found, mistake.evidence) == ("هرات", ("favor",), "neutral", ((0, 4),))
    assert [outcome.id for outcome in report.outcomes] == ["r: کابل", "r: هرات"]


def test_the_worst_errors_are_those_of_highest_score() -> None:
    judge = LabelJudge(TOPIC, ("sport",), PLAIN)
    for number in range(50):
        judge.take(topic_case(("sport",), "health", (number * 7 % 50) / 50, number))
    scores = [mistake.score for mistake in judge.report("documents").mistakes]
    assert scores == [number / 50 for number in range(49, 49 - N_MISTAKES, -1)]


def test_of_equal_ranks_the_first_stay() -> None:
    worst = Worst[str](2)
    for rank, item in ((1, "a"), (2, "b"), (1, "c"), (2, "d"), (2, "e")):
        worst.offer(rank, item)
    assert worst.items() == ("b", "d")


def test_entities() -> None:
    lessons = Lessons(names=frozenset({"کابل"}))
    judge = EntityJudge(ENTITIES, ("LOC", "PER", "NAT"), Setting(lessons=lessons, seed=0))
    types = ("PER", "LOC", "NAT")
    judge.take(entity_case("5-15 PER,19-23 LOC", "0-15 PER,19-23 LOC", types, 0))  # too long, right
    judge.take(entity_case("5-15 PER", "5-15 LOC,19-23 LOC,24-27 ORG", types, 1))  # wrong type, made up, not annotated
    judge.take(entity_case("", "", types, 2))
    judge.take(entity_case("", "5-15 PER", (), 3))  # nothing is known of it
    report = judge.report("documents")
    assert (report.n, report.n_units) == (3, 3)
    values = {name: estimate.value for name, estimate in report.systems[0].figures.items()}
    assert values == pytest.approx({"strict F1": 2 / 7, "exact F1": 4 / 7, "partial F1": 5 / 7, "type F1": 4 / 7})
    assert [scores.label for scores in report.classes] == ["PER", "LOC", "NAT"]
    assert [(scores.support, scores.found) for scores in report.classes] == [(2, 1), (1, 3), (0, 0)]
    assert report.confusion.columns == ("PER", "LOC", "NAT", "nothing")
    assert report.confusion.counts == ((1, 1, 0, 0), (0, 1, 0, 0), (0, 0, 0, 0), (0, 1, 0, 0))
    entities = report.entities
    assert entities is not None
    assert [(one.value, one.n, one.figure.value) for one in entities.by_length] == [
        ("1", 1, pytest.approx(2 / 3)),
        ("2", 2, 0.0),
    ]
    assert [(one.value, one.n, one.figure.value) for one in entities.by_seen] == [
        ("in training", 1, 1.0),
        ("unseen", 2, 0.0),
    ]
    assert [(text.id, text.found) for text in entities.texts] == [
        ("r1", (Mark(start=5, end=15, label="LOC"), Mark(start=19, end=23, label="LOC"))),
        ("r0", (Mark(start=0, end=15, label="PER"), Mark(start=19, end=23, label="LOC"))),
    ]
    assert [(one.right, one.n_found) for one in entities.outcomes] == [("01", 2), ("0", 2), ("", 0)]
    assert entities.borders.counts[-1] == (0, 1, 0)
    assert report.notes == (
        "not annotated in the data, so neither right nor wrong where found: ORG",
        "no text has an entity of these types: NAT",
        "the model does not know these types, which count as missed: NAT",
        "no baselines: the training part does not label this task",
    )
