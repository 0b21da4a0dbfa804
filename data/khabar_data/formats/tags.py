"""Tagged words, in BIO, IOB1 or BIOES: from tags to spans."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from khabar_data.formats.entry import FormatError
from khabar_data.records import RecordError, Span


class Scheme(StrEnum):
    """How tags mark where an entity starts and ends."""

    BIO = "BIO"
    """Every entity starts with B (IOB2)."""
    IOB1 = "IOB1"
    """An entity starts with I; with B only right after another of its type."""
    BIOES = "BIOES"
    """B, I and E; S for an entity of one word. BILOU and BMEWO are the same with other letters."""

    @classmethod
    def named(cls, name: str) -> "Scheme":
        """Return the scheme called *name*."""
        try:
            return cls(name.upper())
        except ValueError:
            raise FormatError("format conll", f"scheme is {name!r}", f"it takes {', '.join(cls)}") from None


class Tag(NamedTuple):
    """One word's tag: its position (O, B, I, E or S) and its type."""

    position: str
    label: str


OUTSIDE: Final = Tag("O", "")
POSITIONS: Final = {"B": "B", "I": "I", "M": "I", "E": "E", "L": "E", "S": "S", "U": "S", "W": "S"}
"""From the letters of BIO, BIOES, BILOU and BMEWO to those of BIOES."""


def parse_tag(written: str) -> Tag:
    """Return a tag such as ``B-PER``, ``I_LOC`` or ``O``; RecordError where it is none."""
    if written == "O":
        return OUTSIDE
    position = POSITIONS.get(written[:1])
    if position is None or written[1:2] not in ("-", "_") or not written[2:]:
        takes = f"O, or one of {', '.join(POSITIONS)} with a hyphen and a type"
        raise RecordError(f"the tag {written!r}", takes, "mend the line, or name the column of the tags")
    return Tag(position, written[2:])


def goes_on(before: Tag, tag: Tag) -> bool:
    """Say whether a tag goes on with the entity of the word before it."""
    return tag.position in "IE" and before.position in "BI" and tag.label == before.label


def tag_spans(tags: Sequence[Tag], offsets: Sequence[tuple[int, int]]) -> Iterator[Span]:
    """Yield the entities of tagged words that stand at *offsets*.

    This reads all three schemes, and faulty tags as conlleval does: what does not go on, starts.
    """
    before, start, end = OUTSIDE, 0, 0
    for tag, (word_start, word_end) in zip([*tags, OUTSIDE], [*offsets, (0, 0)], strict=True):
        if before is not OUTSIDE and not goes_on(before, tag):
            yield Span(start=start, end=end, label=before.label)
        if not goes_on(before, tag):
            start = word_start
        before, end = tag, word_end


_ALLOWED: Final[Mapping[Scheme, Callable[[Tag, Tag], bool]]] = {
    Scheme.BIO: lambda before, tag: tag.position in "OB" or (tag.position == "I" and goes_on(before, tag)),
    Scheme.IOB1: lambda before, tag: (
        tag.position in "OI" or (tag.position == "B" and before.position in "BI" and tag.label == before.label)
    ),
    Scheme.BIOES: lambda before, tag: goes_on(before, tag) if before.position in "BI" else tag.position in "OBS",
}


def tag_faults(tags: Sequence[Tag], scheme: Scheme) -> Iterator[tuple[int, str]]:
    """Yield the index of each tag that the scheme does not allow where it stands, and why."""
    for index, (before, tag) in enumerate(zip([OUTSIDE, *tags], [*tags, OUTSIDE], strict=True)):
        if not _ALLOWED[scheme](before, tag):
            yield min(index, len(tags) - 1), f"{_shown(tag)} after {_shown(before)}, which {scheme} does not have"


def tag_pairs(tags: Sequence[Tag]) -> Iterator[tuple[Tag, Tag]]:
    """Yield each tag of a sentence with the one before it."""
    return zip([OUTSIDE, *tags], tags, strict=False)


def detect_scheme(pairs: Collection[tuple[Tag, Tag]]) -> Scheme:
    """Return the scheme that neighbouring tags are of: BIOES where there is an E or S, IOB1 where I starts
    entities and B does only what it does there, else BIO."""
    if any(tag.position in "ES" for _, tag in pairs):
        return Scheme.BIOES
    i_starts = any(tag.position == "I" and not goes_on(before, tag) for before, tag in pairs)
    return Scheme.IOB1 if i_starts and all(_ALLOWED[Scheme.IOB1](*pair) for pair in pairs) else Scheme.BIO


def _shown(tag: Tag) -> str:
    return f"{tag.position}-{tag.label}" if tag.label else tag.position
