"""doccano's exports: classes, spans in both their forms, relations passed over, and errors with their line."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khabar_data import Record, RecordError, Span
from khabar_data.formats import Entry, Notice, Source
from khabar_data.formats.doccano import DoccanoOptions, read_doccano

TEXT = "بانک ملی در 👨‍👩‍👧 کابل"
ORG = Span(start=0, end=8, label="ORG")
LOC = Span(start=TEXT.index("کابل"), end=len(TEXT), label="LOC")


def entries(path: Path, *rows: dict[str, Any], **options: Any) -> list[Entry]:
    path.write_text("".join(json.dumps(row) + "\n\n" for row in rows), "utf-8")
    return list(Source(path=str(path), format="doccano", options=options).entries())


def test_classes_become_topics(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": 3, "text": "یک", "label": ["ورزش", "اقتصاد"], "Comments": []},
        {"text": "دو", "label": []},
    ]
    found = [entry.content for entry in entries(tmp_path / "a.jsonl", *rows)]
    assert found == [Record(id="3", text="یک", topics=("ورزش", "اقتصاد")), Record(text="دو")]


@pytest.mark.parametrize("key", ["label", "labels", "entities"])
def test_spans_in_any_order_become_entities(tmp_path: Path, key: str) -> None:
    triples = [[span.start, span.end, span.label] for span in (LOC, ORG)]
    objects = [{"id": 1, "start_offset": s, "end_offset": e, "label": label} for s, e, label in triples]
    for spans in (triples, objects):
        first, second = entries(tmp_path / "a.jsonl", {"text": TEXT, key: spans}, {"text": "دو", key: []})
        assert first.content == Record(text=TEXT, entities=(ORG, LOC), entity_types=("LOC", "ORG"))
        assert second.content == Record(text="دو", entity_types=("LOC", "ORG"))


def test_classes_and_spans_and_plain_data(tmp_path: Path) -> None:
    row = {"data": TEXT, "cats": ["economy"], "entities": [[0, 8, "ORG"]], "title": "سر", "group": "g", "source": 5}
    (found,) = entries(tmp_path / "a.jsonl", row, text="data", entity_types="ORG,LOC")
    assert found.content == Record(
        text=TEXT, title="سر", group="g", topics=("economy",), entities=(ORG,), entity_types=("ORG", "LOC")
    )


def test_relations_are_a_notice(tmp_path: Path) -> None:
    row = {"text": TEXT, "entities": [[0, 8, "ORG"]], "relations": [{"from_id": 1, "to_id": 2, "type": "in"}]}
    notice, record = entries(tmp_path / "a.jsonl", row)
    assert notice == Entry("1", Notice("relations, which Khabar does not have, were passed over"))
    assert isinstance(record.content, Record)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"label": ["x"]}, "no key 'text'"),
        ({"text": " ", "label": ["x"]}, "a blank text"),
        ({"text": TEXT, "label": [3]}, "3 as a label"),
        ({"text": TEXT, "label": [[0, 4]]}, "as a label; a record takes a class, or a span"),
        ({"text": TEXT, "label": [["0", 4, "ORG"]]}, "as a label"),
        ({"text": TEXT, "label": [[0, 99, "ORG"]]}, f"within 0 to {len(TEXT)}"),
        ({"text": TEXT, "label": [[4, 4, "ORG"]]}, f"within 0 to {len(TEXT)}"),
        ({"text": TEXT, "label": [[0, 8, "ORG"], [5, 11, "LOC"]]}, "got ORG 0-8 over LOC 5-11"),
    ],
)
def test_refusals_name_the_line(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    entry = entries(tmp_path / "a.jsonl", {"text": "یک"}, row)[1]
    assert entry.place == "3"
    assert isinstance(entry.content, RecordError)
    assert message in str(entry.content)


def test_broken_lines_and_empty_files(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes('{"text": "یک"}\n{"text"\n'.encode() + b'{"text": "\xc7"}\n')
    found = list(Source(path=str(path), format="doccano").entries())
    assert [(entry.place, type(entry.content)) for entry in found] == [
        ("1", Record),
        ("2", RecordError),
        ("3", RecordError),
    ]
    assert entries(path) == []


@settings(deadline=None)
@given(text=st.text(min_size=1), borders=st.lists(st.integers(0, 30), max_size=8))
def test_offsets_are_taken_as_they_are(tmp_path_factory: pytest.TempPathFactory, text: str, borders: list[int]) -> None:
    places = sorted({min(border, len(text)) for border in borders})
    spans = [(start, end, "X") for start, end in zip(places[::2], places[1::2], strict=False)]
    path = tmp_path_factory.getbasetemp() / "offsets.jsonl"
    path.write_text(json.dumps({"text": text, "label": spans}) + "\n", "utf-8")
    (entry,) = read_doccano(str(path), DoccanoOptions())
    if not text.strip():
        assert isinstance(entry.content, RecordError)
        return
    assert isinstance(entry.content, Record)
    assert entry.content.text == text
    assert [(span.start, span.end, span.label) for span in entry.content.entities] == spans
