"""Every form of table comes with all its columns, and what is wrong with a row stays with the row."""

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from khabar.batch.inputs import find_inputs
from khabar.batch.rows import Row, read_rows, table_header
from khabar.errors import MissingExtraError, SourceError


def zstd(data: bytes) -> bytes:
    sink = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(sink, "zstd") as file:
        file.write(data)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstd,
}


def rows_of(folder: Path, name: str, data: bytes) -> list[Row]:
    (folder / name).write_bytes(data)
    return list(read_rows(find_inputs([str(folder / name)], str(folder / "out"))[0]))


@pytest.mark.parametrize("packing", PACKERS)
def test_json_lines_packed_in_every_way(packing: str, tmp_path: Path, articles: list[dict[str, Any]]) -> None:
    data = "\n".join(json.dumps(one, ensure_ascii=False) for one in articles).encode()
    rows = rows_of(tmp_path, f"a.jsonl{packing}", PACKERS[packing](data))
    assert [row.values for row in rows] == articles
    assert [row.number for row in rows] == list(range(1, len(articles) + 1))
    assert rows[-1].position <= (tmp_path / f"a.jsonl{packing}").stat().st_size


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize(("name", "separator"), [("a.csv", ","), ("a.csv", ";"), ("a.tsv", "\t")])
def test_tables_packed_in_every_way(packing: str, name: str, separator: str, tmp_path: Path) -> None:
    data = '\ufeffid,text\n007,"یک،\nدو ""سه"""\n\n8,چهار\n'.replace(",", separator).encode()
    rows = rows_of(tmp_path, name + packing, PACKERS[packing](data))
    assert [(row.number, row.values) for row in rows] == [
        (1, {"id": "007", "text": 'یک،\nدو "سه"'}),
        (3, {"id": "8", "text": "چهار"}),
    ]


def test_parquet(tmp_path: Path) -> None:
    moment = datetime(2024, 5, 6, 7, 8, 9)
    table = pyarrow.table(
        {
            "text": pyarrow.array(["یک", "دو"]).dictionary_encode(),
            "at": pyarrow.array([moment, None], pyarrow.timestamp("ns")),
            "claims": [["الف"], None],
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    rows = list(read_rows(find_inputs([str(tmp_path)], str(tmp_path / "out"))[0]))
    assert [row.values for row in rows] == [
        {"text": "یک", "at": moment, "claims": ["الف"]},
        {"text": "دو", "at": None, "claims": None},
    ]
    assert rows[-1].position == (tmp_path / "a.parquet").stat().st_size


def test_faulty_lines_stay_alone(tmp_path: Path) -> None:
    lines = ['{"text": "یک"}', "{", "", "[1]", '{"n": NaN}', '{"text": "دو"}']
    data = "\n".join(lines).encode() + b'\n{"text": "\xc7"}\n'
    rows = rows_of(tmp_path, "a.jsonl", data)
    assert [(row.number, (row.fault or "").split(" (")[0][:22]) for row in rows] == [
        (1, ""),
        (2, "broken JSON"),
        (4, "a JSON list; it takes "),
        (5, "broken JSON"),
        (6, ""),
        (7, "bytes that are not UTF"),
    ]


def test_faulty_cells_stay_alone(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "a.csv", 'id,text\n1,یک\n2\n3,"س" ه\n'.encode() + b"4,\xc7\n" + "5,پنج\n".encode())
    faults = [(row.fault or "").split(";")[0].split(" (")[0] for row in rows]
    assert faults == ["", "1 cells", "broken quoting", "bytes that are not UTF-8", ""]


@pytest.mark.parametrize("packing", [".gz", ".bz2", ".xz", ".zst"])
def test_a_cut_file_gives_what_is_whole_and_a_fault(packing: str, tmp_path: Path) -> None:
    lines = [json.dumps({"text": f"{number * 7919} {number * 104729}"}) for number in range(8_000)]
    data = PACKERS[packing]("\n".join(lines).encode())
    rows = rows_of(tmp_path, f"a.jsonl{packing}", data[: len(data) * 2 // 3])
    assert rows[-1].fault is not None
    assert "damaged from here on" in rows[-1].fault
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert not any(row.fault for row in rows[:-1])


@pytest.mark.parametrize("header", ["", "a,a", " , "])
def test_a_header_that_is_not_clear_is_refused(header: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"{header}\n1,2\n", "utf-8")
    with pytest.raises(SourceError, match="header"):
        table_header(find_inputs([str(tmp_path)], str(tmp_path / "out"))[0])


def test_what_zstd_needs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"khabar\[batch\]"):
        rows_of(tmp_path, "a.jsonl.zst", b"x")
