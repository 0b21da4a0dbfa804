"""The record schema: what it takes, what it refuses, and the way to JSON Lines and back."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from khabar_data import (
    ClaimStance,
    Record,
    RecordError,
    Span,
    TargetStance,
    read_jsonl,
    write_jsonl,
)

FULL = Record(
    text="بانک مرکزی نرخ سود را به ۲۳ درصد رساند.",
    title="نرخ سود بالا رفت",
    topics=("economy", "politics"),
    entities=(Span(start=0, end=10, label="ORG"), Span(start=25, end=32, label="PCT")),
    title_entities=(),
    entity_types=("ORG", "PCT"),
    target_stances=(TargetStance(target="بانک مرکزی", labels=("neutral",)),),
    claim_stances=(ClaimStance(claim="نرخ سود کم شد.", labels=("disagree", "discuss")),),
    id="a-1",
    source="test",
    group="g",
    variety="iranian",
    date="2026-11-02",
)


def test_spans_cut_the_text() -> None:
    assert [FULL.text[span.start : span.end] for span in FULL.entities] == ["بانک مرکزی", "۲۳ درصد"]


@pytest.mark.parametrize("record", [FULL, Record(text="یک")])
def test_json_form_goes_round(record: Record) -> None:
    assert Record.from_dict(json.loads(json.dumps(record.to_dict()))) == record


def test_json_form_leaves_out_what_is_absent() -> None:
    assert Record(text="یک", topics=("sport",)).to_dict() == {"text": "یک", "topic": "sport"}


def test_json_form_of_sets_of_labels() -> None:
    values = FULL.to_dict()
    assert values["topic"] == ["economy", "politics"]
    assert values["target_stances"] == [{"target": "بانک مرکزی", "label": "neutral"}]
    assert values["claim_stances"][0]["label"] == ["disagree", "discuss"]


ORG = {"start": 0, "end": 3, "label": "ORG"}
BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "add 'text'"),
    ({"text": "  "}, "blank text"),
    ({"text": 5}, "put it in quotes"),
    ({"text": "a\ud800"}, "surrogate"),
    ({"text": "یک", "topics": "sport"}, "did you mean 'topic'?"),
    ({"text": "یک", "topic": 3}, "a string or a list of strings as 'topic'"),
    ({"text": "یک", "topic": ["sport", "sport"]}, "each label of topic once"),
    ({"text": "یک", "title": 3}, "a string as 'title'"),
    ({"text": "تهران", "entities": ORG, "entity_types": ["ORG"]}, r"wrap it in \[ \]"),
    ({"text": "تهران", "entities": [3], "entity_types": ["ORG"]}, "write it as an object"),
    ({"text": "تهران", "entities": [ORG]}, "add 'ORG' to entity_types"),
    ({"text": "یک", "entities": [ORG], "entity_types": ["ORG"]}, "within 0 to 2"),
    ({"text": "تهران", "entities": [ORG, ORG], "entity_types": ["ORG"]}, "start at 3 or later"),
    ({"text": "تهران", "entities": [{**ORG, "end": 0}], "entity_types": ["ORG"]}, "within 0 to 5"),
    ({"text": "تهران", "entities": [{**ORG, "start": -1}], "entity_types": ["ORG"]}, "within 0 to 5"),
    ({"text": "تهران", "entities": [{**ORG, "start": True}], "entity_types": ["ORG"]}, "whole number"),
    ({"text": "تهران", "entities": [{**ORG, "stop": 3}], "entity_types": ["ORG"]}, "the key 'stop'"),
    ({"text": "تهران", "title_entities": [ORG], "entity_types": ["ORG"]}, "title_entities"),
    ({"text": "یک", "target_stances": [{"target": "الف"}]}, "add 'label'"),
    ({"text": "یک", "target_stances": [{"target": "الف", "label": []}]}, "a target or claim and a label"),
    ({"text": "یک", "claim_stances": [{"claim": " ", "label": "agree"}]}, "a target or claim and a label"),
    ({"text": "یک", "claim_stances": [{"target": "الف", "label": "agree"}]}, "the key 'target'"),
]


@pytest.mark.parametrize(("values", "message"), BAD)
def test_bad_records_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        Record.from_dict(values)


def test_error_survives_pickling() -> None:
    error = RecordError("3", "a string", "put it in quotes", "a.jsonl:7")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) == "a.jsonl:7: got 3; a record takes a string; put it in quotes"


def test_jsonl_goes_round(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    assert write_jsonl(path, [FULL, Record(text="یک\u2028دو\nسه")]) == 2
    assert list(read_jsonl(path)) == [FULL, Record(text="یک\u2028دو\nسه")]
    assert [file.name for file in tmp_path.iterdir()] == ["a.jsonl"]


def test_reading_forgives_a_byte_order_mark_and_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"text": "a"}\r\n\r\n  \n{"text": "b"}')
    assert [record.text for record in read_jsonl(path)] == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"text": ', "broken JSON"),
        (b"[" * 100_000, "broken JSON"),
        (b'["text"]', "a JSON list"),
        (b'{"text": "\xff"}', "not UTF-8"),
        (b'{"txt": "a"}', "did you mean 'text'?"),
        (b'{"text": "a", "entities": [{"start": 0, "end": 2, "label": "PER"}]}', "within 0 to 1"),
    ],
)
def test_reading_names_the_bad_line_and_stays_lazy(tmp_path: Path, line: bytes, message: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "a"}\n\n' + line + b"\n")
    records = read_jsonl(path)
    assert next(records).text == "a"
    with pytest.raises(RecordError, match=message) as caught:
        next(records)
    assert str(caught.value).startswith(f"{path}:3: got ")


def test_failed_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_jsonl(path, [FULL])
    with pytest.raises(RecordError):
        write_jsonl(path, (Record(text=text) for text in ("یک", "")))
    assert list(read_jsonl(path)) == [FULL]
    assert [file.name for file in tmp_path.iterdir()] == ["a.jsonl"]
