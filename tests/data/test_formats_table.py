"""CSV and TSV as spreadsheets save them: separators, quotes, line ends, encodings, and errors with line and row."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from khabar_data import ClaimStance, Record, RecordError, TargetStance
from khabar_data.formats import FormatError, Notice, Source

PERSIAN: dict[str, Any] = {"columns": {"text": "متن", "topic": "موضوع"}}


def source(path: Path, data: bytes, **options: Any) -> Source:
    """Return a source of a file with these bytes."""
    path.write_bytes(data)
    return Source(path=str(path), options=options)


def texts(tmp_path: Path, data: bytes, **options: Any) -> list[str]:
    return [record.text for record in source(tmp_path / "in.csv", data, **options).records()]


def refusal(tmp_path: Path, data: bytes, name: str = "in.csv", **options: Any) -> str:
    """Return the message of what refuses a file, without the folder."""
    with pytest.raises((FormatError, RecordError)) as caught:
        list(source(tmp_path / name, data, **options).records())
    return str(caught.value).replace(f"{tmp_path}/", "")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_an_export_with_persian_headers(tmp_path: Path, mark: str, separator: str, end: str) -> None:
    rows = [("متن", "موضوع"), ("بانک مرکزی، نرخ را بالا برد.", "اقتصاد"), ("باران بارید.", "")]
    data = mark + end.join(separator.join(row) for row in rows) + end
    found = list(source(tmp_path / "in.csv", data.encode(), **PERSIAN).records())
    assert found == [
        Record(text="بانک مرکزی، نرخ را بالا برد.", topics=("اقتصاد",)),
        Record(text="باران بارید."),
    ]


def test_every_column_has_its_field(tmp_path: Path) -> None:
    header = "text,title,topic,id,group,source,variety,date,target,target_stance,claim,claim_stance"
    row = "متن,سر,sport,7,g,s,dari,2026-11-02,طالبان,against,ادعا,agree"
    (found,) = source(tmp_path / "in.csv", f"{header}\n{row}\n".encode()).records()
    assert found == Record(
        text="متن",
        title="سر",
        topics=("sport",),
        id="7",
        group="g",
        source="s",
        variety="dari",
        date="2026-11-02",
        target_stances=(TargetStance(target="طالبان", labels=("against",)),),
        claim_stances=(ClaimStance(claim="ادعا", labels=("agree",)),),
    )


def test_a_pair_of_columns_is_there_or_is_not(tmp_path: Path) -> None:
    data = "text,target\nمتن,طالبان\n".encode()
    assert [record.target_stances for record in source(tmp_path / "in.csv", data).records()] == [()]
    message = refusal(tmp_path, data, columns={"target": "target"})
    assert message == "in.csv:1: target and target_stance go together; name the column for target_stance too"


def test_tsv_needs_no_sniffing(tmp_path: Path) -> None:
    found = source(tmp_path / "in.tsv", "text\ttopic\nیک، دو; سه\tsport\n".encode()).records()
    assert [record.text for record in found] == ["یک، دو; سه"]


def test_excel_s_own_separator_line(tmp_path: Path) -> None:
    data = "sep=|\r\ntext|topic\r\nیک|sport\r\n|sport\r\n".encode()
    records = source(tmp_path / "in.csv", data).records()
    assert next(records).text == "یک"
    with pytest.raises(RecordError, match=r"in\.csv:4: row 2: got a blank text"):
        next(records)


def test_quoted_cells_hold_separators_quotes_and_lines(tmp_path: Path) -> None:
    data = 'text,topic\n"یک, ""دو""\r\nسه",sport\n'.encode()
    assert texts(tmp_path, data) == ['یک, "دو"\r\nسه']


def test_blank_rows_are_passed_over_and_short_ones_filled(tmp_path: Path) -> None:
    assert texts(tmp_path, "text;topic;id\nیک\n;;\n \n\nدو;;\n".encode()) == ["یک", "دو"]


def test_a_cell_longer_than_the_csv_module_s_limit(tmp_path: Path) -> None:
    assert len(texts(tmp_path, b"text,topic\n" + b"a" * 200_000 + b",sport\n")[0]) == 200_000


def test_windows_1256_by_name(tmp_path: Path) -> None:
    data = "متن;موضوع\r\nگزارش چاپ؛ ژنو، کابل;جامعه\r\n".encode("windows-1256")
    found = list(source(tmp_path / "in.csv", data, encoding="windows-1256", **PERSIAN).records())
    assert found == [Record(text="گزارش چاپ؛ ژنو، کابل", topics=("جامعه",))]


def test_utf_16_by_name(tmp_path: Path) -> None:
    data = "متن\tموضوع\r\nیک\tجامعه\r\n".encode("utf-16")
    assert texts(tmp_path, data, encoding="utf-16", **PERSIAN) == ["یک"]
    assert "iconv -f UTF-16 -t UTF-8" in refusal(tmp_path, data, **PERSIAN)


REFUSALS: list[tuple[bytes, Mapping[str, Any], str]] = [
    (b"", {}, "in.csv:1: no header; name the columns in the first line"),
    (b"\n\n", {}, "in.csv:1: no header; name the columns in the first line"),
    (
        "txt,topic\nیک,sport\n".encode(),
        {},
        "in.csv:1: no column 'text'; there are txt, topic; name the one for text; did you mean 'txt'?",
    ),
    (
        "متن;موضوع\nیک;ورزش\n".encode(),
        {"columns": {"text": "متنن"}},
        "in.csv:1: no column 'متنن'; there are متن, موضوع",
    ),
    (b"text,text\n", {}, "in.csv:1: two columns 'text'; rename one of them"),
    (b'"text,topic\n', {}, "in.csv:1: broken quoting in the header"),
    (b'text,topic\n\n"a\nb",x\n"",sport\n', {}, "in.csv:5: row 3: got a blank text"),
    (
        b"text,topic\na,b,c\n",
        {},
        "in.csv:2: row 1: got 3 cells; a record takes 2, as the header has; quote the cells that hold ','",
    ),
    (b'text,topic\na,b\n"a" b,c\n', {}, "in.csv:3: row 2: got broken quoting"),
    (b'text,topic\n"a,b\nc\n', {}, "in.csv:2: row 1: got broken quoting"),
    (
        b"text\na\n" + "کابل".encode("windows-1256") + b"\n",
        {},
        "in.csv:3: row 2: got bytes that are not UTF-8 (0x98), as in Windows-1256; a record takes UTF-8; "
        "convert it, as with: iconv -f WINDOWS-1256 -t UTF-8, or name its encoding, windows-1256",
    ),
    ("متن\nخبر\n".encode("windows-1256"), PERSIAN, "in.csv:1: bytes that are not UTF-8 (0xE3), as in Windows-1256"),
    (b"text\n", {"encoding": "utf-9"}, "in.csv: no encoding is called 'utf-9'"),
]


@pytest.mark.parametrize(("data", "options", "message"), REFUSALS)
def test_refusals_name_line_and_row(tmp_path: Path, data: bytes, options: Mapping[str, Any], message: str) -> None:
    assert refusal(tmp_path, data, **options).startswith(message)


def test_reading_goes_on_after_a_bad_row_where_entries_are_asked_for(tmp_path: Path) -> None:
    data = b'text,topic\na,x\n"b" c,x\n,x\nd,x\n'
    found = [(entry.place, type(entry.content)) for entry in source(tmp_path / "in.csv", data).entries()]
    assert found == [("2: row 1", Record), ("3: row 2", RecordError), ("4: row 3", RecordError), ("5: row 4", Record)]


def test_columns_that_are_not_read_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    given = source(tmp_path / "in.csv", b"text,topics,url\na,x,y\n")
    assert next(given.entries()).content == Notice("columns that are not read: topics, url")
    assert [record.text for record in given.records()] == ["a"]
    assert caplog.messages == [f"{tmp_path}/in.csv:1: columns that are not read: topics, url"]
