"""Parquet: plain and nested columns, read in batches, and errors with their row."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from khabar_data import ClaimStance, Record, RecordError, Span, TargetStance
from khabar_data.formats import FormatError, Notice, Source

arrow = pytest.importorskip("pyarrow", reason="needs the extra 'data'")
parquet = pytest.importorskip("pyarrow.parquet")

FULL = Record(
    text="بانک ملی",
    title="سر",
    topics=("economy", "politics"),
    entities=(Span(start=0, end=8, label="ORG"),),
    entity_types=("ORG",),
    target_stances=(TargetStance(target="بانک", labels=("favor",)),),
    claim_stances=(ClaimStance(claim="ادعا", labels=("agree",)),),
    id="a",
    group="g",
)


def source(path: Path, rows: list[dict[str, Any]], **options: Any) -> Source:
    parquet.write_table(arrow.Table.from_pylist(rows), path)
    return Source(path=str(path), options=options)


def test_records_go_round(tmp_path: Path) -> None:
    rows = [{**FULL.to_dict(), "topic": list(FULL.topics)}, {"text": "دو", "id": "b"}]
    assert list(source(tmp_path / "a.parquet", rows).records()) == [FULL, Record(text="دو", id="b")]


def test_named_columns_numbers_and_batches(tmp_path: Path) -> None:
    rows = [{"متن": f"خبر {number}", "شماره": number, "url": "x"} for number in range(5)]
    given = source(tmp_path / "a.parquet", rows, columns={"text": "متن", "id": "شماره"}, batch_rows=2)
    assert [(record.text, record.id) for record in given.records()] == [(f"خبر {n}", str(n)) for n in range(5)]
    assert next(given.entries()).content == Notice("columns that are not read: url")


def test_dates_become_strings(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"text": "یک", "date": date(2024, 3, 2)}, {"text": "دو", "date": None}]
    assert [record.date for record in source(tmp_path / "a.parquet", rows).records()] == ["2024-03-02", None]


def test_refusals_name_the_row(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"text": "یک"}, {"text": "دو"}, {"text": " "}, {"text": None}]
    given = source(tmp_path / "a.parquet", rows, batch_rows=2)
    assert [entry.place for entry in given.entries() if isinstance(entry.content, RecordError)] == ["3", "4"]
    with pytest.raises(RecordError, match=r"a\.parquet:3: got a blank text"):
        list(given.records())


def test_spans_that_do_not_fit(tmp_path: Path) -> None:
    rows = [{"text": "یک", "entities": [{"start": 0, "end": 9, "label": "X"}], "entity_types": ["X"]}]
    with pytest.raises(RecordError, match=r"a\.parquet:1: got Span.*within 0 to 2"):
        list(source(tmp_path / "a.parquet", rows).records())


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"no column 'text'; there are txt; .*did you mean 'txt'"):
        list(source(tmp_path / "a.parquet", [{"txt": "یک"}]).records())
    (tmp_path / "b.parquet").write_bytes(b"text")
    with pytest.raises(FormatError, match=r"b\.parquet: it cannot be read as Parquet"):
        list(Source(path=str(tmp_path / "b.parquet")).records())
    with pytest.raises(FormatError, match=r"c\.parquet: it cannot be read as Parquet"):
        list(Source(path=str(tmp_path / "c.parquet")).records())


def test_a_table_without_rows(tmp_path: Path) -> None:
    parquet.write_table(arrow.table({"text": arrow.array([], arrow.string())}), tmp_path / "a.parquet")
    assert list(Source(path=str(tmp_path / "a.parquet")).records()) == []
