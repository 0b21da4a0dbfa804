"""A batch from its inputs to its last part: inputs cut into parts, parts read by an engine, and all of it noted."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from khabar.batch.inputs import find_inputs
from khabar.batch.manifest import Manifest, articles_of, opened
from khabar.batch.parts import Job, Part, PartDone, cut
from khabar.batch.schema import kept_columns
from khabar.batch.settings import BatchSettings
from khabar.batch.workers import read_parts
from khabar.checkpoint import Checkpoint, located, portable
from khabar.errors import InputError

type Engine = Callable[[Job, Iterator[Part], int | None], Iterator[float | PartDone]]
"""Reads the parts with so many workers, and yields for each row its share of the bytes, and each part as it is done."""


@dataclass(frozen=True)
class Step:
    """How far a batch has come: rows read by this run, articles and faults in the output, bytes of *n_bytes*."""

    n_rows: int
    n_articles: int
    n_faults: int
    bytes_done: float
    n_bytes: int
    """Of what was left to do when this run began."""


def run_batch(
    inputs: Sequence[str],
    out: str | Path,
    settings: BatchSettings | None = None,
    *,
    model: str | Path | None = None,
    workers: int | None = None,
    engine: Engine = read_parts,
) -> Iterator[Step]:
    """Analyse tables into *out*, a step at a time; where a batch stands there, go on with it.

    *inputs* are files, folders, globs and URIs of JSON Lines, CSV, TSV and Parquet, packed or not. The
    *workers* are processes of this machine, one if not told, or what :func:`khabar.scale.on_ray`
    makes of them. Rows stream: no more than a part for each of them is in memory. Raises SourceError,
    ConfigError, CheckpointError and InputError before the first step where something does not fit,
    and MissingExtraError without pyarrow.
    """
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise InputError("workers", repr(workers), "a whole number from 1", "pass one of these")
    settings = settings or BatchSettings()
    folder, out = located(model), Path(out)
    digest = Checkpoint(folder).digest
    articles = articles_of(out, settings)
    sources = find_inputs(inputs, str(out), articles)
    job = Job(portable(folder), digest, articles, settings, kept_columns(sources, settings))
    with opened(out, settings, digest, sources) as manifest:
        left = [number for number in range(len(sources)) if not manifest.has_all(number)]
        progress = _Progress(manifest, sum(sources[number].size for number in left))
        yield progress.step()

        def parts() -> Iterator[Part]:
            for number in left:
                n_parts = 0
                for part in cut(number, sources[number], settings.part_rows):
                    n_parts += 1
                    if manifest.has(number, part.number):
                        progress.n_bytes -= part.n_bytes
                    else:
                        yield part
                manifest.add_end(number, n_parts)

        with closing(engine(job, parts(), workers)) as messages:  # type: ignore[type-var]
            for message in messages:
                yield progress.after(message)


@dataclass
class _Progress:
    manifest: Manifest
    n_bytes: int
    n_rows: int = 0
    bytes_done: float = 0

    def after(self, message: float | PartDone) -> Step:
        """Note what a worker says, and return how far the batch is."""
        if isinstance(message, PartDone):
            self.manifest.add(message)
        else:
            self.n_rows += 1
            self.bytes_done += message
        return self.step()

    def step(self) -> Step:
        done = self.manifest
        return Step(self.n_rows, done.n_articles, done.n_faults, self.bytes_done, self.n_bytes)
