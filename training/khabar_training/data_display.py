"""What ``khabar data`` shows to people: one Persian run a line, at its end, as in :mod:`khabar_training.display`."""

from collections.abc import Iterable, Mapping
from typing import Final

from rich.table import Table
from rich.text import Text

from khabar_data.findings import FileSummary, Finding, Findings, Severity
from khabar_training.display import open_console, print_persian, printable

BAR_WIDTH: Final = 24


def show_findings(findings: Findings) -> None:
    """Print what was found: a table of labels for each file, then each finding in a line of its own."""
    console = open_console()
    for file in findings.files:
        console.print(Text(printable(file.path), style="bold"), soft_wrap=True)
        console.print(f"  {file.n_records:,} records{_lengths(file, findings.unit)}")
        for task, counts in file.labels.items():
            console.print(Text(f"  {task}", style="cyan"))
            console.print(_distribution(counts))
    shown: dict[str, int] = {}
    for finding in findings.findings:
        shown[finding.kind] = shown.get(finding.kind, 0) + 1
        console.print(_line(finding), soft_wrap=True)
    for kind, count in findings.n_findings.items():
        if count > shown[kind]:
            console.print(f"and {count - shown[kind]:,} more of kind {kind}")
    if not findings.findings:
        console.print("Nothing is wrong.", style="green")


def _lengths(file: FileSummary, unit: str) -> str:
    lengths = file.lengths
    if lengths is None:
        return ""
    return (
        f"; {lengths.least:,} to {lengths.most:,} {unit}, "
        f"half of them up to {lengths.median:,}, 95 % up to {lengths.percentile_95:,}"
    )


def _distribution(counts: Mapping[str, int]) -> Table:
    """Return a row a label: count, share, bar, and last the label, which may run from right to left."""
    total, most = sum(counts.values()), max(counts.values())
    table = Table.grid(padding=(0, 1))
    for _ in range(2):
        table.add_column(justify="right", no_wrap=True, min_width=6)
    for label, count in counts.items():
        bar = "█" * max(round(BAR_WIDTH * count / most), 1)
        table.add_row(
            f"{count:,}", f"{count / total:.1%}", Text(f"{bar:<{BAR_WIDTH}}", style="blue"), Text(printable(label))
        )
    return table


def _line(finding: Finding) -> Text:
    style = "bold red" if finding.severity is Severity.ERROR else "yellow"
    return Text.assemble(
        (f"{finding.severity:<7}", style),
        Text(printable(f"{finding.place}: {finding.message}").replace("\n", " ")),
    )


def show_corpora(rows: Iterable[Mapping[str, str]]) -> None:
    """Print what is known of each corpus, its name first."""
    console = open_console()
    for row in rows:
        console.print(Text(row["name"], style="bold"))
        for key, fact in row.items():
            if key != "name":
                print_persian(console, Text.assemble((f"  {key:<9}", "dim"), fact))
