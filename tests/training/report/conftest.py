"""A report such as an evaluation makes, its figures made up, its texts Khabar's own articles."""

from collections.abc import Iterable
from itertools import islice

import numpy as np
import pytest

from khabar_data import samples
from khabar_data.labels import TASKS
from khabar_data.records import Record
from khabar_training.evaluation.measured import (
    Bin,
    Calibration,
    ClassScores,
    DataFile,
    EntityScores,
    Mark,
    Marked,
    Matrix,
    Mistake,
    Overlap,
    Report,
    Slice,
    System,
    TaskReport,
    Threshold,
)
from khabar_training.metrics import Estimate

_BORDERS = ("right", "too short", "too long", "shifted", "wrong type", "wrong type and border", "missed", "made up")


def estimate(value: float, half: float = 0.03) -> Estimate:
    return Estimate(value, max(value - half, 0.0), min(value + half, 1.0))


def classes(labels: Iterable[str], top: float = 0.95) -> tuple[ClassScores, ...]:
    return tuple(
        ClassScores(
            label=label,
            precision=None if number == 3 else top - 0.03 * number,
            recall=top - 0.035 * number,
            f1=None if number == 3 else top - 0.033 * number,
            support=220 - 13 * number,
            found=0 if number == 3 else 200 - 11 * number,
        )
        for number, label in enumerate(labels)
    )


def matrix(rows: tuple[str, ...], columns: tuple[str, ...]) -> Matrix:
    chance = np.random.default_rng(4)
    counts = chance.poisson(1.5, (len(rows), len(columns))) + 60 * np.eye(len(rows), len(columns), dtype=int)
    return Matrix(rows=rows, columns=columns, counts=tuple(tuple(map(int, row)) for row in counts))


def calibration() -> Calibration:
    lows = [number / 10 for number in range(2, 10)]
    return Calibration(
        temperature=1.31,
        error=0.042,
        risk_area=0.061,
        bins=tuple(
            Bin(low=low, high=low + 0.1, n=int(8 * 3 ** (low * 6)), confidence=low + 0.06, accuracy=low * 0.95)
            for low in lows
        ),
        thresholds=tuple(
            Threshold(min_score=step / 50, coverage=1 - (step / 50) ** 3, risk=0.2 * (1 - step / 50))
            for step in range(50)
        ),
    )


def slices() -> tuple[Slice, ...]:
    values = {
        "length": ("<100", "100-199", "200-399", "400-799", "800+"),
        "source": ("khabar-own-afg", "khabar-own-irn"),
        "variety": ("dari", "iranian"),
    }
    return tuple(
        Slice(
            field=field, value=value, n=340 - 60 * number, figure=estimate(0.86 - 0.05 * number, 0.02 + 0.02 * number)
        )
        for field, names in values.items()
        for number, value in enumerate(names)
    )


def mistakes(task: str, keys: tuple[str, ...], records: list[Record]) -> tuple[Mistake, ...]:
    """One wrong answer an article; the last text is long, another rests on words."""
    chance = np.random.default_rng(9)
    made = []
    for number, record in enumerate(records):
        text = "\n".join([record.text] * (3 if number == len(records) - 1 else 1))
        scores = np.sort(chance.dirichlet(np.full(len(keys), 0.4)))[::-1]
        found = keys[3 % len(keys)]
        middle = text.index(".") + 1
        words = [(start, start + 6) for start in range(0, min(240, len(text) - 6), 24)]
        query = {"target_stance": [stance.target for stance in record.target_stances]}.get(task, [])
        query = [stance.claim for stance in record.claim_stances] if task == "claim_stance" else query
        made.append(
            Mistake(
                id=record.id,
                title=record.title,
                text=text,
                query=query[0] if query else None,
                gold=(keys[1],) if number else (keys[1], keys[2]),
                found=found,
                score=float(scores[0]),
                scores=dict(zip((found, *(key for key in keys if key != found)), map(float, scores), strict=True)),
                evidence=((0, middle),),
                words=tuple((*word, float(chance.normal())) for word in words) if number == 1 else (),
            )
        )
    return tuple(made)


def entity_scores(keys: tuple[str, ...], records: list[Record]) -> EntityScores:
    texts = []
    for record in records:
        gold = tuple(Mark(start=span.start, end=span.end, label=span.label) for span in record.entities)
        found = (
            *gold[4:],
            Mark(start=gold[0].start, end=gold[0].end + 10, label=gold[0].label),
            Mark(start=gold[1].start + 3, end=gold[1].end + 4, label="LOC"),
            Mark(start=gold[2].start, end=gold[2].end, label="FAC"),
        )
        texts.append(Marked(id=record.id, text=record.text, gold=gold, found=found))
    schemas = {"strict": 0.8, "exact": 0.84, "partial": 0.88, "type": 0.9}
    return EntityScores(
        matching={schema: {row.label: row for row in classes((*keys, "all"), top)} for schema, top in schemas.items()},
        borders=matrix(_BORDERS, keys),
        by_length=tuple(
            Slice(field="words", value=value, n=90, figure=estimate(0.8)) for value in ("1", "2", "3", "4", "5+")
        ),
        by_seen=tuple(
            Slice(field="name", value=value, n=90, figure=estimate(0.8)) for value in ("seen in training", "unseen")
        ),
        texts=tuple(texts),
    )


def task_report(name: str, kind: str, labels: dict[str, str], records: list[Record]) -> TaskReport:
    keys = tuple(labels)
    words = kind == "words"
    main = "strict_f1" if words else "macro_f1"
    figures = {name: {main: estimate(0.81), "accuracy": estimate(0.843)} for name in ("khabar-small",)}
    figures |= {
        "linear SVM": {main: estimate(0.64, 0.05), "accuracy": estimate(0.7)},
        "majority": {main: estimate(0.06, 0.005), "accuracy": estimate(0.22)},
        "claim-only SVM (control)": {main: estimate(0.31, 0.06)},
    }
    tags = (*keys, "nothing") if words else keys
    return TaskReport(
        task=name,
        kind=kind,
        labels=labels,
        n=1380,
        units="groups",
        n_units=412,
        systems=tuple(System(name=system, figures=values) for system, values in figures.items()),
        classes=classes(keys),
        confusion=matrix(tags, tags),
        slices=slices(),
        calibration=calibration(),
        mistakes=() if words else mistakes(name, keys, records),
        entities=entity_scores(keys, records) if words else None,
        notes=(f"{keys[-1]} has no support and is not averaged.", "Where a gold label is a set, any of it is right."),
    )


@pytest.fixture(scope="session")
def report() -> Report:
    """A report of all four tasks ; seven records were trained on."""
    records = list(islice((record for record in samples.read("dev") if len(record.entities) > 3), 4))
    return Report(
        khabar="0.1.0",
        model="khabar-small",
        model_sha256="3f" * 32,
        data=(
            DataFile(name="khabar-own/dev.jsonl", n_records=138, sha256="a1" * 32),
            DataFile(name="خبر", n_records=9),
        ),
        train=(DataFile(name="khabar-own/train.jsonl", n_records=552, sha256="b2" * 32),),
        n_records=147,
        notes=("A task without labels in the data is left out.",),
        overlap=Overlap(checked=True, exact=2, near=5, examples=("afg-002", records[0].text[:60])),
        tasks=tuple(
            task_report(task.name, task.kind.value, {label.key: label.name for label in task.labels}, records)
            for task in TASKS
        ),
    )
