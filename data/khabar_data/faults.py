"""What can be wrong with one record by itself: its encoding and its spans."""

import re
from collections.abc import Iterator
from typing import Final

import numpy as np

from khabar.text import clean, words
from khabar_data.records import Record, Span

type Fault = tuple[str, str]
"""Its kind and a sentence on it."""


def _misread(codec: str, leads: bytes) -> re.Pattern[str]:
    """Return what two Persian letters of UTF-8 look like when read in *codec*."""
    follows = {bytes([byte]).decode(codec, "ignore") for byte in range(0x80, 0xC0)}
    marks = "".join(re.escape(mark) for mark in sorted(follows) if not "\u0600" <= mark <= "\u06ff")
    return re.compile(f"(?:[{leads.decode(codec)}][{marks}]){{2}}")


_LEADS: Final = bytes(range(0xD8, 0xDC))
"""What Persian letters begin with in UTF-8."""
_MISREADINGS: Final = (
    ("UTF-8 that was read as Windows-1252", _misread("cp1252", _LEADS)),
    ("UTF-8 that was read as Latin-1", _misread("latin-1", _LEADS)),
    ("UTF-8 that was read as Windows-1256", _misread("cp1256", _LEADS)),
    ("Windows-1256 that was read as Windows-1252", re.compile("[À-ÿ]{4}")),
    ("letters that were lost to question marks", re.compile(r"(?:\?{2,}[\s.،]+){3}")),
    ("a character that could not be read (U+FFFD)", re.compile("\ufffd")),
    ("a NUL character", re.compile("\0")),
)
_AROUND: Final = 12


def encoding_faults(record: Record) -> Iterator[Fault]:
    """Yield each kind of damaged characters in a record's texts, once."""
    text = "\n".join(filter(None, (record.title, record.text)))
    for what, pattern in _MISREADINGS:
        if match := pattern.search(text):
            shown = text[max(match.start() - _AROUND, 0) : match.end() + _AROUND]
            yield "encoding", f"{what}: {' '.join(shown.split())}"


def span_faults(record: Record) -> Iterator[Fault]:
    """Yield each entity with a border inside a word, or with a blank at its border."""
    for text, spans in ((record.text, record.entities), (record.title or "", record.title_entities)):
        yield from _span_faults(text, spans)


def _span_faults(text: str, spans: tuple[Span, ...]) -> Iterator[Fault]:
    if not spans:
        return
    cleaned = clean(text)
    borders = cleaned.raw_spans(words(cleaned.text))
    starts, ends = borders[:, 0], borders[:, 1]
    for span in spans:
        shown = f"{span.label} {span.start}-{span.end}"
        quoted = " ".join(text[max(span.start - _AROUND, 0) : span.end + _AROUND].split())
        positions = np.array((span.start, span.end))
        inside = np.searchsorted(starts, positions) - 1  # the last word that starts before each position
        if np.any((inside >= 0) & (positions < ends[inside])):
            yield "inside a word", f"{shown} starts or ends inside a word: {quoted}"
        if text[span.start].isspace() or text[span.end - 1].isspace():
            yield "blank border", f"{shown} starts or ends with a blank: {quoted}"
