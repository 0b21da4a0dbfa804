"""Parquet files, read a batch of rows at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from khabar.extras import load_extra
from khabar_data.formats.entry import Entry, FormatError, Notice
from khabar_data.formats.rows import NESTED, Columns, row_record


@dataclass(frozen=True, kw_only=True)
class ParquetOptions:
    """How a Parquet file is read; columns named as a record's lists of spans and stances hold those."""

    columns: Columns = field(default_factory=Columns)
    batch_rows: int = 512


def read_parquet(path: str, options: ParquetOptions) -> Iterator[Entry]:
    """Yield the rows of a Parquet file, which count from 1."""
    arrow = load_extra("pyarrow", "reading Parquet", "data")
    parquet = load_extra("pyarrow.parquet", "reading Parquet", "data")
    try:
        with parquet.ParquetFile(path) as file:
            header: list[str] = file.schema_arrow.names
            columns = options.columns.located(header, path)
            wanted = [name for name in header if name in columns.values() or name in NESTED]
            if unread := [name for name in header if name not in wanted]:
                yield Entry("1", Notice(f"columns that are not read: {', '.join(unread)}"))
            number = 0
            for batch in file.iter_batches(batch_size=options.batch_rows, columns=wanted):
                for row in batch.to_pylist():
                    number += 1
                    yield Entry.made(str(number), row_record, row, columns)
    except (OSError, arrow.ArrowException, UnicodeDecodeError) as error:
        raise FormatError(path, f"it cannot be read as Parquet ({error})", "check the path and the file") from None
