"""The figures of a report, drawn by matplotlib as SVG to stand in a page.

Text stays text: the browser sets it, in the page's font, with Persian letters joined and turned. What is
told by shade is told by a number too. The same figure is the same bytes on every run.
"""

import re
from collections.abc import Callable, Mapping
from io import StringIO
from typing import Final

from markupsafe import Markup
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from khabar_training.display import printable
from khabar_training.evaluation.measured import Calibration, Matrix

_STYLE: Final[dict[str, object]] = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib; wider than the page's font, so that nothing is clipped
    "font.size": 8,
    "text.parse_math": False,  # a label may hold a dollar sign
    "svg.fonttype": "none",
    "svg.hashsalt": "khabar",
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
}
_NOT_SAID: Final = dict.fromkeys(("Date", "Creator", "Format", "Type"))
"""Metadata that would change the bytes or name a host."""
_INK: Final = "#222222"
_BLUE: Final = "#0072b2"
"""Blue of the palette for all kinds of colour vision (Okabe and Ito 2008)."""
_PALE: Final = "#c6d9e8"
_GREY: Final = "#777777"
_ID: Final = re.compile(r'(\bid="|url\(#|href="#)')
_FEW: Final = 6
"""Up to so many columns, a matrix has roomy cells."""


def confusion(matrix: Matrix, labels: Mapping[str, str], name: str) -> Markup:
    """Return a matrix of expected (rows) against found labels. *name* is unlike others' in a page."""
    return _shaded(matrix, labels, name, ("expected", "found"))


def borders(matrix: Matrix, labels: Mapping[str, str], name: str) -> Markup:
    """Return what became of the entities of each type, which is a row here and a column in *matrix*."""
    turned = Matrix(rows=matrix.columns, columns=matrix.rows, counts=tuple(zip(*matrix.counts, strict=True)))
    return _shaded(turned, labels, name, ("type", "what became of it"))


def _shaded(matrix: Matrix, labels: Mapping[str, str], name: str, sides: tuple[str, str]) -> Markup:
    """Return a matrix with its counts; a cell is as dark as its share of its row. *sides* names rows and columns."""

    def draw(axes: Axes) -> None:
        shares = [[count / max(sum(row), 1) for count in row] for row in matrix.counts]
        axes.pcolormesh(shares, cmap="Blues", vmin=0, vmax=1, edgecolors="#dddddd", linewidth=0.5)
        for y, (counts, dark) in enumerate(zip(matrix.counts, shares, strict=True)):
            for x, count in enumerate(counts):
                colour = "white" if dark[x] > 0.55 else _INK if count else _GREY
                axes.text(
                    x + 0.5, y + 0.5, str(count) if count else "·", color=colour, ha="center", va="center_baseline"
                )
        axes.invert_yaxis()
        axes.xaxis.tick_top()
        axes.xaxis.set_label_position("top")
        axes.set_xticks(
            [x + 0.5 for x in range(len(matrix.columns))],
            [_both(key, labels) for key in matrix.columns],
            rotation=45,
            ha="left",
            rotation_mode="anchor",
        )
        axes.set_yticks(
            [y + 0.5 for y in range(len(matrix.rows))],
            [_both(key, labels) for key in matrix.rows],
            va="center_baseline",
        )
        axes.tick_params(length=0)
        axes.set(ylabel=sides[0], xlabel=sides[1])

    cell = 0.55 if len(matrix.columns) <= _FEW else 0.35
    return _svg(draw, len(matrix.columns) * cell, len(matrix.rows) * min(cell, 0.4), name)


def reliability(calibration: Calibration, name: str) -> Markup:
    """Return how often answers of a score are right, with the number of answers over each bar."""
    bins = [bin_ for bin_ in calibration.bins if bin_.n]

    def draw(axes: Axes) -> None:
        axes.plot((0, 1), (0, 1), color=_GREY, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.bar(
            [bin_.low for bin_ in bins],
            [bin_.accuracy for bin_ in bins],
            [bin_.high - bin_.low for bin_ in bins],
            align="edge",
            color=_PALE,
            edgecolor="white",
        )
        axes.plot([bin_.confidence for bin_ in bins], [bin_.accuracy for bin_ in bins], ".", color=_INK, clip_on=False)
        for bin_ in bins:
            place = ((bin_.low + bin_.high) / 2, 1.03)
            axes.text(*place, str(bin_.n), rotation=90, ha="center", va="bottom", fontsize=7, color=_INK)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="mean score", ylabel="share right")

    return _svg(draw, 3.1, 2.3, name)


def risk_coverage(calibration: Calibration, name: str) -> Markup:
    """Return the share of wrong answers against the share of items answered, as the threshold rises."""
    points = sorted((threshold.coverage, threshold.risk) for threshold in calibration.thresholds)

    def draw(axes: Axes) -> None:
        axes.plot(*zip(*points, strict=True), color=_BLUE, linewidth=1.4, marker=".", markersize=3)
        axes.set(xlim=(0, 1.02), ylim=(0, None), xlabel="coverage: share answered", ylabel="risk: share wrong")
        axes.grid(axis="y", color="#e4e4e4", linewidth=0.6)

    return _svg(draw, 3.1, 2.3, name)


def _svg(draw: Callable[[Axes], None], width: float, height: float, name: str) -> Markup:
    """Return axes of so many inches, with all that stands around them, as an SVG element."""
    with style.context(["default", _STYLE]):
        figure = Figure(figsize=(width, height))
        draw(figure.add_axes((0, 0, 1, 1)))
        file = StringIO()
        figure.savefig(file, format="svg", bbox_inches="tight", pad_inches=0.05, metadata=_NOT_SAID, transparent=True)
    svg = file.getvalue()
    return Markup(_ID.sub(rf"\g<1>{name}-", svg[svg.index("<svg") :]))  # matplotlib escapes what it writes


def _both(key: str, labels: Mapping[str, str]) -> str:
    return printable(f"{key}  {labels[key]}" if key in labels else key)
