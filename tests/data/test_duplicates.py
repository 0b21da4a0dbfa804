"""Near duplicates: found where few words differ, spelling aside, and nowhere else."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("datasketch", reason="needs the extra 'data'")

from khabar_data.duplicates import NearDuplicates, word_runs

WORDS = [f"واژه{number}" for number in range(500)]


def invented(seed: int, n_words: int = 120) -> list[str]:
    return Random(seed).choices(WORDS, k=n_words)


def test_a_changed_word_does_not_hide_a_copy_and_half_a_text_is_another() -> None:
    near = NearDuplicates()
    texts = [invented(seed) for seed in range(20)]
    assert [near.add(" ".join(text)) for text in texts] == [None] * 20
    for number, text in enumerate(texts):
        changed = [*text[:50], "دیگر", *text[51:]]
        assert near.add(" ".join(changed)) == number
        assert near.add(" ".join([*text[:60], *invented(100 + number, 60)])) is None


def test_candidates_less_alike_than_asked_for_are_left_out() -> None:
    near = NearDuplicates(likeness=1.0)
    text = invented(1)
    assert [near.add(" ".join(words)) for words in (text, [*text[:-1], "دیگر"], text)] == [None, None, 0]


def test_spelling_and_punctuation_do_not_hide_a_copy() -> None:
    near = NearDuplicates()
    assert near.add("کتاب‌های علمی، در کابل به فروش می‌رسد.") is None
    assert near.add("كتاب‌هاي علمي در «کابل» به فروش می‌رسد") == 0


@settings(deadline=None, max_examples=40)
@given(st.text(max_size=40))
def test_any_text_is_found_again_if_it_has_a_word(text: str) -> None:
    near = NearDuplicates()
    assert near.add(text) is None
    assert near.add(text) == (0 if list(word_runs(text)) else None)


def test_runs_of_words() -> None:
    assert list(word_runs("۱ ۲ ۳ ۴ ۵. ۶!")) == ["۱ ۲ ۳ ۴ ۵", "۲ ۳ ۴ ۵ ۶"]
    assert list(word_runs("می‌رود، خانه")) == ["میرود خانه"]
    assert list(word_runs(" …!")) == []
