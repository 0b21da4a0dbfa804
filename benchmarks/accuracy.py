"""Accuracy of a checkpoint on development parts, through the public interface.

    python benchmarks/accuracy.py ../shared/data [--model FOLDER] [--json FILE]

Every figure comes from ``Analyzer.predict_many`` on records that training never saw: the
development files, and the groups that the recipes hold out.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from random import Random

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

import khabar
from khabar_data.batching import joined
from khabar_data.corpora import read_corpus
from khabar_data.records import Record
from khabar_data.split import split
from khabar_training.baselines import LinearSvm, NameDictionary, majority
from khabar_training.metrics import (
    Counts,
    Estimate,
    accuracy,
    bootstrap,
    class_f1,
    confusion,
    macro_f1,
    span_counts,
    span_f1,
)

CLAIM_LABELS = ("agree", "disagree", "discuss", "unrelated")
TARGET_LABELS = ("favor", "against", "neutral")
SOURCES = ("isna5", "aut_ir1401", "farsnews", "hamshahri_rss")

type Rows = list[dict[str, object]]


class Report:
    """The rows of the table, as they come."""

    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []

    def add(
        self,
        task: str,
        data: str,
        figure: str,
        model: Estimate,
        size: int,
        *,
        baselines: dict[str, float],
        classes: dict[str, float],
    ) -> None:
        self.rows.append(
            {
                "task": task,
                "data": data,
                "figure": figure,
                "n": size,
                **asdict(model),
                "baselines": baselines,
                "classes": classes,
            }
        )
        others = ", ".join(f"{name} {value:.3f}" for name, value in baselines.items())
        details = ", ".join(f"{name} {value:.2f}" for name, value in classes.items())
        Console().print(
            f"{task:14} {data:22} {figure:22} {model}  n={size}  [{others}]\n    {details}", highlight=False
        )


def entity_counts(analyzer: khabar.Analyzer, data: str, dev: Sequence[Record]) -> Counts:
    """Return the span counts of each record, for the types that *dev* annotates; (n_records, n_types, 3)."""
    articles = analyzer.predict_many((record.text for record in dev), targets=())
    found = [article.entities for article in track(articles, data, len(dev), transient=True)]
    types = annotated_types(dev)
    return np.stack([span_counts(r.entities, f, types) for r, f in zip(dev, found, strict=True)])


def annotated_types(records: Sequence[Record]) -> list[str]:
    return sorted({kind for record in records for kind in record.entity_types})


def entities(
    report: Report, analyzer: khabar.Analyzer, data: str, train: Sequence[Record], dev: Sequence[Record]
) -> None:
    types = annotated_types(dev)
    counts = entity_counts(analyzer, data, dev)
    dictionary = NameDictionary(train)
    baseline = sum(span_counts(record.entities, dictionary.predict(record.text), types) for record in dev)
    report.add(
        "entities",
        data,
        "strict micro-F1",
        bootstrap(counts, span_f1),
        len(dev),
        baselines={"dictionary": span_f1(np.asarray(baseline))},
        classes={kind: span_f1(row) for kind, row in zip(types, counts.sum(0), strict=True)},
    )


class TopicBaselines:
    """The majority and the SVM, trained on the first topic of each record's set."""

    def __init__(self, records: Sequence[Record]) -> None:
        labels = [record.topics[0] for record in records]
        self.majority = majority(labels)
        self._svm = LinearSvm([_opening(record) for record in records], labels)

    def accuracies(self, records: Sequence[Record]) -> dict[str, float]:
        guesses = self._svm.predict([_opening(record) for record in records])
        return {
            "majority": float(np.mean([self.majority in record.topics for record in records])),
            "TF-IDF SVM": float(np.mean([guess in r.topics for guess, r in zip(guesses, records, strict=True)])),
        }


def _opening(record: Record) -> str:
    return f"{record.title or ''} {record.text}"[:2000]


def topic_counts(analyzer: khabar.Analyzer, data: str, dev: Sequence[Record]) -> Counts:
    """Return for each record whether its topic is in the set that the record allows, and 1; (n_records, 2)."""
    documents = (khabar.Document(record.text, record.title, targets=()) for record in dev)
    found = [article.topic for article in track(analyzer.predict_many(documents), data, len(dev), transient=True)]
    return np.array(
        [[float(topic is not None and topic.label in r.topics), 1.0] for r, topic in zip(dev, found, strict=True)]
    )


def topic(
    report: Report, analyzer: khabar.Analyzer, data: str, dev: Sequence[Record], baselines: TopicBaselines
) -> None:
    """Accuracy over label sets: right is a topic in the set that the record allows."""
    right = topic_counts(analyzer, data, dev)
    by_set: dict[str, list[float]] = {}
    for record, row in zip(dev, right, strict=True):
        by_set.setdefault("|".join(record.topics), []).append(float(row[0]))
    report.add(
        "topic",
        data,
        "accuracy over sets",
        bootstrap(right, lambda sums: float(sums[0] / sums[1])),
        len(dev),
        baselines=baselines.accuracies(dev),
        classes={name: float(np.mean(values)) for name, values in sorted(by_set.items())},
    )


def stance(
    report: Report,
    data: str,
    labels: Sequence[str],
    dev: Sequence[Record],
    train: Sequence[Record],
    judge: Callable[[Record], Sequence[str]],
    asked: Callable[[Record], Sequence[tuple[str, str]]],
) -> None:
    """Macro-F1 of stance toward what *asked* gives: (query, gold label) pairs of a record."""
    rows: dict[str, Counts] = {}
    for record in track(dev, data, transient=True):
        counts = confusion([label for _, label in asked(record)], judge(record), labels)
        group = record.group or record.text
        rows[group] = rows.get(group, np.zeros_like(counts)) + counts
    matrix = np.stack(list(rows.values()))
    gold = [label for record in dev for _, label in asked(record)]
    train_gold = [label for record in train for _, label in asked(record)]

    def svm(text: Callable[[Record, str], str]) -> float:
        model = LinearSvm([text(r, query) for r in train for query, _ in asked(r)], train_gold)
        guesses = model.predict([text(r, query) for r in dev for query, _ in asked(r)])
        return macro_f1(confusion(gold, guesses, labels))

    most = majority(train_gold)
    report.add(
        "target stance" if labels == TARGET_LABELS else "claim stance",
        data,
        "macro-F1",
        bootstrap(matrix, macro_f1),
        len(gold),
        baselines={
            "majority": macro_f1(confusion(gold, [most] * len(gold), labels)),
            "query only": svm(lambda _, query: query),
            "TF-IDF SVM": svm(lambda record, query: f"{query} {record.text[:2000]}"),
        },
        classes={
            "accuracy": accuracy(matrix.sum(0)),
            **dict(zip(labels, class_f1(matrix.sum(0)).tolist(), strict=True)),
        },
    )


def targets_of(record: Record) -> list[tuple[str, str]]:
    return [(stance.target, stance.labels[0]) for stance in record.target_stances]


def claims_of(record: Record) -> list[tuple[str, str]]:
    return [(stance.claim, stance.labels[0]) for stance in record.claim_stances]


def target_judge(analyzer: khabar.Analyzer) -> Callable[[Record], list[str]]:
    """Return what gives the stances that a model finds toward a record's targets, in their order."""

    def judge(record: Record) -> list[str]:
        article = analyzer.predict(record.text, title=record.title, targets=[t for t, _ in targets_of(record)])
        return [stance.label for stance in article.stances]

    return judge


def held_out(name: str, folder: Path, share: float, part: str = "all") -> tuple[list[Record], list[Record]]:
    """Return what the recipes train on and what they hold out."""
    records = list(read_corpus(name, folder, part))
    return list(split(records, share, keep=True)), list(split(records, share, keep=False))


def openings(folder: Path, part: str) -> tuple[list[Record], list[Record]]:
    """Return the openings of the four sources that the recipes train on, and those that they hold out."""
    kept, out = zip(*(held_out(name, folder, 0.15, part) for name in SOURCES), strict=True)
    return list(chain(*kept)), list(chain(*out))


def measure(analyzer: khabar.Analyzer, folder: Path) -> Rows:
    report = Report()
    for name in ("peyma", "arman", "parstwiner"):
        train, dev = (list(read_corpus(name, folder, part)) for part in ("train", "dev"))
        entities(report, analyzer, f"{name} dev", train, dev)
        if name == "peyma":  # as articles are read, which its sentences are of
            entities(report, analyzer, "peyma dev, joined", train, list(joined(dev, Random(0))))
    entities(report, analyzer, "openings, held out", *openings(folder, "tagged"))

    own_train, own_dev = (list(read_corpus("own", folder, part)) for part in ("train", "dev"))
    entities(report, analyzer, "own dev", own_train, own_dev)
    articles = TopicBaselines([r for name in SOURCES for r in read_corpus(name, folder, "all")] + own_train)
    topic(report, analyzer, "khabaryaab", list(read_corpus("khabaryaab", folder, "all")), articles)
    topic(report, analyzer, "khabaryaab, read", list(read_corpus("khabaryaab", folder, "read")), articles)
    topic(report, analyzer, "own dev", own_dev, articles)
    for name in ("sib200_pes", "sib200_prs"):
        train, dev = (list(read_corpus(name, folder, part)) for part in ("train", "dev"))
        topic(report, analyzer, f"{name} dev", dev, TopicBaselines(train))

    def judge_claims(record: Record) -> list[str]:
        article = analyzer.predict(
            record.text, title=record.title, targets=(), claims=[c for c, _ in claims_of(record)]
        )
        return [stance.label for stance in article.stances]

    train, dev = held_out("farexstance_article", folder, 0.2)
    stance(report, "farexstance_article", CLAIM_LABELS, dev, train, judge_claims, claims_of)
    train, dev = openings(folder, "claimed")
    stance(report, "openings, held out", CLAIM_LABELS, dev, train, judge_claims, claims_of)
    stance(report, "own dev claims", CLAIM_LABELS, own_dev, own_train, judge_claims, claims_of)
    train, dev = held_out("real_silver", folder, 0.25)
    judge_targets = target_judge(analyzer)
    stance(report, "real_silver", TARGET_LABELS, dev, train, judge_targets, targets_of)
    stance(report, "own dev", TARGET_LABELS, own_dev, own_train, judge_targets, targets_of)
    seen = {target for record in own_train for target, _ in targets_of(record)}

    def unseen(record: Record) -> list[tuple[str, str]]:
        return [(target, label) for target, label in targets_of(record) if target not in seen]

    def judge_unseen(record: Record) -> list[str]:
        article = analyzer.predict(record.text, title=record.title, targets=[t for t, _ in unseen(record)])
        return [stance.label for stance in article.stances]

    stance(
        report,
        "own dev, unseen",
        TARGET_LABELS,
        own_dev,
        own_train,
        judge_unseen,
        lambda record: unseen(record) if record in own_dev else targets_of(record),
    )
    return report.rows


def table(rows: Rows) -> Table:
    columns = ("task", "data", "figure", "value", "95 % interval", "n")
    result = Table(*columns)
    for row in rows:
        result.add_row(
            str(row["task"]),
            str(row["data"]),
            str(row["figure"]),
            f"{row['value']:.3f}",
            f"{row['low']:.3f}-{row['high']:.3f}",
            str(row["n"]),
        )
    return result


def run(
    description: str | None, measure: Callable[[khabar.Analyzer, Path], Rows], table: Callable[[Rows], Table]
) -> None:
    """Measure the model that the command line names, and print a table of the rows found; a benchmark's ``main``."""
    arguments = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path, help="the folder that holds the corpora")
    arguments.add_argument("--model", type=Path, help="a checkpoint folder; the bundled model by default")
    arguments.add_argument("--json", type=Path, help="write the figures here too")
    options = arguments.parse_args()
    rows = measure(khabar.load(options.model), options.folder)
    Console().print(table(rows))
    if options.json:
        options.json.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    run(__doc__, measure, table)
