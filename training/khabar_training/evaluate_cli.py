"""``khabar evaluate`` and ``khabar compare``: measure a model on labelled data, and set two reports side by side."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from khabar.extras import extra_needed
from khabar_training.data_cli import Files, FormatName, Json, Maps, Options, sources_of
from khabar_training.display import open_console, print_persian, printable, refusals

if TYPE_CHECKING:
    from khabar_training.evaluation.comparison import Changes, Comparison, Difference
    from khabar_training.evaluation.judging import Case
    from khabar_training.evaluation.measured import Report

REPORT_HELP = "A folder that khabar evaluate wrote, or its report.json."


def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A checkpoint folder, or khabar-small.")],
    files: Files,
    report: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the report goes, as page, summary and JSON.")],
    train: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="What the baselines learn from; again for more. Without it there are none."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides the draws behind the intervals.")] = 0,
    format_name: FormatName = None,
    option: Options = None,
    label_map: Maps = None,
) -> None:
    """Measure a model on labelled data: figures beside baselines, calibration, worst errors."""
    with refusals():
        with extra_needed("evaluation", "train"):
            from khabar_training.evaluation.evaluate import evaluate as run
            from khabar_training.report.archive import check_place, write_report
        check_place(report)
        data, lessons = (sources_of(names, format_name, option, label_map) for names in (files, train or ()))
        measured = run(model, data, train=lessons, seed=seed, watched=_with_progress)
        write_report(measured, report)
    _show_report(measured)
    print(report)


def compare(
    first: Annotated[Path, typer.Argument(metavar="REPORT_A", help=REPORT_HELP)],
    second: Annotated[Path, typer.Argument(metavar="REPORT_B", help=REPORT_HELP)],
    seed: Annotated[int, typer.Option(help="Decides the draws behind the intervals.")] = 0,
    as_json: Json = False,
) -> None:
    """Say how far two models lie apart on the same data, and which items changed."""
    with refusals():
        with extra_needed("comparison", "train"):
            from khabar_training.evaluation.comparison import compare as run
            from khabar_training.report.archive import read_report
        compared = run(read_report(first), read_report(second), seed=seed)
    if as_json:
        print(json.dumps(asdict(compared), ensure_ascii=False))
    else:
        _show_comparison(compared)


def _with_progress(cases: "Iterator[Case]", n_cases: int) -> "Iterable[Case]":
    console = open_console(stderr=True)
    columns = (TextColumn("evaluating"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield from progress.track(cases, n_cases)


def _show_report(report: "Report") -> None:
    """Print each task's main figure, of the model first, and what a careful reader must know."""
    console = open_console()
    table = Table("task", "n", "figure", "system", "value (95 %)", box=None, pad_edge=False)
    for task in report.tasks:
        facts = (task.task, f"{task.n:,}", task.main_figure)
        for system in task.systems:
            table.add_row(*facts, system.name, str(system.figures.get(task.main_figure, "")))
            facts = ("", "", "")
    console.print(table)
    for task in report.tasks:
        for note in task.notes:
            console.print(Text(f"{task.task}: {printable(note)}", style="dim"), soft_wrap=True)
    for note in report.notes:
        console.print(Text(printable(note), style="yellow"), soft_wrap=True)
    if report.overlap.exact or report.overlap.near:
        n_known = report.overlap.exact + report.overlap.near
        line = f"The model was trained on {n_known:,} of the {report.n_records:,} records, or on texts nearly the same."
        console.print(Text(line, style="bold red"), soft_wrap=True)


def _show_comparison(compared: "Comparison") -> None:
    """Print by task how the figures differ and which items changed."""
    console = open_console()
    console.print(Text(f"A {printable(compared.first)}, B {printable(compared.second)}", style="bold"))
    for changes in compared.changes:
        table = Table(changes.task, "A", "B", "B - A", "95 % interval", "", box=None, pad_edge=False)
        for one in compared.differences:
            if one.task == changes.task:
                table.add_row(*_cells(one))
        console.print(table)
        _show_changes(changes)
    for note in compared.notes:
        console.print(Text(printable(note), style="yellow"), soft_wrap=True)


def _cells(one: "Difference") -> tuple[str, ...]:
    change = one.change
    verdict = ("better" if change.value > 0 else "worse") if one.excludes_zero else "not certain"
    interval = f"{change.low:+.3f} to {change.high:+.3f}"
    return one.figure, f"{one.first:.3f}", f"{one.second:.3f}", f"{change.value:+.3f}", interval, verdict


def _show_changes(changes: "Changes") -> None:
    """Print how many items changed, then some of them, each in a line that ends in its id."""
    console = open_console()
    counts = f"{changes.n_mended:,} became right, {changes.n_broken:,} became wrong"
    console.print(f"  of {changes.n:,} items {counts}", soft_wrap=True)
    for verb, ids in (("right", changes.mended), ("wrong", changes.broken)):
        for name in ids:
            print_persian(console, Text(printable(f"  now {verb}  {name}").replace("\n", " ")))
    console.print()
