"""``khabar data``: check, convert and split data of any format, and list the public corpora."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from khabar.checkpoint import bundled
from khabar.errors import KhabarError, near_miss
from khabar_data.corpora import CORPORA, Corpus, CorpusError
from khabar_data.formats import FORMATS, FormatError, Source
from khabar_data.label_map import LABEL_PLACES, LabelMap
from khabar_data.records import Record, write_jsonl
from khabar_training.display import _console, _print_persian, _printable, show_error

if TYPE_CHECKING:
    from khabar_data.check import FileSummary, Finding, Findings

data_app = typer.Typer(name="data", no_args_is_help=True, help="Check, convert and split data; list public corpora.")

BAR_WIDTH = 24
SUFFIXES = (".jsonl", ".ndjson")

Files = Annotated[list[str], typer.Argument(metavar="FILE...", help="Files, or names with --format hugging-face.")]
FormatName = Annotated[
    str | None, typer.Option("--format", help=f"One of {', '.join(FORMATS)}; by default what the suffix names.")
]
Options = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="KEY=VALUE", help="A setting of the format, as columns.text=متن; again for more."),
]
Maps = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="TASK.LABEL=OURS", help="What a label means, as topic.cinema=arts_culture,society."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


@data_app.command()
def check(
    files: Files,
    format_name: FormatName = None,
    option: Options = None,
    label_map: Maps = None,
    labels: Annotated[
        list[str] | None,
        typer.Option(metavar="TASK=A,B", help="A task's labels: others are errors. By default Khabar's, and notices."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="A checkpoint whose word pieces measure lengths.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what files hold and what is wrong with them; exit with 1 if anything must be mended."""
    from khabar_data.check import WORD_RULER, piece_ruler
    from khabar_data.check import check as run

    with _refusals():
        folder = model or (bundled() if bundled().is_dir() else None)
        sources = _sources(files, format_name, option, label_map)
        findings = run(sources, _label_sets(labels), piece_ruler(folder) if folder else WORD_RULER)
    if as_json:
        print(json.dumps(findings.to_dict(), ensure_ascii=False))
    else:
        _show(findings)
    raise typer.Exit(findings.has_errors)


@data_app.command()
def convert(
    files: Files,
    out: Annotated[
        Path, typer.Argument(metavar="OUT.jsonl", help="The file to write; it appears whole or not at all.")
    ],
    format_name: FormatName = None,
    option: Options = None,
    label_map: Maps = None,
) -> None:
    """Write data of any format as JSON Lines in Khabar's schema."""
    with _refusals():
        if out.suffix not in SUFFIXES:
            remedy = f"the last name is the file to write; end it in {SUFFIXES[0]}"
            raise FormatError(str(out), "it is not named as JSON Lines", remedy)
        sources = _sources(files, format_name, option, label_map)
        print(f"{out}: {_written(out, _counted(record for source in sources for record in source.records()))} records")


@data_app.command()
def split(
    files: Files,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the parts go, as train.jsonl and so on.")],
    train: Annotated[float, typer.Option(help="The share of the training part.")] = 0.8,
    dev: Annotated[float, typer.Option(help="The share of the development part; 0 for none.")] = 0.1,
    test: Annotated[float, typer.Option(help="The share of the test part; 0 for none.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Another one gives other parts.")] = 0,
    format_name: FormatName = None,
    option: Options = None,
    label_map: Maps = None,
) -> None:
    """Part data at random: groups and near duplicates stay together, every part gets its share of each label."""
    from khabar_data.partition import partition

    shares = {name: share for name, share in (("train", train), ("dev", dev), ("test", test)) if share}
    with _refusals():
        sources = _sources(files, format_name, option, label_map)
        records = _counted(record for source in sources for record in source.records())
        parts = partition(records, shares, seed)
        for name, part in parts.items():
            path = out / f"{name}.jsonl"
            print(f"{path}: {_written(path, part)} records")


@data_app.command(name="list")
def list_corpora(
    folder: Annotated[Path | None, typer.Option(help="Where the corpora lie; their sizes are shown.")] = None,
    as_json: Json = False,
) -> None:
    """List the public corpora that Khabar reads: tasks, licence, where to get them, known defects."""
    rows = [_corpus_facts(corpus, folder) for corpus in CORPORA.values()]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    console = _console()
    for row in rows:
        console.print(Text(row.pop("name"), style="bold"))
        for key, fact in row.items():
            _print_persian(console, Text.assemble((f"  {key:<9}", "dim"), fact))


def _sources(
    files: Iterable[str], format_name: str | None, options: Iterable[str] | None, maps: Iterable[str] | None
) -> list[Source]:
    settings = _settings(options or ())
    label_maps = _label_maps(maps or ())
    return [Source(path=path, format=format_name, options=settings, maps=label_maps) for path in files]


def _settings(options: Iterable[str]) -> dict[str, Any]:
    """Return settings from KEY=VALUE, where KEY may name one of inner settings after a dot."""
    settings: dict[str, Any] = {}
    for option in options:
        key, value = _parted(option, "--option")
        outer, _, inner = key.partition(".")
        value = value.replace("\\t", "\t")
        if inner:
            settings.setdefault(outer, {})[inner] = value
        else:
            settings[outer] = value
    return settings


def _label_maps(maps: Iterable[str]) -> tuple[LabelMap, ...]:
    meanings: dict[str, dict[str, tuple[str, ...]]] = {}
    for one in maps:
        key, value = _parted(one, "--map")
        task, _, label = key.partition(".")
        meanings.setdefault(task, {})[label] = _listed(value)
    return tuple(LabelMap(task, known) for task, known in meanings.items())


def _label_sets(labels: Iterable[str] | None) -> Mapping[str, tuple[str, ...]] | None:
    if labels is None:
        return None
    sets = {task: _listed(value) for task, value in (_parted(one, "--labels") for one in labels)}
    tasks = tuple(LABEL_PLACES)
    for task in sets:
        if task not in tasks:
            raise FormatError("--labels", f"no task {task!r}", f"there are {', '.join(tasks)}{near_miss(task, tasks)}")
    return sets


def _parted(argument: str, option: str) -> tuple[str, str]:
    key, equals, value = argument.partition("=")
    if not (key and equals):
        raise FormatError(option, f"{argument!r} has no =", "write it as KEY=VALUE")
    return key, value


def _listed(value: str) -> tuple[str, ...]:
    return tuple(label.strip() for label in value.split(",") if label.strip())


def _counted(records: Iterable[Record]) -> Iterator[Record]:
    """Yield records and show on a terminal how many there were."""
    console = _console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} records"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield from progress.track(records)


def _written(path: Path, records: Iterable[Record]) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return write_jsonl(path, records)
    except OSError as error:
        raise FormatError(
            str(path), f"it cannot be written ({error.strerror})", "check the folder and the disk"
        ) from None


def _corpus_facts(corpus: Corpus, folder: Path | None) -> dict[str, str]:
    facts = {"name": corpus.name, "tasks": ", ".join(corpus.tasks), "language": corpus.language}
    if folder is not None:
        facts["size"] = _size(corpus, folder)
    return facts | {"licence": corpus.licence, "where": corpus.where, "defects": corpus.defects}


def _size(corpus: Corpus, folder: Path) -> str:
    """Return how large the parts are that lie under a folder."""
    sizes = []
    for part in corpus.parts:
        try:
            path = corpus.locate(folder, part)
        except CorpusError:
            return "not there"
        sizes += [file.stat().st_size for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()]
    return f"{sum(sizes) / 1e6:,.1f} MB"


def _show(findings: "Findings") -> None:
    """Print what was found: a table of labels for each file, then each finding in a line of its own."""
    console = _console()
    for file in findings.files:
        console.print(Text(_printable(file.path), style="bold"), soft_wrap=True)
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


def _lengths(file: "FileSummary", unit: str) -> str:
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
            f"{count:,}", f"{count / total:.1%}", Text(f"{bar:<{BAR_WIDTH}}", style="blue"), Text(_printable(label))
        )
    return table


def _line(finding: "Finding") -> Text:
    style = "bold red" if finding.severity == "error" else "yellow"
    return Text.assemble(
        (f"{finding.severity:<7}", style),
        Text(_printable(f"{finding.place}: {finding.message}").replace("\n", " ")),
    )


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn an error raised on purpose into one line and exit code 1."""
    try:
        yield
    except KhabarError as error:
        show_error(error)
        raise typer.Exit(1) from None
