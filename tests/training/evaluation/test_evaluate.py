"""Whole evaluations: of the bundled model on own articles against other libraries, of a tiny one on odd data."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from nervaluate import Evaluator
from sklearn.metrics import accuracy_score, f1_score

import khabar
from khabar import Analyzer
from khabar.checkpoint import Checkpoint
from khabar.errors import InputError, KhabarError
from khabar_data import ClaimStance, Record, TargetStance, samples, write_jsonl
from khabar_data.formats import Source
from khabar_training import evaluate
from khabar_training.evaluation.evaluate import evaluate as run
from khabar_training.evaluation.judging import Case
from khabar_training.evaluation.measured import Report, ReportError, TaskReport
from khabar_training.report.archive import dump, load


@pytest.fixture(scope="module")
def articles() -> list[Record]:
    return list(islice(samples.read("dev"), 6))


@pytest.fixture(scope="module")
def unclaimed(articles: list[Record]) -> list[Record]:
    """The articles with no claims, which are too long for the window of a tiny model."""
    return [replace(record, claim_stances=()) for record in articles]


@pytest.fixture(scope="module")
def tiny(tiny_checkpoint: Callable[[str], Path]) -> Analyzer:
    return khabar.load(tiny_checkpoint("unigram"), threads=1)


@pytest.fixture(scope="module")
def report(bundled_analyzer: Analyzer, articles: list[Record]) -> Report:
    return evaluate(bundled_analyzer, articles, train=islice(samples.read("train"), 30))


def task(report: Report, name: str) -> TaskReport:
    return next(task for task in report.tasks if task.task == name)


def figures(report: Report, name: str) -> dict[str, float]:
    return {figure: estimate.value for figure, estimate in task(report, name).systems[0].figures.items()}


def test_labels_agree_with_scikit_learn(report: Report, articles: list[Record], bundled_analyzer: Analyzer) -> None:
    topics: list[tuple[str, str]] = []
    targets: list[tuple[str, str]] = []
    claims: list[tuple[str, str]] = []
    for record in articles:
        asked = [stance.target for stance in record.target_stances]
        claimed = [stance.claim for stance in record.claim_stances]
        article = bundled_analyzer.predict(record.text, title=record.title, targets=asked, claims=claimed)
        assert article.topic is not None
        topics.append((record.topics[0], article.topic.label))
        found = [stance.label for stance in article.stances]
        targets += zip([one.labels[0] for one in record.target_stances], found[: len(asked)], strict=True)
        claims += zip([one.labels[0] for one in record.claim_stances], found[len(asked) :], strict=True)
    for name, pairs in (("topic", topics), ("target_stance", targets), ("claim_stance", claims)):
        gold, answers = zip(*pairs, strict=True)
        assert figures(report, name)["accuracy"] == pytest.approx(accuracy_score(gold, answers), abs=1e-6)
        macro = f1_score(gold, answers, labels=sorted(set(gold)), average="macro", zero_division=0)
        assert figures(report, name)["macro-F1"] == pytest.approx(macro, abs=1e-6)
        assert task(report, name).n == len(pairs)


def test_entities_agree_with_nervaluate(report: Report, articles: list[Record], bundled_analyzer: Analyzer) -> None:
    gold = [
        [{"label": span.label, "start": span.start, "end": span.end - 1} for span in record.entities]
        for record in articles
    ]
    found = [
        [
            {"label": entity.label, "start": entity.start, "end": entity.end - 1}
            for entity in bundled_analyzer.predict(record.text, title=record.title, targets=()).entities
        ]
        for record in articles
    ]
    results = Evaluator(true=gold, pred=found, tags=list(articles[0].entity_types), loader="dict").evaluate()["overall"]
    expected = {"strict F1": "strict", "exact F1": "exact", "partial F1": "partial", "type F1": "ent_type"}
    for figure, schema in expected.items():
        assert figures(report, "entities")[figure] == pytest.approx(results[schema].f1, abs=1e-6)
    assert task(report, "entities").n == sum(map(len, gold))


def test_systems_stand_beside_the_model(report: Report) -> None:
    names = {task.task: [system.name for system in task.systems] for task in report.tasks}
    assert names == {
        "topic": ["model", "majority", "TF-IDF SVM"],
        "entities": ["model", "dictionary of names"],
        "target_stance": [
            "model",
            "majority",
            "target majority",
            "TF-IDF SVM",
            "SVM, target only",
            "SVM, target masked",
        ],
        "claim_stance": ["model", "majority", "TF-IDF SVM", "SVM, claim only", "SVM, text only"],
    }
    assert (report.model, report.n_records, report.train[0].n_records) == ("khabar-small", 6, 30)
    slices = [one for one in task(report, "target_stance").slices if one.field == "target"]
    assert [one.value for one in slices] == ["in training", "unseen"]
    assert sum(one.n for one in slices) == task(report, "target_stance").n


def test_the_same_inputs_give_the_same_bytes(tiny: Analyzer, unclaimed: list[Record]) -> None:
    first, second = (dump(evaluate(tiny, unclaimed[:4])) for _ in range(2))
    assert first == second
    assert str(tiny.folder) not in first
    assert load(first).tasks
    assert dump(evaluate(tiny, unclaimed[:4], seed=7)) != first


def test_files_are_named_without_their_folder(tiny: Analyzer, unclaimed: list[Record], tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_jsonl(tmp_path / name / "dev.jsonl", unclaimed[:2])
    by_path = evaluate(tiny, [tmp_path / "a" / "dev.jsonl"])
    by_source = evaluate(tiny.folder, [Source(path=str(tmp_path / "b" / "dev.jsonl"), format="jsonl")])
    assert dump(by_path) == dump(by_source)
    assert (by_path.data[0].name, by_path.data[0].n_records) == ("dev.jsonl", 2)
    assert by_path.data[0].sha256 is not None
    assert evaluate(tiny, unclaimed[:2]).data[0].sha256 is None


def test_tasks_without_labels_are_left_out(tiny: Analyzer) -> None:
    records = [Record(text=text, topics=("sport",)) for text in ("تیم ملی فوتبال", "...!")]
    report = evaluate(tiny, records)
    assert [task.task for task in report.tasks] == ["topic"]
    assert report.notes == tuple(
        f"{task}: no record is labelled for it" for task in ("entities", "target_stance", "claim_stance")
    )
    assert (report.tasks[0].units, report.tasks[0].n_units) == ("documents", 2)
    assert "1 items have no word to read; no answer counts as wrong" in report.tasks[0].notes


def test_groups_are_the_units_where_there_are_any(tiny: Analyzer) -> None:
    texts = ("تیم ملی", "بانک مرکزی", "باران", "جنگ")
    groups = ("g", "g", None, None)
    records = [Record(text=t, topics=("sport",), group=g) for t, g in zip(texts, groups, strict=True)]
    (topic,) = evaluate(tiny, records).tasks
    assert (topic.units, topic.n_units) == ("groups", 3)
    assert [outcome.unit for outcome in topic.outcomes] == [0, 0, 1, 2]


def test_slices_are_by_what_records_say(tiny: Analyzer) -> None:
    records = [
        Record(text="کابل " * 40, topics=("sport",), source="x", date="2024-03-02", variety="dari"),
        Record(text="کابل " * 250, topics=("sport",), source="y", date="1403/05/02", variety="dari"),
        Record(text="کابل " * 90, topics=("sport",), source="y"),
    ]
    (topic,) = evaluate(tiny, records).tasks
    assert [(one.field, one.value, one.n) for one in topic.slices] == [
        ("length in words", "<100", 2),
        ("length in words", "200-399", 1),
        ("source", "x", 1),
        ("source", "y", 2),
        ("year", "1403", 1),
        ("year", "2024", 1),
    ]


def test_progress_sees_every_case(tiny: Analyzer, unclaimed: list[Record]) -> None:
    seen: list[object] = []

    def watched(cases: Iterator[Case], n_cases: int) -> Iterator[Case]:
        seen.append(n_cases)
        for case in cases:
            seen.append(case.record.id)
            yield case

    run(tiny, unclaimed[:2], watched=watched)
    assert seen == [2, *(record.id for record in unclaimed[:2])]


def test_records_of_the_training_data_are_found(
    tiny: Analyzer, unclaimed: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    from khabar_data.fingerprints import Fingerprints

    assert not evaluate(tiny, unclaimed[:1]).overlap.checked
    known = Fingerprints.of(unclaimed[:2])
    monkeypatch.setattr(Fingerprints, "of_checkpoint", lambda _: known)
    nearly = replace(unclaimed[1], id=None, text=f"نزدیک {unclaimed[1].text}", entities=(), target_stances=())
    overlap = evaluate(tiny, [unclaimed[0], nearly, unclaimed[2]]).overlap
    assert (overlap.checked, overlap.exact, overlap.near) == (True, 1, 1)
    assert overlap.examples == (unclaimed[0].id, " ".join(nearly.text.split()[:8]))


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([], "the data: there are no records; name at least one file with records"),
        ([Record(text="باران")], "the data: no label that can be judged: they are labelled for nothing, the model has"),
        (
            [
                Record(text="باران"),
                Record(text="برف", id="b", target_stances=(TargetStance(target="!", labels=("favor",)),)),
            ],
            "record b: target is '!'; it takes text with at least one word",
        ),
        (
            [Record(text="برف", id="b", claim_stances=(ClaimStance(claim="باران " * 99, labels=("agree",)),))],
            "record b: claim is ",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(tiny: Analyzer, records: list[Record], message: str) -> None:
    with pytest.raises(ReportError) as refusal:
        evaluate(tiny, records)
    assert str(refusal.value).startswith(message)


def test_faults_in_the_data_show_before_anything_is_predicted(tiny: Analyzer, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"text": "باران", "topic": "sport"}\n{"text": ""}\n', "utf-8")
    with pytest.raises(KhabarError) as refusal:
        run(tiny, [path], watched=lambda cases, _: pytest.fail("a case was asked for"))
    assert str(refusal.value).startswith(f"{path}:2: got a blank text")


def test_arguments_of_the_wrong_kind(tiny: Analyzer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data is str; .* write data=\[…\], also for a single one"):
        evaluate(tiny, "in.jsonl")
    with pytest.raises(KhabarError, match="there is no such folder"):
        evaluate(tmp_path / "none", [Record(text="باران", topics=("sport",))])


def test_a_manifest_says_which_model_it_was(tiny: Analyzer) -> None:
    report = evaluate(tiny, [Record(text="باران", topics=("sport",))])
    assert report.model == Checkpoint(tiny.folder).config().name
    assert len(report.model_sha256) == 64
