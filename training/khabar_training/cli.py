"""The command line: ``khabar predict``, ``batch``, ``explain``, ``train``, ``evaluate`` and what goes with them.

What only one command needs is imported by that command, so that asking for help stays quick.
"""

import io
import logging
import os
import sys
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from dataclasses import replace
from importlib.resources import files as resources
from pathlib import Path
from typing import Annotated

import typer

import khabar
from khabar.errors import InputError, KhabarError
from khabar.extras import extra_needed
from khabar.results import json_line
from khabar_training import display
from khabar_training.batch_cli import batch
from khabar_training.calibrate_cli import calibrate
from khabar_training.data_cli import data_app
from khabar_training.display import refusals
from khabar_training.evaluate_cli import compare, evaluate
from khabar_training.explain_display import show_explanations
from khabar_training.serve_cli import serve

app = typer.Typer(name="khabar", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(data_app)

Model = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="A checkpoint folder; the bundled model by default.")
]
Claim = Annotated[
    list[str] | None,
    typer.Option(help="Judge whether the article supports this statement; again for more."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


@app.callback()
def main() -> None:
    """Khabar reads Persian and Dari news: topic, stance, named entities."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


@app.command()
def predict(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE", help="Articles, one a file, in UTF-8; - is standard input."),
    ],
    title: Annotated[str | None, typer.Option(help="The article's title, where there is a single file.")] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(help="Judge the stance toward this, again for more; by default the article's main entities."),
    ] = None,
    claim: Claim = None,
    no_targets: Annotated[bool, typer.Option("--no-targets", help="Judge the stance toward nobody.")] = False,
    min_score: Annotated[
        float, typer.Option(min=0, max=1, help='Say "not sure" below this score, and leave out entities below it.')
    ] = 0.0,
    as_json: Json = False,
    model: Model = None,
) -> None:
    """Say what articles are about, whom they name and where they stand."""
    if title is not None and len(files) > 1:
        raise typer.BadParameter(f"it goes with one file, not {len(files)}", param_hint="--title")
    if target and no_targets:
        raise typer.BadParameter("it contradicts --target; leave one of them out", param_hint="--no-targets")
    with refusals():
        analyzer = khabar.load(model)
    failed = False
    for name in files:
        try:
            text = read_text(name)
            article = analyzer.predict(
                text, title=title, targets=() if no_targets else target, claims=claim or (), min_score=min_score
            )
        except KhabarError as error:
            display.show_error(error)
            failed = True
            continue
        if as_json:
            print(replace(article, id=None if name == "-" else name).to_json(), flush=True)
        else:
            display.show_article(article, analyzer.config, title, name if len(files) > 1 else None)
    raise typer.Exit(failed)


@app.command()
def explain(
    file: Annotated[str, typer.Argument(metavar="FILE", help="One article in UTF-8; - is standard input.")],
    title: Annotated[str | None, typer.Option(help="The article's title.")] = None,
    target: Annotated[
        list[str] | None, typer.Option(help="Explain the stance toward this too; again for more.")
    ] = None,
    claim: Claim = None,
    as_json: Json = False,
    model: Model = None,
) -> None:
    """Say which words of an article carried its topic and the stances asked for."""
    with refusals():
        analyzer = khabar.load(model)
        text = read_text(file)
        explanations = analyzer.explain(text, title=title, targets=target or (), claims=claim or ())
    if as_json:
        found = [explanation.to_dict() for explanation in explanations]
        print(json_line({"title": title, "text": text, "explanations": found}))
    else:
        show_explanations(explanations, analyzer.config, title, text)


@app.command()
def info(as_json: Json = False, model: Model = None) -> None:
    """Say which model this is, what it predicts and what it runs on."""
    with refusals():
        display.show_info(khabar.load(model), as_json=as_json)


@app.command()
def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="The settings of the run.")],
    init: Annotated[bool, typer.Option("--init", help="Write a commented CONFIG.toml to start from.")] = False,
) -> None:
    """Train a model as a TOML file says, or go on with a run that was broken off."""
    _log_progress()
    with refusals():
        if init:
            write_template(config)
            raise typer.Exit
        with extra_needed("training", "train"):
            from khabar_training.config import TrainingConfig
            from khabar_training.trainer import train as run
        checkpoint = run(TrainingConfig.from_toml(config))
    if os.environ.get("RANK", "0") == "0":  # under torchrun, one process speaks for all
        print(checkpoint)


app.command()(batch)
app.command()(calibrate)
app.command()(evaluate)
app.command()(compare)
app.command()(serve)


@app.command()
def trim(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A trained checkpoint folder.")],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="The folder to write.")],
    corpora: Annotated[Path, typer.Option(help="The folder of the corpora whose Persian text is counted.")],
    size: Annotated[int, typer.Option(help="How many word pieces to keep.")] = 16_000,
) -> None:
    """Keep only the word pieces that Persian text needs."""
    _log_progress()
    with refusals():
        with extra_needed("trimming", "train"):
            from khabar_training.trim import persian_texts
            from khabar_training.trim import trim as run
        print(run(source, target, persian_texts(corpora), size))


@app.command()
def export(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A trained checkpoint folder.")],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="The folder to write.")],
    card: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A model card to put beside the weights.")
    ] = None,
) -> None:
    """Write the checkpoint that predicts: one ONNX graph with 8-bit weights."""
    with refusals():
        with extra_needed("export", "train"):
            from khabar_training.export import export as run
        print(run(source, target, card=card))


def write_template(path: Path) -> None:
    """Write a commented configuration; InputError where a file stands there already."""
    template = (resources("khabar_training") / "template.toml").read_text("utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(template)
    except OSError as error:
        raise InputError(
            f"file {path}", f"not writable ({error.strerror})", "a new file", "choose another name"
        ) from None


def read_text(name: str) -> str:
    """Return the text of one file, or of standard input where *name* is ``-``; InputError if it has none."""
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        takes = "the path of a text file, or - for standard input"
        raise InputError(f"file {name}", f"not readable ({error.strerror})", takes, "check the path") from None
    text = data.removeprefix(BOM_UTF8)
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        at = error.start + len(data) - len(text)
        encoding = "UTF-16" if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "WINDOWS-1256"
        raise InputError(
            f"file {name}",
            f"not in UTF-8 (byte 0x{data[at]:02x} at position {at})",
            "text in UTF-8",
            f"convert it, as with: iconv -f {encoding} -t UTF-8",
        ) from None


def _log_progress() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    for name in ("khabar_data", "khabar_training"):
        logging.getLogger(name).setLevel(logging.INFO)
