"""``khabar calibrate``: temperatures fitted on labelled records."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from khabar.checkpoint import BUNDLED
from khabar_training.data_cli import Files, FormatName, Maps, Options, counted, sources_of
from khabar_training.display import open_console, refusals

if TYPE_CHECKING:
    from khabar_training.calibration import Fit


def calibrate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help=f"A checkpoint folder, or {BUNDLED}.")],
    files: Files,
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where to write the checkpoint; by default MODEL is replaced.")
    ] = None,
    format_name: FormatName = None,
    option: Options = None,
    label_map: Maps = None,
) -> None:
    """Fit scores to be taken at their word, on labelled records that the model was not trained on."""
    with refusals():
        from khabar_training.calibration import calibrate as run  # here, so that asking for help stays quick

        sources = sources_of(files, format_name, option, label_map)
        fits = run(model, counted(record for source in sources for record in source.records()), output=output)
    _show(fits)
    print(output or model)


def _show(fits: "Sequence[Fit]") -> None:
    """Print a row for each head that was fitted, before and after, and name the others."""
    console = open_console()
    table = Table("head", "n", "temperature", "NLL", "ECE", box=None, padding=(0, 2, 0, 0))
    for one in fits:
        if one.n:
            temperature = f"{one.before.temperature:.2f} → {one.after.temperature:.2f}"
            loss, error = _change(one.before.loss, one.after.loss), _change(one.before.error, one.after.error)
            table.add_row(one.task, f"{one.n:,}", temperature, loss, error)
    console.print(table)
    for one in fits:
        if not one.n:
            line = f"{one.task}: no record is labelled for it; its temperature stays {one.after.temperature:g}"
            console.print(line, soft_wrap=True)
    line = "NLL and ECE are those of the data fitted on; measure on other data what is gained."
    console.print(line, style="dim", soft_wrap=True)


def _change(before: float | None, after: float | None) -> str:
    return "" if before is None or after is None else f"{before:.4f} → {after:.4f}"
