"""Articles a second by length and by number of processes, and what archives of 1 M to 10 B articles cost by that.

    python benchmarks/throughput.py [--seconds 20] [--no-ray]

The articles are the own samples, varied (own_archive.py). Each figure is of the whole path, from a JSON Lines file to
Parquet parts with topic, entities and the stance toward three main entities, and counts from the first part done to the
last, so that starting is left out. One process has one core and one thread. About four minutes.
"""

import argparse
import os
import pickle
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from own_archive import write_archive
from rich.box import MARKDOWN
from rich.console import Console
from rich.progress import track
from rich.table import Table

from khabar.batch import BatchSettings, Engine, run_batch
from khabar.batch.inputs import find_inputs
from khabar.batch.parts import cut
from khabar.batch.workers import read_parts
from khabar.runtime import available_cores

LENGTHS = (100, 200, 400, 800, 1600)
USUAL = 400
SIZES = {"1 M": 10**6, "100 M": 10**8, "10 B": 10**10}
N_PARTS = 12
WORDS_A_SECOND = 1_200
"""About what a core reads; only to choose how many articles a measurement takes."""


@dataclass(frozen=True)
class Measured:
    """Articles a second, and bytes of input and output to an article."""

    name: str
    words: int
    rate: float
    bytes_in: float
    bytes_out: float


@contextmanager
def cores(n_cores: int) -> Iterator[None]:
    """Keep this process, and those that it starts, to so many cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:n_cores])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def measure(name: str, words: int, n_workers: int, seconds: float, engine: Engine = read_parts) -> Measured:
    """Run a batch that takes about so many seconds."""
    part_rows = max(2, int(seconds * n_workers * WORDS_A_SECOND / words / N_PARTS))
    n_articles = part_rows * N_PARTS
    with TemporaryDirectory() as folder, cores(n_workers):
        size = write_archive(Path(folder, "in"), n_articles, words)
        done: list[tuple[float, int]] = []
        settings = BatchSettings(part_rows=part_rows)
        for step in run_batch([f"{folder}/in"], f"{folder}/out", settings, workers=n_workers, engine=engine):
            if step.n_articles > (done[-1][1] if done else 0):
                done.append((time.perf_counter(), step.n_articles))
        written = sum(path.stat().st_size for path in Path(folder, "out/articles").iterdir())
    (begin, first), (end, last) = done[n_workers - 1], done[-1]
    return Measured(name, words, (last - first) / (end - begin), size / n_articles, written / n_articles)


def reading_rate() -> float:
    """Return how many articles a second one process reads, cuts into parts and makes ready to be sent."""
    with TemporaryDirectory() as folder:
        write_archive(Path(folder), 10_000, USUAL)
        (source,) = find_inputs([folder])
        begin = time.perf_counter()
        for part in cut(0, source, 1000):
            pickle.dumps(part, protocol=5)
        return 10_000 / (time.perf_counter() - begin)


def show(console: Console, measured: list[Measured], reading: float) -> None:
    """Print what was measured and what follows from it."""
    found = Table("run", "words", "articles/s", "articles/h", "words/s", "bytes in", "bytes out", box=MARKDOWN)
    for one in measured:
        sizes = (f"{one.bytes_in:,.0f}", f"{one.bytes_out:,.0f}")
        rates = (f"{one.rate:.1f}", f"{one.rate * 3600:,.0f}", f"{one.rate * one.words:,.0f}")
        found.add_row(one.name, str(one.words), *rates, *sizes)
    console.print(found)
    usual = next(one for one in measured if one.words == USUAL)
    cost = Table(
        "articles", "core hours", "cores for a day", "cores for a week", "read", "written", "one reader", box=MARKDOWN
    )
    for name, number in SIZES.items():
        hours = number / usual.rate / 3600
        gigabytes = (f"{number * size / 1e9:,.0f} GB" for size in (usual.bytes_in, usual.bytes_out))
        counts = (f"{count:,.1f}" if count < 10 else f"{count:,.0f}" for count in (hours, hours / 24, hours / 168))
        cost.add_row(name, *counts, *gigabytes, f"{number / reading / 3600:,.1f} h")
    console.print(cost)
    console.print(f"One reader cuts {reading:,.0f} articles/s: enough for {reading / usual.rate:,.0f} cores.")
    console.print(
        f"{available_cores()} cores, {platform.processor() or platform.machine()}, {platform.python_version()}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20, help="of each measurement, about")
    parser.add_argument("--no-ray", action="store_true", help="leave Ray's workers out")
    arguments = parser.parse_args()
    runs: list[tuple[str, int, int, Engine]] = [("1 process", words, 1, read_parts) for words in LENGTHS]
    runs.append(("2 processes", USUAL, 2, read_parts))
    if not arguments.no_ray:
        from khabar.scale import on_ray

        runs.append(("2 Ray actors", USUAL, 2, on_ray()))
    console = Console(width=120)
    measured = [
        measure(name, words, n_workers, arguments.seconds, engine)
        for name, words, n_workers, engine in track(runs, "Measuring", console=Console(stderr=True))
    ]
    show(console, measured, reading_rate())


if __name__ == "__main__":
    main()
