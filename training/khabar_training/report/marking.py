"""A text cut where marks begin and end, so that marks which overlap can be shown together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from khabar_training.evaluation.measured import Mark, Marked


@dataclass(frozen=True)
class Piece[T]:
    """A stretch of text with one and the same marks all along it."""

    text: str
    over: tuple[T, ...]
    """What the marks over it stand for."""
    starting: tuple[T, ...]
    """Those among them that begin here."""


@dataclass(frozen=True)
class Verdict:
    """Of an entity: right (expected and found alike), missed (only expected) or made up (only found)."""

    kind: Literal["right", "missed", "made-up"]
    label: str


def cut[T](text: str, marks: Sequence[tuple[int, int, T]]) -> list[Piece[T]]:
    """Return the pieces of *text*, which joined give the text; a mark is (start, end, meaning).

    >>> [(piece.text, piece.over) for piece in cut("abcd", [(0, 3, "x"), (2, 4, "y")])]
    [('ab', ('x',)), ('c', ('x', 'y')), ('d', ('y',))]
    """
    cuts = sorted({0, len(text), *(place for start, end, _ in marks for place in (start, end))})
    return [
        Piece(
            text[start:end],
            tuple(meaning for first, last, meaning in marks if first <= start < last),
            tuple(meaning for first, last, meaning in marks if first == start < last),
        )
        for start, end in pairwise(cuts)
    ]


def verdicts(marked: Marked) -> list[Piece[Verdict]]:
    """Return the pieces of a text with each entity expected and found; one that is both stands once."""
    gold, found = set(marked.gold), set(marked.found)
    return cut(
        marked.text,
        [
            *_judged(gold & found, "right"),
            *_judged(gold - found, "missed"),
            *_judged(found - gold, "made-up"),
        ],
    )


def _judged(marks: Iterable[Mark], kind: Literal["right", "missed", "made-up"]) -> list[tuple[int, int, Verdict]]:
    ordered = sorted(marks, key=lambda mark: (mark.start, mark.end, mark.label))
    return [(mark.start, mark.end, Verdict(kind, mark.label)) for mark in ordered]
