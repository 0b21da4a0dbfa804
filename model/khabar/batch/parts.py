"""Parts: the unit of work, from some rows of one file to one file of the output."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import Any, Final

from khabar.analyzer import Analyzer
from khabar.batch.analysis import analyze_rows
from khabar.batch.inputs import Input
from khabar.batch.rows import EXTRA, PART, Row, read_rows
from khabar.batch.schema import as_json, output_table
from khabar.batch.settings import BatchSettings
from khabar.errors import SourceError
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
    """All that a process needs to read parts; it can be pickled.

    *out* is the folder of the parts; *kept* the Arrow schema of the input's columns.
    """

    model: str | None
    threads: int | None
    out: Path
    settings: BatchSettings
    kept: Any


class PartReader:
    """Loads the model once and then reads parts: what a worker process, or an actor elsewhere, holds."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._analyzer = Analyzer.load(job.model, threads=job.threads, providers=job.settings.providers)

    def read(self, part: Part) -> Iterator[float | PartDone]:
        """Yield for each row that is read its share of the bytes, and when the part's file stands, the part as done."""
        good: list[Row] = []
        faults: list[Row] = []
        for row in analyze_rows(self._analyzer, part.rows, self._job.settings):
            (good if row.fault is None else faults).append(row)
            yield part.n_bytes / len(part.rows)
        file = write_part(self._job, part.stem, good) if good else None
        first, last = part.rows[0].number, part.rows[-1].number
        yield PartDone(part.input, part.number, part.n_bytes, file, first, last, len(good), tuple(faults))


def cut(number: int, source: Input, part_rows: int) -> Iterator[Part]:
    """Yield the parts of an input, in order; the same ones every time."""
    position = 0
    for index, rows in enumerate(batched(read_rows(source), part_rows)):
        yield Part(number, index, rows, rows[-1].position - position)
        position = rows[-1].position


def write_part(job: Job, stem: str, rows: Sequence[Row]) -> str:
    """Write analysed rows to a draft that then gets its name, which is returned; SourceError where the disk refuses."""
    path = job.out / f"{stem}.{job.settings.to}"
    draft = job.out / f".{path.name}.{os.getpid()}.draft"
    try:
        with open(draft, "wb") as file:
            _WRITERS[job.settings.to](file, rows, job)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        problem = f"it cannot be written ({error.strerror or error})"
        raise SourceError(str(path), problem, "mend that and run the same command again") from None
    return path.name


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
