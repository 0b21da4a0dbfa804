"""CSV and TSV, as spreadsheets save them."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from khabar_data.formats.entry import Entry, FormatError, Notice
from khabar_data.formats.rows import Columns, row_record
from khabar_data.formats.text_file import UTF8, check_decoded, read_lines
from khabar_data.records import Record, RecordError

SEPARATORS: Final = ",;\t|"
LONGEST_HEADER: Final = 1 << 20
LONGEST_CELL: Final = 1 << 24
"""Characters; a quote that is never closed must not swallow a file."""


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """How a CSV or TSV file is read."""

    columns: Columns = field(default_factory=Columns)
    separator: str | None = None
    """None: the one of comma, semicolon, tab and bar that parts the first line into most columns."""
    encoding: str = UTF8

    def __post_init__(self) -> None:
        if self.separator is not None and len(self.separator) != 1:
            raise FormatError("format csv", f"separator is {self.separator!r}", "it takes one character")


def read_table(path: str, options: TableOptions) -> Iterator[Entry]:
    """Yield the rows of a table whose first line names the columns; rows of blank cells are passed over."""
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_CELL))  # the module has one limit for all readers
    lines = read_lines(path, options.encoding, newline="")
    first = next(lines, "")
    n_skipped = 0
    separator = options.separator
    if first.startswith("sep=") and len(first.strip("\r\n")) == 5:  # Excel's own way of naming the separator
        separator, first, n_skipped = separator or first[4], next(lines, ""), 1
    if len(first) > LONGEST_HEADER:
        raise FormatError(
            f"{path}:{n_skipped + 1}", "a header of over a megabyte", "name the columns in the first line"
        )
    reader = csv.reader(chain([first], lines), delimiter=separator or _sniffed(first), strict=True)
    header = _header(reader, f"{path}:{n_skipped + 1}", options.encoding)
    columns = options.columns.located(header, f"{path}:{n_skipped + 1}")
    if unread := [name for name in header if name and name not in columns.values()]:
        yield Entry(str(n_skipped + 1), Notice(f"columns that are not read: {', '.join(unread)}"))

    def record(cells: list[str]) -> Record:
        for cell in cells:
            check_decoded(cell, options.encoding)
        if len(cells) > len(header):
            remedy = f"quote the cells that hold {reader.dialect.delimiter!r}"
            raise RecordError(f"{len(cells)} cells", f"{len(header)}, as the header has", remedy)
        return row_record(dict(zip(header, [*cells, *[""] * (len(header) - len(cells))], strict=True)), columns)

    row = 0
    while True:
        row += 1
        place = f"{reader.line_num + n_skipped + 1}: row {row}"
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            remedy = "close the quotes, and double those inside a quoted cell"
            yield Entry(place, RecordError(f"broken quoting ({error})", "a row of whole cells", remedy))
            continue
        if any(cell.strip() for cell in cells):
            yield Entry.made(place, record, cells)


def _sniffed(line: str) -> str:
    return max(SEPARATORS, key=lambda separator: len(next(csv.reader([line], delimiter=separator), [])))


def _header(reader: Iterator[list[str]], place: str, encoding: str) -> list[str]:
    try:
        header = [cell.strip() for cell in next(reader, [])]
        check_decoded(" ".join(header), encoding)
    except csv.Error as error:
        raise FormatError(place, f"broken quoting in the header ({error})", "close the quotes") from None
    except RecordError as error:
        got, _, remedy, _ = error.args
        raise FormatError(place, f"{got} in the header", remedy) from None
    if not any(header):
        raise FormatError(place, "no header", "name the columns in the first line")
    return header
