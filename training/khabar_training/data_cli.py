"""``khabar data``: check, convert and split data of any format, and list the public corpora."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from khabar.checkpoint import bundled
from khabar.errors import near_miss
from khabar_data.corpora import CORPORA, Corpus, CorpusError
from khabar_data.formats import FORMATS, FormatError, Source
from khabar_data.label_map import LABEL_PLACES, LabelMap
from khabar_data.records import Record, write_jsonl
from khabar_training.data_display import show_corpora, show_findings
from khabar_training.display import open_console, refusals

data_app = typer.Typer(name="data", no_args_is_help=True, help="Check, convert and split data; list public corpora.")

SUFFIXES: Final = (".jsonl", ".ndjson")

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
    from khabar_data.check import check as run
    from khabar_data.ruler import WORD_RULER, piece_ruler

    with refusals():
        folder = model or (bundled() if bundled().is_dir() else None)
        sources = sources_of(files, format_name, option, label_map)
        findings = run(sources, _label_sets(labels), piece_ruler(folder) if folder else WORD_RULER)
    if as_json:
        print(json.dumps(findings.to_dict(), ensure_ascii=False))
    else:
        show_findings(findings)
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
    with refusals():
        if out.suffix not in SUFFIXES:
            remedy = f"the last name is the file to write; end it in {SUFFIXES[0]}"
            raise FormatError(str(out), "it is not named as JSON Lines", remedy)
        sources = sources_of(files, format_name, option, label_map)
        print(f"{out}: {_written(out, counted(record for source in sources for record in source.records()))} records")


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
    with refusals():
        sources = sources_of(files, format_name, option, label_map)
        records = counted(record for source in sources for record in source.records())
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
    else:
        show_corpora(rows)


def sources_of(
    files: Iterable[str], format_name: str | None, options: Iterable[str] | None, maps: Iterable[str] | None
) -> list[Source]:
    """Return the files to read, as the options of a command say."""
    settings = _settings(options or ())
    label_maps = _label_maps(maps or ())
    return [Source(path=path, format=format_name, options=settings, maps=label_maps) for path in files]


def _settings(options: Iterable[str]) -> dict[str, Any]:
    """Return settings from KEY=VALUE, where KEY may name one of inner settings after a dot."""
    settings: dict[str, Any] = {}
    for option in options:
        key, value = parted(option, "--option")
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
        key, value = parted(one, "--map")
        task, _, label = key.partition(".")
        meanings.setdefault(task, {})[label] = _listed(value)
    return tuple(LabelMap(task, known) for task, known in meanings.items())


def _label_sets(labels: Iterable[str] | None) -> Mapping[str, tuple[str, ...]] | None:
    if labels is None:
        return None
    sets = {task: _listed(value) for task, value in (parted(one, "--labels") for one in labels)}
    tasks = tuple(LABEL_PLACES)
    for task in sets:
        if task not in tasks:
            raise FormatError("--labels", f"no task {task!r}", f"there are {', '.join(tasks)}{near_miss(task, tasks)}")
    return sets


def parted(argument: str, option: str) -> tuple[str, str]:
    key, equals, value = argument.partition("=")
    if not (key and equals):
        raise FormatError(option, f"{argument!r} has no =", "write it as KEY=VALUE")
    return key, value


def _listed(value: str) -> tuple[str, ...]:
    return tuple(label.strip() for label in value.split(",") if label.strip())


def counted(records: Iterable[Record]) -> Iterator[Record]:
    """Yield records and show on a terminal how many there were."""
    console = open_console(stderr=True)
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
