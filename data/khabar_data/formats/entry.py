"""What a reader yields: a record, an error or a notice, and the place where it stands."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from khabar.errors import SourceError
from khabar_data.records import Record, RecordError, Span


class FormatError(SourceError):
    """A file as a whole cannot be read: it is not there, of no known format, or its settings do not fit it."""


@dataclass(frozen=True)
class Notice:
    """Something that a reader passed over or took in its own way; no error."""

    message: str


@dataclass(frozen=True)
class Entry:
    """What stands at one place of a file: a record, what is wrong with it, or a notice."""

    place: str
    """The line, or the row where a format has no lines; from 1."""
    content: Record | RecordError | Notice

    @classmethod
    def made[**P](cls, place: str, make: Callable[P, Record], *facts: P.args, **settings: P.kwargs) -> Self:
        """Return the record that *make* gives for some facts, or the error that it raises."""
        try:
            return cls(place, make(*facts, **settings))
        except RecordError as error:
            return cls(place, error)


def in_order(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return spans as a record takes them, in order and each once; RecordError names two that overlap."""
    ordered = sorted(set(spans), key=lambda span: (span.start, span.end, span.label))
    for one, other in pairwise(ordered):
        if other.start < one.end:
            got = f"{one.label} {one.start}-{one.end} over {other.label} {other.start}-{other.end}"
            raise RecordError(got, "spans that do not overlap", "keep one of the two")
    return tuple(ordered)
