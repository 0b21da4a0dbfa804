"""Texts cut at marks."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from khabar_training.evaluation.measured import Mark, Marked
from khabar_training.report.marking import Verdict, cut, verdicts

TEXTS = st.text(max_size=30)


@given(st.data())
def test_pieces_give_the_text_and_carry_every_mark(data: st.DataObject) -> None:
    text = data.draw(TEXTS)
    place = st.integers(0, len(text))
    pairs = data.draw(st.lists(st.tuples(place, place).map(sorted), max_size=6))
    marks = [(start, end, number) for number, (start, end) in enumerate(pairs)]
    pieces = cut(text, marks)
    assert "".join(piece.text for piece in pieces) == text
    assert all(piece.text for piece in pieces)
    for start, end, number in marks:
        assert "".join(piece.text for piece in pieces if number in piece.over) == text[start:end]
        assert sum(number in piece.starting for piece in pieces) == (start < end)


@given(st.data())
def test_neighbouring_pieces_differ_in_their_marks(data: st.DataObject) -> None:
    text = data.draw(st.text(min_size=4, max_size=12))
    start = data.draw(st.integers(1, len(text) - 2))
    for left, right in pairwise(cut(text, [(0, start, "a"), (start, len(text), "b"), (start - 1, start, "c")])):
        assert left.over != right.over


def test_what_is_expected_and_found_alike_stands_once() -> None:
    same, long, short = (
        Mark(start=0, end=2, label="PER"),
        Mark(start=3, end=7, label="ORG"),
        Mark(start=5, end=7, label="LOC"),
    )
    pieces = verdicts(Marked(id=None, text="ab cdefg", gold=(same, long), found=(short, same)))
    right, missed, made_up = Verdict("right", "PER"), Verdict("missed", "ORG"), Verdict("made-up", "LOC")
    assert [(piece.text, piece.over) for piece in pieces] == [
        ("ab", (right,)),
        (" ", ()),
        ("cd", (missed,)),
        ("ef", (missed, made_up)),
        ("g", ()),
    ]
    assert [piece.starting for piece in pieces] == [(right,), (), (missed,), (made_up,), ()]
