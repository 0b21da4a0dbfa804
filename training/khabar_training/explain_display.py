"""What the command line shows of explanations: the article with its weighty words marked, and a list of them."""

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from khabar import Explanation, Weight
from khabar.config import ModelConfig
from khabar_training.display import open_console, print_persian, printable

_FOR: Final = ("cyan", "bold black on cyan")
_AGAINST: Final = ("yellow", "bold black on yellow")
"""Styles of what weighs over a quarter and over half of the scale; these two hues differ to every eye."""
_LEAST_SCALE: Final = 1.0
"""Log-odds: where nothing weighs this much, the heaviest is not shown as heavy."""
_LISTED_FOR: Final = 8
_LISTED_AGAINST: Final = 3
_LONGEST: Final = 60


def show_explanations(explanations: Sequence[Explanation], config: ModelConfig, title: str | None, text: str) -> None:
    """Print each answer, the article with the words that carried it, and those words by weight."""
    console = open_console()
    if not explanations:
        console.print("There is nothing to explain in this text.", style="yellow")
        return
    parts = {"title": title or "", "text": text}
    for explanation in explanations:
        print_persian(console, _answer(explanation, config))
        for part, source in parts.items():
            weights = [weight for weight in explanation.weights if weight.part == part]
            if source:
                print_persian(console, _marked(source, weights, _scale(explanation)))
        console.print()
        _show_list(console, explanation, parts)
    line = Text.assemble(
        ("for", _FOR[1]),
        " and ",
        ("against", _AGAINST[1]),
        " the label, by how far its log-odds fall without the words",
    )
    console.print(line)


def _answer(explanation: Explanation, config: ModelConfig) -> Text:
    task = config.task("topic" if explanation.kind == "topic" else f"{explanation.kind}_stance")
    names = {label.key: label.name for label in task.labels}
    about = "" if explanation.target is None else f"{printable(explanation.target)}: "
    line = f"{explanation.kind}  {explanation.score:.0%}  {explanation.label}  {about}{names[explanation.label]}"
    return Text(line, style="bold")


def _scale(explanation: Explanation) -> float:
    """Return what the heaviest stretch weighs, or what it takes to be shown as heavy."""
    return max([_LEAST_SCALE, *(abs(weight.weight) for weight in explanation.weights)])


def _marked(source: str, weights: Iterable[Weight], scale: float) -> Text:
    marked = Text()
    done = 0
    for weight in weights:
        marked.append(printable(source[done : weight.start]))
        marked.append(printable(source[weight.start : weight.end]), _style(weight.weight, scale))
        done = weight.end
    marked.append(printable(source[done:]))
    marked.rstrip()
    return marked


def _style(weight: float, scale: float) -> str:
    if abs(weight) <= scale / 4:
        return ""
    light, strong = _FOR if weight > 0 else _AGAINST
    return strong if abs(weight) > scale / 2 else light


def _show_list(console: Console, explanation: Explanation, parts: dict[str, str]) -> None:
    scale = _scale(explanation)
    ranked = sorted(explanation.weights, key=lambda weight: -weight.weight)
    speaking_for = [weight for weight in ranked if weight.weight > scale / 20][:_LISTED_FOR]
    against = [weight for weight in ranked if weight.weight < -scale / 20][-_LISTED_AGAINST:]
    for weight in (*speaking_for, *against):
        words = " ".join(printable(parts[weight.part][weight.start : weight.end]).split())
        if len(words) > _LONGEST:
            words = words[:_LONGEST].rsplit(" ", 1)[0] + " …"
        print_persian(console, Text.assemble((f"  {weight.weight:+6.2f}  ", _style(weight.weight, scale)), words))
    if not any(_style(weight.weight, scale) for weight in speaking_for):
        console.print("  It hangs on no single word or sentence: the others say the same.", style="dim")
    console.print()
