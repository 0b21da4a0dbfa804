"""Reading text: whatever comes in, every word, sentence and window leads back to the raw text."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khabar.text import CleanText, Passage, TextReader, clean, sentences, words

ZWNJ, RLM, TATWEEL, FATHATAN = "\u200c", "\u200f", "\u0640", "\u064b"


def raw_words(raw: str) -> list[str]:
    """Return the words of a text as the raw text has them."""
    cleaned = clean(raw)
    return [raw[slice(*cleaned.raw_span(start, end))] for start, end in words(cleaned.text)]


def sentence_texts(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


def aligned(cleaned: CleanText) -> list[tuple[int, int]]:
    """Return the raw span of each character of a clean text."""
    return [cleaned.raw_span(place, place + 1) for place in range(len(cleaned.text))]


@settings(deadline=None)
@given(data=st.data())
def test_alignment_is_in_order_in_range_and_disjoint(odd_text: st.SearchStrategy[str], data: st.DataObject) -> None:
    raw = data.draw(odd_text)
    place = 0
    for start, end in aligned(clean(raw)):
        assert place <= start < end <= len(raw)
        place = end


@settings(deadline=None)
@given(data=st.data())
def test_what_is_clean_stays_as_it_is(odd_text: st.SearchStrategy[str], data: st.DataObject) -> None:
    cleaned = clean(data.draw(odd_text)).text
    again = clean(cleaned)
    assert again.text == cleaned
    assert aligned(again) == [(place, place + 1) for place in range(len(cleaned))]


@settings(deadline=None)
@given(data=st.data())
def test_every_word_leads_back_to_itself(odd_text: st.SearchStrategy[str], data: st.DataObject) -> None:
    raw = data.draw(odd_text)
    cleaned = clean(raw)
    spans = words(cleaned.text)
    place = 0
    for start, end in spans:
        assert place <= start < end
        place = end
        assert clean(raw[slice(*cleaned.raw_span(start, end))]).text == cleaned.text[start:end]
    assert cleaned.raw_spans(spans).tolist() == [list(cleaned.raw_span(*span)) for span in spans]
    left_out = np.ones(len(cleaned.text), dtype=np.bool_)
    for start, end in spans:
        left_out[start:end] = False
    assert all(cleaned.text[place].isspace() or cleaned.text[place] == ZWNJ for place in np.flatnonzero(left_out))


@settings(deadline=None)
@given(data=st.data(), repeats=st.sampled_from((1, 30)))
def test_sentences_hold_all_but_blanks(odd_text: st.SearchStrategy[str], data: st.DataObject, repeats: int) -> None:
    text = clean(data.draw(odd_text) * repeats).text
    place = 0
    for start, end in sentences(text):
        assert place <= start < end <= start + 600
        assert not text[place:start].strip(" " + ZWNJ).strip().strip(ZWNJ).strip()
        for edge in (text[start], text[end - 1]):
            assert edge != ZWNJ
            assert not edge.isspace()
        place = end
    assert not text[place:].replace(ZWNJ, "").strip()


@settings(deadline=None)
@given(data=st.data())
def test_reading_never_fails(odd_text: st.SearchStrategy[str], reader: TextReader, data: st.DataObject) -> None:
    raw = data.draw(odd_text)
    passage = reader.read(raw)
    assert len(passage.words) == len(passage.first_pieces)
    assert {tuple(span) for span in passage.words.tolist()} <= set(map(tuple, words(passage.clean.text).tolist()))
    assert (np.diff(passage.first_pieces) >= 0).all()
    assert ((passage.first_pieces >= 0) & (passage.first_pieces < len(passage.ids))).all()
    place = 0
    for first, last in passage.sentence_pieces:
        assert place <= first <= last <= len(passage.ids)
        place = last


@given(n_pieces=st.integers(0, 5000), window=st.integers(64, 512), share=st.floats(0, 0.5))
def test_windows_cover_every_piece(reader: TextReader, n_pieces: int, window: int, share: float) -> None:
    lean = object.__new__(TextReader)
    lean.window, lean.overlap = window, int(window * share)
    spans = lean.windows(n_pieces)
    assert [start for start, _ in spans[:1]] == [0] * bool(n_pieces)
    assert max((end for _, end in spans), default=0) == n_pieces
    assert all(0 < end - start <= window - 2 for start, end in spans)
    for (_, end), (start, _) in pairwise(spans):
        assert end - start == lean.overlap
    assert (len(spans) > 1) == (n_pieces > window - 2)


def test_arabic_letters_become_persian() -> None:
    assert clean("كتاب علي و موسى ٤٥").text == "کتاب علی و موسی ۴۵"
    assert clean("\ufedb\ufe98\ufe8e\ufe8f \ufef2").text == "کتاب ی"


def test_decomposed_letters_are_one() -> None:
    cleaned = clean("قرا\u0653ن")
    assert cleaned.text == "قرآن"
    assert aligned(cleaned) == [(0, 1), (1, 2), (2, 4), (4, 5)]


def test_hamza_above_composes() -> None:
    assert clean("ه\u0654").text in {"ۀ", "ه"}
    assert clean("ا\u0654").text == "أ"


def test_direction_marks_are_no_part_of_a_word() -> None:
    raw = f"{RLM}ایران{RLM} \u202b«تهران»\u202c"
    assert raw_words(raw) == ["ایران", "«", "تهران", "»"]


def test_vowel_signs_and_tatweel_are_part_of_a_word() -> None:
    raw = f"مثلا{FATHATAN} مح{TATWEEL}{TATWEEL}مد"
    assert clean(raw).text == "مثلا محمد"
    assert raw_words(raw) == [f"مثلا{FATHATAN}", f"مح{TATWEEL}{TATWEEL}مد"]


def test_marks_on_nothing_are_dropped() -> None:
    assert clean(f"{FATHATAN} .{FATHATAN}").text == " ."


def test_controls_and_halves_of_characters() -> None:
    assert clean("a\0b\ud800\tc\r\n").text == "a b\ufffd\tc\r\n"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("«۱۰.۵» درصد", ["«", "۱۰.۵", "»", "درصد"]),
        ("10:30, 2-1", ["10:30", ",", "2", "-", "1"]),
        ("۱۴۰۲/۰۵/۰۱.", ["۱۴۰۲/۰۵/۰۱", "."]),
        ("3D", ["3D"]),
        ("ا" * 70, ["ا" * 64, "ا" * 6]),
        ("۹" * 70, ["۹" * 64, "۹" * 6]),
        ("U.N.", ["U", ".", "N", "."]),
        ("❤👨\u200d👩", ["❤", "👨", "👩"]),
        ("", []),
        (f" {ZWNJ}\n", []),
    ],
)
def test_words(text: str, parts: list[str]) -> None:
    assert raw_words(text) == parts


def test_what_zwnj_joins_is_one_word() -> None:
    assert raw_words(f"می{ZWNJ}رود {ZWNJ}خانه{ZWNJ} ۵{ZWNJ}ساله") == [
        f"می{ZWNJ}رود",
        "خانه",
        f"۵{ZWNJ}ساله",
    ]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("آمد. رفت؟ ماند!", ["آمد.", "رفت؟", "ماند!"]),
        ("گفت: «آمد.» و رفت...\n\nپایان", ["گفت: «آمد.»", "و رفت...", "پایان"]),
        ("نرخ ۱۰.۵ شد.تمام", ["نرخ ۱۰.۵ شد.تمام"]),
        ("یک\r\nدو\n", ["یک", "دو"]),
        (f" \u2003{ZWNJ} \n", []),
        ("", []),
    ],
)
def test_sentences(text: str, parts: list[str]) -> None:
    assert sentence_texts(text) == parts


def test_a_long_sentence_is_cut_at_a_comma_or_blank() -> None:
    assert sentence_texts("کلمه " * 130) == ["کلمه " * 119 + "کلمه", "کلمه " * 9 + "کلمه"]
    assert [len(part) for part in sentence_texts("ا" * 500 + "،" + "ا" * 200)] == [501, 200]
    assert [len(part) for part in sentence_texts("ا" * 1300)] == [600, 600, 100]


@pytest.mark.parametrize("unit", [".", "؟!", "1", '."', "1.", " ", "\n", ZWNJ, "ا" + ZWNJ, FATHATAN, RLM])
def test_time_grows_no_faster_than_the_text(unit: str) -> None:
    passage = clean(unit * 200_000 + "a")  # minutes, were it quadratic
    assert len(words(passage.text))
    assert len(sentences(passage.text))


def test_pieces_of_a_sentence(reader: TextReader) -> None:
    passage = reader.read("ایران در جنگ. باران شد.")
    assert [passage.sentence(index) for index in range(2)] == ["ایران در جنگ.", "باران شد."]
    (start, middle), (middle_again, end) = passage.sentence_pieces.tolist()
    assert (start, middle, end) == (0, middle_again, len(passage.ids))
    alone = reader.read("باران شد.")
    assert passage.ids[middle:].tolist() == alone.ids.tolist()


def test_first_pieces_speak_for_their_words(reader: TextReader) -> None:
    passage = reader.read("ایران تهرانها کابل")
    alone = [reader.read(word).ids[0] for word in ("ایران", "تهرانها", "کابل")]
    assert passage.ids[passage.first_pieces].tolist() == alone


SPECIAL = ("<s>", "</s>", "<pad>", "<mask>", "[CLS]", "[SEP]", "[PAD]", "[MASK]")
WIDE = str.maketrans({"<": "＜", "/": "／", ">": "＞", "[": "［"})
"""Letters that some tokenizers take for the narrow ones."""


def special_ids(reader: TextReader) -> set[int]:
    """Return the pieces that stand for no text; a family has those of its own names."""
    ids = (reader._tokenizer.token_to_id(name) for name in SPECIAL)
    found = {piece for piece in ids if piece is not None}
    assert len(found) == 4
    return found


@settings(deadline=None)
@given(data=st.data())
def test_no_text_spells_a_special_piece(
    odd_text: st.SearchStrategy[str], reader: TextReader, data: st.DataObject
) -> None:
    spelled = st.sampled_from([*SPECIAL, *(name.translate(WIDE) for name in SPECIAL)])
    raw = "".join(data.draw(st.lists(spelled | odd_text, min_size=1, max_size=6)))
    passage = reader.read(raw)
    assert special_ids(reader).isdisjoint(passage.ids.tolist())
    assert len(passage.words) == len(passage.first_pieces)
    assert ((passage.first_pieces >= 0) & (passage.first_pieces < len(passage.ids))).all()


@pytest.mark.parametrize("name", SPECIAL)
def test_a_special_piece_in_a_text_is_read_as_its_letters(reader: TextReader, name: str) -> None:
    raw = f"کابل {name} تهران{name}"
    passage = reader.read(raw)
    assert [raw[start:end] for start, end in passage.words.tolist()] == raw_words(raw)
    kabul, tehran = (reader.read(word).ids.tolist() for word in ("کابل", "تهران"))
    first, last = passage.first_pieces.tolist()[0], passage.first_pieces.tolist()[raw_words(raw).index("تهران")]
    assert passage.ids[first : first + len(kabul)].tolist() == kabul
    assert passage.ids[last : last + len(tehran)].tolist() == tehran


def test_what_is_unknown_stays_one_piece(reader: TextReader) -> None:
    unknown = {reader._tokenizer.token_to_id(name) for name in ("<unk>", "[UNK]")} - {None}
    assert set(reader.read("𓀀𓀁").ids.tolist()) & unknown


def test_layouts(reader: TextReader) -> None:
    title, body, blank = reader.read("ایران"), reader.read("کابل"), reader.read(" ")
    cls, sep = [reader.cls_id], [reader.sep_id]
    one, two = title.ids.tolist(), body.ids.tolist()

    def laid(title: Passage | None) -> list[int]:
        return list(reader.document(title, body))

    assert laid(None) == laid(blank) == two
    assert laid(title) == one + sep + two
    assert reader.single(body.ids).tolist() == cls + two + sep
    assert reader.pair(title.ids, body.ids).tolist() == cls + one + sep + sep + two + sep
