"""Offsets in UTF-16 units point at the same words as offsets in code points."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khabar import Article, Entity, Stance
from khabar.serving.offsets import in_utf16


def article(text: str, start: int, end: int) -> Article:
    entity = Entity(text[start:end], "PER", start, end, 0.5)
    return Article(text, None, (entity,), (Stance("x", "target", "favor", 0.5, {}, ((start, end),)),))


def utf16(text: str, start: int, end: int) -> str:
    """Return what a browser's text.slice(start, end) gives."""
    return text.encode("utf-16-le", "surrogatepass")[2 * start : 2 * end].decode("utf-16-le", "surrogatepass")


def test_emoji_count_twice() -> None:
    text = "😀 کابل 👨‍👩‍👧 هرات"
    start = text.index("هرات")
    values = in_utf16(article(text, start, start + 4).to_dict())
    assert values["entities"][0]["start"] == start + 4
    assert values["stances"][0]["evidence"] == [[start + 4, start + 8]]


@given(data=st.data())
def test_units(data: st.DataObject) -> None:
    text = data.draw(st.text(st.sampled_from("آب😀\u200c🇦🇫\U0010ffffa") | st.characters(codec="utf-8"), max_size=30))
    start, end = sorted(data.draw(st.tuples(*2 * [st.integers(0, len(text))])))
    values = in_utf16(article(text, start, end).to_dict())
    entity, evidence = values["entities"][0], values["stances"][0]["evidence"][0]
    assert [entity["start"], entity["end"]] == evidence
    assert utf16(text, *evidence) == text[start:end]


@pytest.mark.parametrize("text", ["", "کابل", "\ud83d\ude00 a \udfff"])
def test_everything_else_stays(text: str) -> None:
    """Text of the basic plane has the same offsets in both, lone surrogates included."""
    values = article(text, 0, len(text)).to_dict()
    assert in_utf16(values) == values
