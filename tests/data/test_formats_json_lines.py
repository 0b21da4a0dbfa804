"""JSON Lines: what comes back, packed files, and errors with their line."""

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from khabar_data import Record, RecordError, Span, write_jsonl
from khabar_data.formats import FormatError, Source

RECORDS = [
    Record(text="بانک ملی", entities=(Span(start=0, end=8, label="ORG"),), entity_types=("ORG",), topics=("economy",)),
    Record(text="یک\u2028دو\r\nسه\rچهار"),
]


def test_records_go_round(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", RECORDS)
    assert list(Source(path=str(tmp_path / "a.jsonl")).records()) == RECORDS


@pytest.mark.parametrize(("ending", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)])
def test_packed_files(tmp_path: Path, ending: str, pack: Callable[[bytes], bytes]) -> None:
    write_jsonl(tmp_path / "a.jsonl", RECORDS)
    packed = pack((tmp_path / "a.jsonl").read_bytes())
    path = tmp_path / f"a.jsonl.{ending}"
    path.write_bytes(packed)
    assert list(Source(path=str(path)).records()) == RECORDS
    path.write_bytes(packed[:-9])
    with pytest.raises(FormatError, match="the packed file is damaged"):
        list(Source(path=str(path)).records())


def test_an_empty_file_has_no_records(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").touch()
    assert list(Source(path=str(tmp_path / "a.jsonl")).records()) == []


def test_marks_line_ends_and_blank_lines(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(b'\xef\xbb\xbf{"text": "a"}\r\n\r\n  \n{"text": "b"}')
    found = [(entry.place, entry.content) for entry in Source(path=str(tmp_path / "a.ndjson")).entries()]
    assert found == [("1", Record(text="a")), ("4", Record(text="b"))]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"text": ', "got broken JSON"),
        (b"[" * 100_000, "got broken JSON"),
        (b'["text"]', "got a JSON list; a record takes one JSON object a line; name the format, as label-studio"),
        (b'{"text": "\xff"}', "got bytes that are not UTF-8 (0xFF)"),
        (b'{"text": "a\\ud800"}', "got half a surrogate pair in 'text'"),
        (b'{"txt": "a"}', "got the key 'txt' in the record; a record takes text"),
        (b'{"text": "a", "label": ["x"]}', "got the key 'label' in the record"),
        (b'{"text": " "}', "got a blank text"),
    ],
)
def test_the_first_error_is_raised_and_the_rest_can_be_read(tmp_path: Path, line: bytes, message: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "a"}\n\n' + line + b'\n{"text": "b"}\n')
    with pytest.raises(RecordError) as caught:
        list(Source(path=str(path)).records())
    assert str(caught.value).startswith(f"{path}:3: {message}")
    contents = [entry.content for entry in Source(path=str(path)).entries()]
    assert [content.text for content in contents if isinstance(content, Record)] == ["a", "b"]


def test_doccano_s_keys_are_recognized_in_the_error(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a", "label": [[0, 1, "PER"]]}\n')
    with pytest.raises(RecordError, match="if the file comes from doccano, name that format: doccano"):
        list(Source(path=str(tmp_path / "a.jsonl")).records())


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"none\.jsonl: it cannot be read \(No such file or directory\)"):
        list(Source(path=str(tmp_path / "none.jsonl")).records())
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(FormatError, match="Is a directory"):
        list(Source(path=str(tmp_path / "folder.jsonl")).records())
