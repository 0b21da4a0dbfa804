"""Rows of JSON Lines, CSV, TSV and Parquet, one at a time, with all their columns."""

import bz2
import csv
import gzip
import io
import json
import lzma
import re
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, Final

from khabar.batch.inputs import Input
from khabar.batch.places import EXTRA, PART, opened_file
from khabar.errors import SourceError
from khabar.extras import load_extra

_LONGEST_CELL: Final = 1 << 24
"""Characters; a quote that is never closed must not swallow a file."""
_LONGEST_LINE: Final = 1 << 26
_LONGEST_HEADER: Final = 1 << 20
"""Characters, or bytes; a small packed file may hold a line that no memory does."""
_SEPARATORS: Final = ",;\t|"
_READ_ROWS: Final = 512
SURROGATE: Final = re.compile("[\ud800-\udfff]")
"""Half characters, which UTF-8 cannot hold."""
_DAMAGE: Final = (EOFError, zlib.error, lzma.LZMAError, OSError, ValueError)
"""What reading a damaged file raises; an OSError only where it has no number, for pyarrow's and gzip's have none."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row, by column, or what is wrong with it; *number* from 1, *position* in the bytes of the file."""

    number: int
    values: Mapping[str, Any]
    fault: str | None = None
    position: int = 0


def read_rows(source: Input) -> Iterator[Row]:
    """Yield the rows of a file; one that is damaged ends with a faulty row. SourceError where it cannot be read.

    Rows of JSON Lines count as lines, blank ones too; those of a table count without its header.
    """
    number = 0
    try:
        with opened_file(source.path) as raw:
            for row in _READERS[source.suffix](raw, source):
                number = row.number
                yield row
    except SourceError:
        raise
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise SourceError(source.path, f"it cannot be read ({error.strerror})", "check the file") from None
        reason = f"the file is damaged from here on ({error}); get it anew"
        yield Row(number + 1, {}, reason, source.size)


def table_header(source: Input) -> list[str]:
    """Return the names of the columns of a CSV or TSV file; SourceError where they are missing or not clear."""
    try:
        with opened_file(source.path) as raw:
            _, header = _table(raw, source)
    except SourceError:
        raise
    except _DAMAGE as error:
        raise SourceError(source.path, f"its header cannot be read ({error})", "check the file") from None
    return header


def parquet_schema(source: Input) -> Any:
    """Return the Arrow schema in which a Parquet file's rows come; SourceError where it is no Parquet file.

    Dictionaries are turned into their values, and nanoseconds, which Python's times lack, are cut.
    """
    arrow = load_extra("pyarrow", PART, EXTRA)
    parquet = load_extra("pyarrow.parquet", PART, EXTRA)
    try:
        with opened_file(source.path) as raw:
            schema = parquet.read_schema(raw)
    except (OSError, arrow.ArrowException, UnicodeDecodeError) as error:
        raise SourceError(source.path, f"it cannot be read as Parquet ({error})", "check the file") from None
    return arrow.schema([(field.name, _plain_type(arrow, field.type)) for field in schema])


def _plain_type(arrow: Any, kind: Any) -> Any:
    if arrow.types.is_dictionary(kind):
        return kind.value_type
    if arrow.types.is_timestamp(kind) and kind.unit == "ns":
        return arrow.timestamp("us", kind.tz)
    return kind


def _unpacked(raw: IO[bytes], packing: str) -> IO[bytes]:
    if packing == ".zst":
        arrow = load_extra("pyarrow", "reading .zst", EXTRA)
        return io.BufferedReader(arrow.CompressedInputStream(raw, "zstd"))
    openers: dict[str, Callable[[IO[bytes]], Any]] = {
        ".gz": lambda file: gzip.GzipFile(fileobj=file),
        ".bz2": bz2.BZ2File,
        ".xz": lzma.LZMAFile,
    }
    unpacked: IO[bytes] = openers[packing](raw) if packing else raw
    return unpacked


def _lines[T: (str, bytes)](file: IO[T]) -> Iterator[T]:
    while line := file.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise ValueError("a line of 64 MB or more")
        yield line


def _json_lines(raw: IO[bytes], source: Input) -> Iterator[Row]:
    for number, line in enumerate(_lines(_unpacked(raw, source.packing)), start=1):
        if number == 1:
            line = line.removeprefix(BOM_UTF8)
        if line.strip():
            values, fault = _parsed(line)
            yield Row(number, values, fault, raw.tell())


def _parsed(line: bytes) -> tuple[dict[str, Any], str | None]:
    try:
        values = json.loads(line.decode(), parse_constant=_refused)
    except UnicodeDecodeError as error:
        return {}, f"bytes that are not UTF-8 (0x{line[error.start]:02X}); save the file as UTF-8"
    except (ValueError, RecursionError) as error:
        return {}, f"broken JSON ({error}); it takes one JSON object a line"
    if not isinstance(values, dict):
        return {}, f"a JSON {type(values).__name__}; it takes one JSON object a line"
    return values, None


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


def _csv_rows(raw: IO[bytes], source: Input) -> Iterator[Row]:
    reader, header = _table(raw, source)
    number = 0
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(number, {}, f"broken quoting ({error}); close the quotes", raw.tell())
            continue
        if not any(cell.strip() for cell in cells):
            continue
        values = dict(zip(header, cells, strict=False))
        fault = None
        if len(cells) != len(header):
            fault = f"{len(cells)} cells; it takes {len(header)}, as the header has"
        elif SURROGATE.search("".join(cells)):
            fault = "bytes that are not UTF-8; save the file as UTF-8"
        yield Row(number, values, fault, raw.tell())


def _table(raw: IO[bytes], source: Input) -> tuple[Iterator[list[str]], list[str]]:
    """Return a reader of the rows below the header, and the header."""
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_CELL))  # the module has one limit for all readers
    text = io.TextIOWrapper(_unpacked(raw, source.packing), "utf-8-sig", "surrogateescape", newline="")
    first = text.readline(_LONGEST_HEADER)
    if len(first) == _LONGEST_HEADER:
        raise SourceError(source.path, "its header has over a megabyte", "name the columns in the first line")
    separator = "\t"
    if source.suffix == ".csv":
        separator = max(_SEPARATORS, key=lambda one: len(next(csv.reader([first], delimiter=one), [])))
    header = [cell.strip() for cell in next(csv.reader([first], delimiter=separator), [])]
    if not any(header) or len(set(header)) < len(header) or SURROGATE.search(first):
        remedy = "name every column once, in UTF-8, in the first line"
        raise SourceError(source.path, f"its header is {', '.join(map(ascii, header)) or 'blank'}", remedy)
    return csv.reader(_lines(text), delimiter=separator, strict=True), header


def _parquet_rows(raw: IO[bytes], source: Input) -> Iterator[Row]:
    arrow = load_extra("pyarrow", PART, EXTRA)
    parquet = load_extra("pyarrow.parquet", PART, EXTRA)
    schema = parquet_schema(source)
    number = 0
    with parquet.ParquetFile(raw) as file:
        for batch in file.iter_batches(batch_size=_READ_ROWS):
            for values in arrow.Table.from_batches([batch]).cast(schema, safe=False).to_pylist():
                number += 1
                yield Row(number, values, None, source.size * number // file.metadata.num_rows)


_READERS: Final[Mapping[str, Callable[[IO[bytes], Input], Iterator[Row]]]] = {
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".csv": _csv_rows,
    ".tsv": _csv_rows,
    ".tab": _csv_rows,
    ".parquet": _parquet_rows,
}
