"""A report in short, as Markdown: the figures and the notes, no pictures and no texts."""

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from khabar_training.display import printable
from khabar_training.evaluation.measured import Overlap, Report, TaskReport
from khabar_training.metrics import Estimate

_STEERING: Final = re.compile(r"([\\`*\[\]<>|#&$~]|(?<!\w)_|_(?!\w))")
"""What Markdown and the HTML in it read as more than itself."""


def write_summary(report: Report, folder: Path) -> None:
    """Write ``summary.md`` into a folder that is there; the same report gives the same bytes."""
    parts = [
        f"# Evaluation of {_plain(report.model)}",
        f"Khabar {report.khabar}, model {report.model_sha256[:12]}, {report.n_records} records: "
        + ", ".join(f"{_plain(file.name)} ({file.n_records})" for file in report.data)
        + f". Intervals are 95 % bootstrap intervals, seed {report.seed}.",
        _overlap(report.overlap, report.n_records),
        *_notes(report.notes),
        "## Main figures",
        _table(("Task", "Items", "Figure", "Model", "Best other", "System"), map(_main_row, report.tasks)),
        *(part for task in report.tasks for part in _task(task)),
    ]
    (folder / "summary.md").write_bytes("\n\n".join([*parts, ""]).encode(errors="replace"))


def number(value: float | None) -> str:
    """Return a figure to three places, a dash where there is none."""
    return "–" if value is None or math.isnan(value) else f"{value:.3f}"


def _overlap(overlap: Overlap, n_records: int) -> str:
    if not overlap.checked:
        return "Whether the model was trained on some of these records could not be checked."
    known = overlap.exact + overlap.near
    untold = f" For {overlap.unknown} of them it cannot be told." if overlap.unknown else ""
    if not known:
        return f"None of these records was found in the model's training data.{untold}"
    return (
        f"**The model was trained on {known} of these {n_records} records** "
        f"({overlap.exact} word for word, {overlap.near} nearly so): the figures flatter it.{untold}"
    )


def _main_row(task: TaskReport) -> tuple[str, ...]:
    main, rival = task.main_figure, task.rival
    other = (_estimate(rival.figures[main]), rival.name) if rival else ("–", "–")
    return (task.task, str(task.n), main, _estimate(task.systems[0].figures[main]), *other)


def _task(task: TaskReport) -> list[str]:
    names = list(dict.fromkeys(name for system in task.systems for name in system.figures))
    return [
        f"## {_plain(task.task)}",
        f"{task.n} items, {task.n_units} {_plain(task.units)}; "
        f"expected calibration error {number(task.calibration.error)}.",
        *_notes(task.notes),
        _table(
            ("System", *names),
            ((system.name, *(_estimate(system.figures.get(name)) for name in names)) for system in task.systems),
        ),
        _table(
            ("Label", "Name", "Precision", "Recall", "F1", "Expected", "Found"),
            (
                (
                    row.label,
                    task.labels.get(row.label, ""),
                    *map(number, (row.precision, row.recall, row.f1)),
                    str(row.support),
                    str(row.found),
                )
                for row in task.classes
            ),
        ),
    ]


def _notes(notes: Sequence[str]) -> list[str]:
    return ["\n".join(f"- {_plain(note)}" for note in notes)] if notes else []


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head, *body = (f"| {' | '.join(map(_plain, row))} |" for row in (header, *rows))
    return "\n".join((head, "|" + " --- |" * len(header), *body))


def _estimate(estimate: Estimate | None) -> str:
    return str(estimate) if estimate else "–"


def _plain(text: str) -> str:
    """Return a text as one line that Markdown shows as it is."""
    return _STEERING.sub(r"\\\1", " ".join(printable(text).split()))
