"""Noise changes the spelling of a text; entities keep hold of their own characters."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.records import ZWNJ, named, records

from khabar_data import Record, Span, noise
from khabar_data.noise import Edit, add_noise, edit

NEW: Final = ("", " ", "  ", "ب", "x ", " y", ZWNJ)
NOISES: Final = [function for _, function in noise._NOISES]

type Noise = Callable[[str, Random], Iterator[Edit]]


def owners(record: Record) -> list[int | None]:
    """Return the entity that each character belongs to."""
    return [
        next((index for index, span in enumerate(record.entities) if span.start <= place < span.end), None)
        for place in range(len(record.text))
    ]


@st.composite
def edited(draw: st.DrawFn) -> tuple[Record, list[Edit]]:
    """A record and edits in order that cross no entity's border."""
    record = draw(records())
    owner = owners(record)
    edits: list[Edit] = []
    place = 0
    while place <= len(record.text):
        if draw(st.integers(0, 3)) == 0:
            edits.append((place, place, draw(st.sampled_from(NEW))))
        width = draw(st.integers(0, 2))
        if width and set(owner[place : place + width]) == {(*owner, None)[place]} and place + width <= len(owner):
            edits.append((place, place + width, draw(st.sampled_from(NEW))))
        place += max(width, 1)
    return record, edits


def slowly(record: Record, edits: list[Edit]) -> tuple[str, list[Span]]:
    """Edit characters that each know their entity; return the text and the entities read off it."""
    owner = owners(record)
    marked: list[tuple[str, int | None]] = list(zip(record.text, owner, strict=True))
    for start, end, new in reversed(edits):
        inside = 0 < start < len(owner) and owner[start - 1] == owner[start]
        new_owner = owner[start] if start < end or inside else None
        marked[start:end] = [(character, new_owner) for character in new]
    text = "".join(character for character, _ in marked)
    if not text.strip():
        return record.text, list(record.entities)
    found = []
    for index, span in enumerate(record.entities):
        places = [place for place, (_, here) in enumerate(marked) if here == index]
        solid = [place for place in places if not text[place].isspace()]
        if solid:
            found.append(Span(start=solid[0], end=solid[-1] + 1, label=span.label))
    return text, found


@given(edited())
def test_edit_moves_entities_with_their_characters(case: tuple[Record, list[Edit]]) -> None:
    record, edits = case
    text, entities = slowly(record, edits)
    after = edit(record, edits)
    assert (after.text, list(after.entities)) == (text, entities)


@pytest.mark.parametrize(
    ("edits", "text", "named"),
    [
        ([], "در بانک ملی.", ["بانک ملی"]),
        ([(3, 3, "«"), (11, 11, "»")], "در «بانک ملی».", ["بانک ملی"]),
        ([(7, 8, ZWNJ)], f"در بانک{ZWNJ}ملی.", [f"بانک{ZWNJ}ملی"]),
        ([(3, 8, "")], "در ملی.", ["ملی"]),
        ([(3, 11, "بم")], "در بم.", ["بم"]),
        ([(3, 7, " ")], "در   ملی.", ["ملی"]),
        ([(3, 11, " ")], "در  .", []),
    ],
)
def test_edit_by_hand(edits: list[Edit], text: str, named: list[str]) -> None:
    after = edit(
        Record(text="در بانک ملی.", entities=(Span(start=3, end=11, label="ORG"),), entity_types=("ORG",)), edits
    )
    assert after.text == text
    assert [text[span.start : span.end] for span in after.entities] == named


@pytest.mark.parametrize("text", ["!؟", "...", f"«{ZWNJ}»", "."])
def test_no_text_becomes_blank(text: str) -> None:
    assert all(add_noise(Record(text=text), Random(seed)).text.strip() for seed in range(200))


@pytest.mark.parametrize("function", NOISES)
@given(record=records(), seed=st.integers(0, 5))
def test_noise_keeps_spans_stripped(function: Noise, record: Record, seed: int) -> None:
    after = edit(record, function(record.text, Random(seed)))  # a Record refuses spans out of order or out of text
    assert all(text == text.strip() and text for text in named(after))
    assert len(after.entities) <= len(record.entities)


@given(records(), st.integers(0, 5))
def test_dropped_zwnj_joins_the_parts(record: Record, seed: int) -> None:
    after = edit(record, noise._drop_zwnj(record.text, Random(seed)))
    assert after.text.replace(ZWNJ, "") == record.text.replace(ZWNJ, "")
    bare = [text.replace(ZWNJ, "").strip() for text in named(record)]
    assert [text.replace(ZWNJ, "").strip() for text in named(after) if text != ZWNJ] == [text for text in bare if text]


@given(records())
def test_spaced_zwnj_keeps_lengths(record: Record) -> None:
    after = edit(record, noise._space_for_zwnj(record.text, Random(0)))
    assert after.text == record.text.replace(ZWNJ, " ")
    spaced = [text.replace(ZWNJ, " ").strip() for text in named(record)]
    assert named(after) == [text for text in spaced if text]


@given(records())
def test_spaces_around_punctuation_keep_the_entities(record: Record) -> None:
    after = edit(record, noise._split_off_punctuation(record.text, Random(0)))
    assert ["".join(text.split()) for text in named(after)] == ["".join(text.split()) for text in named(record)]


@given(records())
def test_dropped_punctuation_leaves_blanks(record: Record) -> None:
    after = edit(record, noise._drop_punctuation(record.text, Random(0)))
    assert len(after.text) == len(record.text)
    assert not set(after.text) & set(".،(٪-")


@given(records(), st.integers(0, 9))
def test_digits_of_the_other_script(record: Record, seed: int) -> None:
    after = edit(record, noise._other_digits(record.text, Random(seed)))
    assert after.entities == record.entities
    to_latin = str.maketrans("۰۱۲۳۴۵۶۷۸۹", "0123456789")
    assert after.text.translate(to_latin) == record.text.translate(to_latin)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (noise._space_for_zwnj, "در (خانه ها) 12٪، ۳.۵!"),
        (noise._split_off_punctuation, f"در ( خانه{ZWNJ}ها ) 12 ٪ ، ۳ . ۵ !"),
        (noise._drop_punctuation, f"در  خانه{ZWNJ}ها  12   ۳ ۵ "),
    ],
)
def test_noises_by_hand(function: Noise, text: str) -> None:
    record = Record(text=f"در (خانه{ZWNJ}ها) 12٪، ۳.۵!")
    assert edit(record, function(record.text, Random(0))).text == text


def test_digits_go_both_ways() -> None:
    record = Record(text="12 و ۳۴")
    texts = {edit(record, noise._other_digits(record.text, Random(seed))).text for seed in range(20)}
    assert texts == {"۱۲ و ۳۴", "12 و 34"}


@given(records(), st.integers(0, 2**32))
def test_the_seed_alone_decides(record: Record, seed: int) -> None:
    assert add_noise(record, Random(seed)) == add_noise(record, Random(seed))


def test_each_noise_befalls_its_share() -> None:
    record = Record(text=f"خانه{ZWNJ}ها، 7")
    after = [add_noise(record, Random(seed)).text for seed in range(2000)]
    assert 0.25 < sum(" ،" in text for text in after) / 2000 < 0.35
    assert 0.05 < sum("۷" in text for text in after) / 2000 < 0.10
    assert 0.07 < sum("خانه ها" in text for text in after) / 2000 < 0.13
    assert 0.03 < sum("خانهها" in text for text in after) / 2000 < 0.09
    assert 0.4 < sum(text == record.text for text in after) / 2000 < 0.6
