"""The spelling variety of real text, put into training records: spans move along."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from random import Random
from typing import Final
from unicodedata import category

from khabar_data.records import Record, Span

type Edit = tuple[int, int, str]
"""Replace text[start:end] by a string."""

_PERSIAN: Final = "۰۱۲۳۴۵۶۷۸۹"
_LATIN: Final = "0123456789"


def _drop_zwnj(text: str, chance: Random) -> Iterator[Edit]:
    return ((*match.span(), "") for match in re.finditer("\u200c", text) if chance.random() < 0.7)


def _space_for_zwnj(text: str, chance: Random) -> Iterator[Edit]:
    return ((*match.span(), " ") for match in re.finditer("\u200c", text))


def _split_off_punctuation(text: str, chance: Random) -> Iterator[Edit]:
    """Blanks around punctuation, as in tokenized corpora."""
    for place in _punctuation(text):
        if place and not text[place - 1].isspace():
            yield place, place, " "
        after = text[place + 1 : place + 2]
        if after and not after.isspace() and not _is_punctuation(after):
            yield place + 1, place + 1, " "


def _drop_punctuation(text: str, chance: Random) -> Iterator[Edit]:
    return ((place, place + 1, " ") for place in _punctuation(text))


def _punctuation(text: str) -> Iterator[int]:
    """Yield where punctuation stands; vowel signs and invisible controls are none."""
    return (place for place, character in enumerate(text) if _is_punctuation(character))


def _is_punctuation(character: str) -> bool:
    return category(character)[0] in "PS" and character != "_"


def _other_digits(text: str, chance: Random) -> Iterator[Edit]:
    source, target = (_PERSIAN, _LATIN) if chance.random() < 0.5 else (_LATIN, _PERSIAN)
    return ((*match.span(), target[source.index(match[0])]) for match in re.finditer(f"[{source}]", text))


_NOISES: Final[tuple[tuple[float, Callable[[str, Random], Iterator[Edit]]], ...]] = (
    (0.08, _drop_zwnj),
    (0.10, _space_for_zwnj),
    (0.30, _split_off_punctuation),
    (0.04, _drop_punctuation),
    (0.15, _other_digits),
)
"""How often each noise befalls a text."""


def add_noise(record: Record, chance: Random) -> Record:
    """Return the record with each kind of noise put into its text, or not, by *chance*."""
    for share, noise in _NOISES:
        if chance.random() < share:
            record = edit(record, noise(record.text, chance))
    return record


def edit(record: Record, edits: Iterable[Edit]) -> Record:
    """Return the record with its text edited and its entities where they now are.

    Edits are in order, do not overlap, and cross no border of an entity. An insertion at the border
    stays outside; an entity of which nothing but blanks is left goes. A text that would be left blank
    stays as it is.
    """
    pieces: list[str] = []
    applied: list[Edit] = []
    done = 0
    for start, end, new in edits:
        pieces += record.text[done:start], new
        applied.append((start, end, new))
        done = end
    text = "".join((*pieces, record.text[done:]))
    if not text.strip():
        return record
    moved = _move([span.start for span in record.entities], applied, before=False)
    ends = _move([span.end for span in record.entities], applied, before=True)
    spans = (
        Span(start=start, end=end, label=old.label)
        for start, end, old in zip(moved, ends, record.entities, strict=True)
    )
    entities = tuple(span for span in (_trim(text, span) for span in spans) if span is not None)
    return replace(record, text=text, entities=entities)


def _move(positions: list[int], edits: list[Edit], *, before: bool) -> list[int]:
    """Return where ascending positions went; with *before*, an insertion right at one comes after it."""
    moved: list[int] = []
    shift, index = 0, 0
    for position in positions:
        while index < len(edits):
            start, end, new = edits[index]
            if end > position or (before and start == end == position):
                break
            shift += len(new) - (end - start)
            index += 1
        moved.append(position + shift)
    return moved


def _trim(text: str, span: Span) -> Span | None:
    inside = text[span.start : span.end]
    if not inside.strip():
        return None
    start = span.start + len(inside) - len(inside.lstrip())
    return Span(start=start, end=start + len(inside.strip()), label=span.label)
