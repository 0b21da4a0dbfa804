"""A report as one HTML page that needs nothing else: no network, no script, its font inside."""

import math
from base64 import b64encode
from collections.abc import Sequence
from importlib.resources import files as resources
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from khabar_training.display import printable
from khabar_training.evaluation.measured import Mistake, Report, Threshold
from khabar_training.report import figures
from khabar_training.report.marking import Piece, cut, verdicts
from khabar_training.report.summary import number

_FONT: Final = "Vazirmatn.woff2"
"""Vazirmatn 33 by Saber Rastikerdar, all weights, under the SIL Open Font License beside it; the page of the
service has the same copy."""
_LONG: Final = 120
"""Texts of more words are folded."""
_FEW_THRESHOLDS: Final = 8


def write_page(report: Report, folder: Path) -> None:
    """Write ``report.html`` into a folder that is there. The same report gives the same bytes.

    All text from the data is escaped; control characters are left out, half a surrogate pair becomes a question mark.
    """
    environment = Environment(
        loader=PackageLoader("khabar_training", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_clean,
    )
    environment.globals |= {
        "font": _font,
        "figures": figures,
        "verdicts": verdicts,
        "carried": carried,
        "few": few,
        "is_long": lambda text: len(text.split()) > _LONG,
    }
    environment.filters |= {"number": number, "percent": percent}
    page = environment.get_template("page.html.j2").render(report=report)
    (folder / "report.html").write_bytes(page.encode(errors="replace"))


def percent(value: float) -> str:
    """Return a share in whole percent."""
    return f"{value:.0%}"


def few(thresholds: Sequence[Threshold]) -> list[Threshold]:
    """Return at most eight thresholds, the first and the last among them, evenly spread."""
    step = max(1, math.ceil((len(thresholds) - 1) / (_FEW_THRESHOLDS - 1)))
    return [*thresholds[:-1:step], *thresholds[-1:]]


def carried(mistake: Mistake) -> list[Piece[tuple[str, float]]]:
    """Return the pieces of a text that was judged wrongly, with what carried the answer.

    A mark means ``evidence``, or that a word spoke ``for`` or ``against`` the answer, with a strength up to 1.
    """
    strongest = max((abs(weight) for _, _, weight in mistake.words), default=0.0) or 1.0
    evidence = [(start, end, ("evidence", 1.0)) for start, end in mistake.evidence]
    words = [
        (start, end, ("for" if weight > 0 else "against", round(abs(weight) / strongest, 2)))
        for start, end, weight in mistake.words
        if weight
    ]
    return cut(mistake.text, [*evidence, *words])


def _clean(value: object) -> object:
    """Return what a template prints: a plain string without control characters."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _font() -> Markup:
    data = (resources("khabar") / "fonts" / _FONT).read_bytes()
    return Markup(f"data:font/woff2;base64,{b64encode(data).decode()}")
