"""A long batch watched: memory of all its processes and articles a second, over time, as CSV and one plot.

    python benchmarks/long_run.py runs/long [--articles 200000] [--workers 2] [--part-rows 1000] [--every 30]
        [--words 100] [--no-targets]

It makes an archive of the own samples, varied, reads it with ``khabar batch``'s engine, and adds a line to
``watched.csv`` every so many seconds. Killed and started again with the same arguments it goes on, and the CSV too.
At the end it compares the first tenth of the lines with the last one and draws ``watched.png``.
"""

import argparse
import csv
import time
from pathlib import Path
from statistics import mean

import psutil
from own_archive import write_archive
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from khabar.batch import BatchSettings, run_batch

FIELDS = ("seconds", "articles", "rate", "megabytes", "largest", "processes")


def memory() -> tuple[float, float, int]:
    """Return the megabytes (RSS) of this process and its children together, of the largest, and their number."""
    sizes = []
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        try:
            sizes.append(process.memory_info().rss / 1e6)
        except psutil.Error:
            continue
    return sum(sizes), max(sizes), len(sizes)


def watch(folder: Path, n_articles: int, workers: int, settings: BatchSettings, every: float) -> None:
    """Run the batch, or go on with it, and note how it does."""
    path = folder / "watched.csv"
    before = lines(path)
    offset = before[-1]["seconds"] if before else 0.0
    with path.open("a", encoding="utf-8", newline="") as file, bar() as progress:
        table = csv.writer(file)
        if not before:
            table.writerow(FIELDS)
        task = progress.add_task("", total=n_articles, rate=0.0, megabytes=0.0)
        begin = last = time.monotonic()
        rows = 0
        for step in run_batch([str(folder / "in")], folder / "read", settings, workers=workers):
            now = time.monotonic()
            progress.update(task, completed=step.n_articles)
            if now - last >= every:
                rate, used = (step.n_rows - rows) / (now - last), memory()
                table.writerow((round(offset + now - begin, 1), step.n_articles, round(rate, 2), *map(round, used)))
                file.flush()
                progress.update(task, rate=rate, megabytes=used[0])
                last, rows = now, step.n_rows


def bar() -> Progress:
    figures = "{task.completed:,} articles, {task.fields[rate]:.1f} a second, {task.fields[megabytes]:,.0f} MB"
    return Progress(TextColumn(figures), BarColumn(), TimeRemainingColumn(), console=Console(stderr=True))


def lines(path: Path) -> list[dict[str, float]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def show(folder: Path) -> None:
    """Print whether memory grew or speed fell, and draw both."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    found = lines(folder / "watched.csv")
    if len(found) < 2:
        print("too short a run to compare; take a smaller --every")
        return
    tenth = max(1, len(found) // 10)
    for name, unit in (("megabytes", "MB"), ("largest", "MB, the largest process"), ("rate", "articles/s")):
        begin, end = (mean(line[name] for line in some) for some in (found[:tenth], found[-tenth:]))
        print(f"{unit}: {begin:,.1f} in the first tenth, {end:,.1f} in the last ({end / begin - 1:+.1%})")
    figure, axes = pyplot.subplots(2, sharex=True, figsize=(8, 5))
    for axis, name, title in zip(axes, ("megabytes", "rate"), ("MB, all processes", "articles/s"), strict=True):
        axis.plot([line["articles"] for line in found], [line[name] for line in found])
        axis.set(ylabel=title, ylim=(0, None))
    axes[-1].set_xlabel("articles")
    figure.savefig(folder / "watched.png", dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--articles", type=int, default=200_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--part-rows", type=int, default=1000)
    parser.add_argument("--every", type=float, default=30, help="seconds between two lines")
    parser.add_argument("--words", type=int, help="about how long each article is; 100 to 800 by default")
    parser.add_argument("--no-targets", action="store_true", help="topics and entities alone")
    arguments = parser.parse_args()
    write_archive(arguments.folder / "in", arguments.articles, arguments.words)
    settings = BatchSettings(part_rows=arguments.part_rows, judge_targets=not arguments.no_targets)
    watch(arguments.folder, arguments.articles, arguments.workers, settings, arguments.every)
    show(arguments.folder)


if __name__ == "__main__":
    main()
