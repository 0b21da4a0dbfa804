"""Which entities become targets, and what a target or claim is judged in."""

import pytest

from khabar.errors import InputError
from khabar.results import Entity
from khabar.targets import Context, ContextFinder, Target, check_query, choose_targets
from khabar.text import TextReader

ZWNJ = "\u200c"
LEAD = "باران در هرات بارید."
FILLER = "مردم در خانه ماندند و باران را دیدند که از صبح تا شب بارید."
TEXT = f"{LEAD} {FILLER} وزیر خارجه ایران به کابل رفت. زنان کابل از صلح گفتند.\r\n{FILLER} بانک مرکزی بسته شد."


def entities(*rows: tuple[str, str]) -> list[Entity]:
    """Return one entity after another."""
    return [Entity(text, label, place * 100, place * 100 + len(text), 0.9) for place, (text, label) in enumerate(rows)]


def chosen(*rows: tuple[str, str], limit: int = 9) -> list[tuple[str, set[str]]]:
    return [(target.name, set(target.aliases)) for target in choose_targets(entities(*rows), limit)]


def context(reader: TextReader, target: str, text: str = TEXT, title: str | None = None) -> Context:
    finder = ContextFinder(reader, None if title is None else reader.read(title), reader.read(text))
    return finder.around_target(reader.read(target), Target(target))


def evidence(reader: TextReader, target: str, text: str = TEXT) -> list[str]:
    return [text[start:end] for start, end in context(reader, target, text).evidence]


def test_most_mentions_first_then_position() -> None:
    rows = (("هرات", "LOC"), ("ایران", "LOC"), ("کابل", "LOC"), ("کابل", "LOC"), ("ایران", "LOC"), ("احمد", "PER"))
    assert [name for name, _ in chosen(*rows)] == ["ایران", "کابل", "هرات", "احمد"]
    assert [name for name, _ in chosen(*rows, limit=2)] == ["ایران", "کابل"]
    assert chosen(*rows, limit=0) == []


def test_only_people_organisations_and_places() -> None:
    others = ("FAC", "EVE", "PRO", "DAT", "TIM", "MON", "PCT")
    assert chosen(*(("شنبه", label) for label in others), ("احمد", "PER")) == [("احمد", set())]


def test_spellings_of_one_name_are_one_target() -> None:
    rows = ((f"علی{ZWNJ}پور", "PER"), ("علی پور", "PER"), ("علي  پور", "PER"), ("علی پور", "PER"), ("هرات", "LOC"))
    assert chosen(*rows) == [("علی پور", {f"علی{ZWNJ}پور", "علي  پور"}), ("هرات", set())]


def test_a_surname_is_the_person_named_in_full() -> None:
    rows = (("هرات", "LOC"), ("محمد جواد ظریف", "PER"), ("ظریف", "PER"), ("جواد ظریف", "PER"))
    assert chosen(*rows) == [("محمد جواد ظریف", {"ظریف", "جواد ظریف"}), ("هرات", set())]


def test_part_of_a_place_is_another_place() -> None:
    assert len(chosen(("استان هرات", "LOC"), ("هرات", "LOC"))) == 2
    assert len(chosen(("علی هرات", "PER"), ("هرات", "LOC"))) == 2
    assert len(chosen(("ناظریف", "PER"), ("ظریف", "PER"))) == 2


@pytest.mark.parametrize("name", ["صندوق کودکان ملل متحد (یونیسف)", "صندوق کودکان ملل متحد ( یونیسف )"])
def test_an_abbreviation_is_what_it_stands_behind(name: str) -> None:
    assert chosen((name, "ORG"), ("هرات", "LOC"), ("یونیسف", "ORG")) == [(name, {"یونیسف"}), ("هرات", set())]


def test_ten_thousand_names_take_no_minutes() -> None:
    names = [(f"نام{number} خانواده{number}", "PER") for number in range(10_000)]
    assert len(chosen(*names, limit=3)) == 3


def test_sentences_that_name_the_target_are_the_evidence(reader: TextReader) -> None:
    assert evidence(reader, "کابل") == ["وزیر خارجه ایران به کابل رفت.", "زنان کابل از صلح گفتند."]
    assert evidence(reader, "بانک مرکزی") == ["بانک مرکزی بسته شد."]


def test_a_target_is_a_whole_word(reader: TextReader) -> None:
    assert evidence(reader, "کابل", "کابلی آمد. او از کابل است.") == ["او از کابل است."]


@pytest.mark.parametrize("spelling", [f"بانک{ZWNJ}مرکزی", "بانک  مرکزی", "بانك مركزي", "بانک\u200f مرکزی"])
def test_a_target_is_found_however_it_is_spelt(reader: TextReader, spelling: str) -> None:
    assert evidence(reader, spelling) == ["بانک مرکزی بسته شد."]
    assert evidence(reader, "بانک مرکزی", f"سلام مردم. {spelling} بسته شد.") == [f"{spelling} بسته شد."]


def test_aliases_are_mentions_too(reader: TextReader) -> None:
    text = "محمد جواد ظریف آمد. باران شد. ظریف رفت."
    finder = ContextFinder(reader, None, reader.read(text))
    found = finder.around_target(reader.read("محمد جواد ظریف"), Target("محمد جواد ظریف", ("ظریف",)))
    assert [text[start:end] for start, end in found.evidence] == ["محمد جواد ظریف آمد.", "ظریف رفت."]


def test_evidence_has_three_sentences_at_most(reader: TextReader) -> None:
    assert evidence(reader, "کابل", "کابل شد. " * 5) == ["کابل شد."] * 3


def test_evidence_is_plain_numbers(reader: TextReader) -> None:
    assert {type(place) for span in context(reader, "کابل").evidence for place in span} == {int}


def test_a_target_that_is_not_named_falls_back_to_shared_words(reader: TextReader) -> None:
    assert evidence(reader, "رئیس بانک مرکزی کشور") == ["بانک مرکزی بسته شد."]
    assert evidence(reader, "فوتبال") == []
    assert len(context(reader, "فوتبال").ids)


def test_a_claim_rests_on_the_sentences_closest_to_it(reader: TextReader) -> None:
    text = "مردم آمدند. مردم رفتند. مردم دیدند. مردم صلح ملی گفتند."
    body = reader.read(text)
    found = ContextFinder(reader, None, body).around_claim(reader.read("مردم صلح ملی"))
    sentences = [text[start:end] for start, end in found.evidence]
    assert "مردم صلح ملی گفتند." in sentences
    assert len(sentences) == 3


def test_a_context_fits_beside_its_query(reader: TextReader) -> None:
    for text in (TEXT, TEXT * 30, "کابل " * 500, "آ" * 3000):
        for title in (None, "کابل", "کابل " * 300):
            query = reader.read("کابل")
            found = context(reader, "کابل", text, title)
            assert 0 < len(reader.pair(query.ids, found.ids)) <= reader.window


def test_a_context_holds_title_mentions_and_lead_in_the_order_of_the_text(reader: TextReader) -> None:
    text = f"باران. {'مردم خانه. ' * 60}زنان کابل."
    found = context(reader, "کابل", text, "ایران")
    ids = found.ids.tolist()
    title, lead, named = (reader.read(part).ids.tolist() for part in ("ایران", "باران.", "زنان کابل."))
    assert ids[: len(title) + len(lead)] == title + lead
    assert ids[-len(named) :] == named
    whole = reader.document(reader.read("ایران"), reader.read(text))
    assert whole[found.places].tolist() == ids
    assert found.places[-1] == len(whole) - 1


def test_a_long_sentence_is_cut_not_dropped(reader: TextReader) -> None:
    text = f"{LEAD} کابل " + "مردم " * 110
    found = context(reader, "کابل", text)
    named = reader.read(text[slice(*found.evidence[0])]).ids
    assert len(named) > reader.window
    room = reader.window - 4 - len(reader.read("کابل").ids)
    assert found.ids.tolist() == named[:room].tolist()
    assert text[slice(*found.evidence[0])].startswith("کابل مردم")


def test_a_title_alone(reader: TextReader) -> None:
    found = context(reader, "ایران", "", "ایران در جنگ")
    assert found.ids.tolist() == reader.read("ایران در جنگ").ids.tolist()
    assert found.evidence == ()


@pytest.mark.parametrize("query", ["", " ", ZWNJ, "\u200f\u064b"])
def test_a_query_without_words(reader: TextReader, query: str) -> None:
    with pytest.raises(InputError, match=r"claim is .*; it takes text with at least one word; leave it out"):
        check_query(reader.read(query), reader, "claim")


def test_a_query_may_take_half_the_window(reader: TextReader) -> None:
    half = reader.window // 2
    word = "ایران "
    check_query(reader.read(word * half), reader, "target")
    with pytest.raises(InputError, match=f"target is {half + 1} word pieces long; it takes at most {half}; say it in"):
        check_query(reader.read(word * (half + 1)), reader, "target")
