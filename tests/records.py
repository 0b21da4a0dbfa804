"""Small records with entities, for tests of what edits them."""

from itertools import pairwise
from typing import Final

from hypothesis import assume
from hypothesis import strategies as st

from khabar_data import Record, Span

ZWNJ: Final = "\u200c"
LETTERS: Final = f"ابپیکء۱۲7A{ZWNJ} .،(٪-\n"


@st.composite
def records(draw: st.DrawFn) -> Record:
    """A text with entities that neither begin nor end with a blank; some touch each other."""
    text = draw(st.text(LETTERS, min_size=1, max_size=40))
    assume(any(character.isalnum() for character in text))
    borders = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    spans = [
        Span(start=start, end=end, label=draw(st.sampled_from(("PER", "ORG"))))
        for start, end in pairwise(borders)
        if text[start:end] == text[start:end].strip() and draw(st.booleans())
    ]
    return Record(text=text, entities=tuple(spans), entity_types=("PER", "ORG"))


def named(record: Record) -> list[str]:
    return [record.text[span.start : span.end] for span in record.entities]
