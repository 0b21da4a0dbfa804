"""``khabar batch``: whole archives read, from tables to tables."""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from khabar.errors import ConfigError
from khabar_training.data_cli import parted
from khabar_training.display import open_console, refusals

if TYPE_CHECKING:
    from khabar.batch import Engine, Step

_TELL_SECONDS: Final = 60
"""How often a log gets a line where there is no terminal to show a bar."""


def batch(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="IN...", help="Files, folders, globs and URIs of JSON Lines, CSV, TSV, Parquet; packed or not."
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the parts go; a batch that stands there goes on.")],
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD=COLUMN", help="Which column is text, title, id, targets or claims, as text=متن."),
    ] = None,
    to: Annotated[str, typer.Option(metavar="FORM", help="parquet or jsonl.")] = "parquet",
    prefix: Annotated[str, typer.Option(help="Stands before the names of the added columns.")] = "",
    part_rows: Annotated[int, typer.Option(min=1, help="Rows of input to a file of output.")] = 1000,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes, which share the cores: 1 by default; with Ray, as many as it has cores."),
    ] = None,
    engine: Annotated[
        str, typer.Option(metavar="ENGINE", help="local, or ray: a cluster of machines, or one begun on this.")
    ] = "local",
    address: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Where the Ray cluster is.")] = None,
    articles: Annotated[
        str | None,
        typer.Option(metavar="PLACE", help="A folder or URI for the parts, as s3://bucket/read; DIR/articles if not."),
    ] = None,
    no_targets: Annotated[bool, typer.Option("--no-targets", help="Judge only targets that a row names.")] = False,
    min_score: Annotated[
        float, typer.Option(min=0, max=1, help="Below it an answer is not sure, and an entity is left out.")
    ] = 0.0,
    providers: Annotated[
        str, typer.Option(metavar="A,B", help="What ONNX Runtime runs on, the first one first, as cuda,cpu.")
    ] = "cpu",
    model: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="A checkpoint folder; the bundled model by default.")
    ] = None,
) -> None:
    """Read tables of articles into tables with the analysis beside; once killed, run it again to go on."""
    with refusals():
        from khabar.batch import BatchSettings, Columns, run_batch  # here, so that asking for help stays quick

        chosen = _engine(engine, address)
        settings = BatchSettings(
            columns=Columns.named(dict(parted(one, "--where") for one in where or ())),
            to=to,
            prefix=prefix,
            part_rows=part_rows,
            min_score=min_score,
            judge_targets=not no_targets,
            providers=tuple(providers.split(",")),
            articles=articles,
        )
        last = _shown(run_batch(inputs, out, settings, model=model, workers=workers, engine=chosen))
    rows = "row" if last.n_faults == 1 else "rows"
    faults = f"; errors.jsonl names {last.n_faults:,} {rows} that could not be read" if last.n_faults else ""
    print(f"{out}: {last.n_articles:,} articles{faults}")


def _engine(name: str, address: str | None) -> "Engine":
    from khabar.batch.workers import read_parts

    if name not in ("local", "ray"):
        raise ConfigError(f"the engine is {name!r}; it takes local, ray")
    if name == "ray":
        from khabar.scale import on_ray

        return on_ray(address)
    if address is not None:
        raise ConfigError(f"--address {address} is that of a Ray cluster; give --engine ray with it, or leave it out")
    return read_parts


def _shown(steps: "Iterator[Step]") -> "Step":
    """Show articles done, articles a second and the time left, by bytes of input; return the last step."""
    console = open_console(stderr=True)
    columns = (
        TextColumn("{task.fields[n_rows]:,} articles, {task.fields[rate]:.1f} a second"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    step = next(steps)
    told = monotonic()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", n_rows=0, rate=0.0)
        for step in steps:
            rate = step.n_rows / max(progress.tasks[task].elapsed or 0.0, 1e-3)
            progress.update(task, total=step.n_bytes, completed=step.bytes_done, n_rows=step.n_rows, rate=rate)
            if not console.is_terminal and monotonic() - told > _TELL_SECONDS:
                told = monotonic()
                share = step.bytes_done / max(step.n_bytes, 1)
                console.print(f"{step.n_rows:,} articles, {rate:.1f} a second, {share:.1%}")
    return step
