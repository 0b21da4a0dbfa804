"""What the command line shows to people.

Persian runs from right to left, and turning it is the terminal's work. Here each line holds one
Persian run, at its end, so that no column, number or Latin label comes to stand inside of one.
"""

import json
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from typing import Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from khabar import Analyzer, Article, KhabarError, Stance, Topic
from khabar.config import ModelConfig, TaskSpec

_ENTITY_STYLES: Final = (
    "bold cyan",
    "bold yellow",
    "bold green",
    "bright_green",
    "bold magenta",
    "bright_magenta",
    "bright_blue",
    "blue",
    "bright_yellow",
    "bright_cyan",
)
"""Given to the entity types in the order that the model lists them."""
_STANCE_STYLES: Final = {"favor": "green", "agree": "green", "against": "red", "disagree": "red"}
_NOT_SURE: Final = ("not sure  ", "bold yellow")
"""Stands before the Persian of an answer that scores too low."""
_RUNNERS_UP: Final = 2
_NEWLINE: Final = re.compile(r"\r\n?")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@contextmanager
def refusals() -> Iterator[None]:
    """Turn an error raised on purpose into one line and exit code 1."""
    try:
        yield
    except KhabarError as error:
        show_error(error)
        raise typer.Exit(1) from None


def show_error(error: KhabarError) -> None:
    """Print an error as one red line on standard error."""
    line = " ".join(printable(str(error)).split())
    open_console(stderr=True).print(Text(line, style="red"), soft_wrap=True)


def show_article(article: Article, config: ModelConfig, title: str | None, name: str | None) -> None:
    """Print what was read in one article: topic, text with entities, stances; *name* heads it."""
    console = open_console()
    if name is not None:
        console.rule(Text(printable(name)), align="left")
    if article.topic is not None:
        _show_topic(console, article.topic, config.task("topic"))
    elif config.has("topic"):
        console.print("There is no word to read in this text.", style="yellow")
    if title is not None:
        print_persian(console, Text(printable(title), style="bold"))
    if config.has("entities"):
        _show_entities(console, article, config.task("entities"))
    if article.stances:
        console.print("Stance", style="bold")
    for stance in article.stances:
        _show_stance(console, stance, article.text, config.task(f"{stance.kind}_stance"))
    console.print()


def show_info(analyzer: Analyzer, *, as_json: bool) -> None:
    """Print which model this is, what it predicts and what it runs on."""
    config = analyzer.config
    facts: dict[str, object] = {
        "version": version("khabar"),
        "model": config.name,
        "folder": str(analyzer.folder),
        "threads": analyzer.threads,
        "onnxruntime": version("onnxruntime"),
        "python": platform.python_version(),
    }
    if as_json:
        print(json.dumps({**facts, "tasks": [asdict(task) for task in config.tasks]}))
        return
    table = Table.grid(padding=(0, 2))
    for key, fact in facts.items():
        table.add_row(Text(key, style="bold"), Text(str(fact), overflow="fold"))
    for task in config.tasks:
        table.add_row(Text(task.name, style="bold"), Text(", ".join(task.keys)))
    open_console().print(table)


def _show_topic(console: Console, topic: Topic, task: TaskSpec) -> None:
    names = {label.key: label.name for label in task.labels}
    console.print("Topic", style="bold")
    others = sorted(topic.scores, key=lambda key: -topic.scores[key])
    for key in (topic.label, *[key for key in others if key != topic.label][:_RUNNERS_UP]):
        line = Text(f"  {topic.scores[key]:>4.0%}  {key:<{_width(task)}}  ", "bold" if key == topic.label else "dim")
        if key == topic.label and not topic.sure:
            line.append(*_NOT_SURE)
        print_persian(console, line.append(names[key]))
    console.print()


def _show_entities(console: Console, article: Article, task: TaskSpec) -> None:
    """Print the text with each entity coloured and its type behind it, and what the colours mean."""
    names = {label.key: label.name for label in task.labels}
    styles = {key: _ENTITY_STYLES[index % len(_ENTITY_STYLES)] for index, key in enumerate(task.keys)}
    marked = Text()
    done = 0
    for entity in article.entities:
        marked.append(printable(article.text[done : entity.start]))
        marked.append(printable(entity.text), styles[entity.label])
        marked.append(f" [{names[entity.label]}]", "dim")
        done = entity.end
    marked.append(printable(article.text[done:]))
    marked.rstrip()
    print_persian(console, marked)
    console.print()
    for key in task.keys:
        count = sum(entity.label == key for entity in article.entities)
        if count:
            line = Text.assemble(f"  {count:>4}  ", (f"{key:<{_width(task)}}  {names[key]}", styles[key]))
            print_persian(console, line)
    console.print()


def _show_stance(console: Console, stance: Stance, text: str, task: TaskSpec) -> None:
    """Print how sure, the label and its kind, the target with the label's name, and the evidence below."""
    names = {label.key: label.name for label in task.labels}
    style = _STANCE_STYLES.get(stance.label, "")
    line = Text.assemble(
        f"  {stance.score:>4.0%}  ",
        (f"{stance.label:<9}", f"bold {style}"),
        f" {stance.kind:<6}  ",
        "" if stance.sure else _NOT_SURE,
        printable(stance.target),
        ": ",
        (names[stance.label], style),
    )
    print_persian(console, line)
    for start, end in stance.evidence:
        print_persian(console, Text(printable(text[start:end]), style="dim"), indent=8)


def print_persian(console: Console, text: Text, indent: int = 0) -> None:
    """Print lines as they are, broken between words only where a terminal would break within them."""
    width = max(console.width - indent, 20)
    for line in text.wrap(console, width) if console.is_terminal else text.split():
        console.print(" " * indent, line, sep="", soft_wrap=True)


def open_console(*, stderr: bool = False) -> Console:
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def printable(text: str) -> str:
    """Return *text* without what could steer the terminal."""
    return _CONTROL.sub("", _NEWLINE.sub("\n", text))


def _width(task: TaskSpec) -> int:
    return max(map(len, task.keys))
