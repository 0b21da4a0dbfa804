"""Parts: the unit of work, from some rows of one file to one file of the output."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any, Final

from khabar.batch.analysis import analyze_rows, load_model
from khabar.batch.inputs import Input
from khabar.batch.places import EXTRA, PART, drafted_file
from khabar.batch.rows import Row, read_rows
from khabar.batch.schema import as_json, output_table
from khabar.batch.settings import BatchSettings
from khabar.extras import load_extra


@dataclass(frozen=True)
class Part:
    """Some rows of one input, which is counted from 0, as is the part; *n_bytes* of the file hold them."""

    input: int
    number: int
    rows: tuple[Row, ...]
    n_bytes: int

    @property
    def stem(self) -> str:
        """The name of its file without the suffix; names sort as the rows of the input do."""
        return f"part-{self.input:06d}-{self.number:06d}"


@dataclass(frozen=True)
class PartDone:
    """A part that is written: how many articles are in its file, and the rows that have a fault."""

    input: int
    number: int
    n_bytes: int
    file: str | None
    """Its name; None where no row of it could be read."""
    first: int
    last: int
    """The numbers of its first and last row."""
    n_articles: int
    faults: tuple[Row, ...]


@dataclass(frozen=True)
class Job:
    """All that a process needs to read parts, here or on another machine; it can be pickled.

    *model* is a checkpoint folder, or None for the bundled one; *digest* is what it must have.
    *articles* is the folder of the parts, or its URI; *kept* the Arrow schema of the input's columns.
    """

    model: str | None
    digest: str
    articles: str
    settings: BatchSettings
    kept: Any


class PartReader:
    """Loads the model once and then reads parts: what a worker process, or an actor elsewhere, holds."""

    def __init__(self, job: Job, threads: int) -> None:
        self._job = job
        self._analyzer = load_model(job.model, job.digest, threads, job.settings.providers)

    def read(self, part: Part) -> Iterator[float | PartDone]:
        """Yield for each row that is read its share of the bytes, and when the part's file stands, the part as done."""
        good: list[Row] = []
        faults: list[Row] = []
        for row in analyze_rows(self._analyzer, part.rows, self._job.settings):
            (good if row.fault is None else faults).append(row)
            yield part.n_bytes / len(part.rows)
        file = self._write(part.stem, good) if good else None
        first, last = part.rows[0].number, part.rows[-1].number
        yield PartDone(part.input, part.number, part.n_bytes, file, first, last, len(good), tuple(faults))

    def _write(self, stem: str, rows: Sequence[Row]) -> str:
        name = f"{stem}.{self._job.settings.to}"
        with drafted_file(self._job.articles, name) as file:
            _WRITERS[self._job.settings.to](file, rows, self._job)
        return name


def cut(number: int, source: Input, part_rows: int) -> Iterator[Part]:
    """Yield the parts of an input, in order; the same ones every time."""
    position = 0
    for index, rows in enumerate(batched(read_rows(source), part_rows)):
        yield Part(number, index, rows, rows[-1].position - position)
        position = rows[-1].position


def _write_parquet(file: Any, rows: Sequence[Row], job: Job) -> None:
    parquet = load_extra("pyarrow.parquet", PART, EXTRA)
    parquet.write_table(output_table(rows, job.kept, job.settings), file, compression="zstd")


def _write_json_lines(file: Any, rows: Sequence[Row], job: Job) -> None:
    for row in rows:
        file.write(f"{as_json(row.values)}\n".encode())


_WRITERS: Final[Mapping[str, Callable[[Any, Sequence[Row], Job], None]]] = {
    "parquet": _write_parquet,
    "jsonl": _write_json_lines,
}
