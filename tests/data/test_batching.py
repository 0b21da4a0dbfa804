"""Records to examples: which outputs each word may have, pairs, windows, joining and padding."""

from itertools import pairwise
from random import Random
from typing import Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, models, pre_tokenizers

from khabar.config import Kind, Label, ModelConfig, TaskSpec
from khabar.text import TextReader
from khabar_data import ClaimStance, Record, Span, TargetStance
from khabar_data.batching import (
    Booleans,
    Example,
    ExampleBuilder,
    allowed,
    joined,
    pad,
    token_batches,
    word_labels,
)

ZWNJ: Final = "\u200c"
TOPIC: Final = TaskSpec(name="topic", kind=Kind.TEXT, labels=(Label("sport", "ورزش"), Label("crime", "جرم")))
ENTITIES: Final = TaskSpec(name="entities", kind=Kind.WORDS, labels=tuple(Label(key, key) for key in ("PER", "DAT")))
TARGET: Final = TaskSpec(
    name="target_stance", kind=Kind.PAIR, labels=(Label("favor", "موافق"), Label("against", "مخالف"))
)
CLAIM: Final = TaskSpec(name="claim_stance", kind=Kind.PAIR, labels=(Label("agree", "تأیید"), Label("discuss", "طرح")))
CONFIG: Final = ModelConfig(
    name="tiny",
    tasks=(TOPIC, ENTITIES, TARGET, CLAIM),
    cls_token="<s>",
    sep_token="</s>",
    pad_token="<pad>",
    window=64,
    overlap=16,
)


def _reader() -> TextReader:
    """Return a reader whose pieces are single letters."""
    letters = f"ابپتجخدرزسشکگلمنوهیء{ZWNJ}.،۰۱۲"
    pieces = ["<s>", "</s>", "<pad>", "<unk>", *letters, *(f"##{letter}" for letter in letters)]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex("[.،]"), "isolated")]
    )
    return TextReader(tokenizer, CONFIG)


READER: Final = _reader()
EVERY: Final = "O B-PER I-PER B-DAT I-DAT"


def rows(record: Record) -> list[str]:
    """Return the outputs that each word of the text may have."""
    passage = READER.read(record.text)
    return names(word_labels(ENTITIES, passage, record.entities, record.entity_types))


def names(outputs: Booleans) -> list[str]:
    return [" ".join(np.array(ENTITIES.outputs)[row]) for row in outputs]


def build(record: Record, *, title_share: float = 1.0) -> list[Example]:
    return list(ExampleBuilder(READER, CONFIG.tasks, title_share=title_share).build(record, Random(0)))


def text_of(example: Example) -> str:
    """Return the pieces of an example as they follow each other."""
    tokens = [READER._tokenizer.id_to_token(int(piece)) or "" for piece in example.ids]
    return "".join(token.removeprefix("##") for token in tokens)


@pytest.mark.parametrize(
    ("types", "outside"),
    [
        (("PER", "DAT"), "O"),
        (("PER",), "O B-DAT I-DAT"),
        (("DAT",), "O B-PER I-PER"),
    ],
)
def test_what_a_corpus_did_not_annotate_stays_open(types: tuple[str, ...], outside: str) -> None:
    label = types[0]
    record = Record(text="دارا آمد", entities=(Span(start=0, end=4, label=label),), entity_types=types)
    assert rows(record) == [f"B-{label}", outside]


@pytest.mark.parametrize(
    ("text", "spans", "expected"),
    [
        ("سارا دارا آمد", [(0, 9)], ["B-PER", "I-PER", "O"]),
        ("سارا دارا آمد", [(0, 4), (5, 9)], ["B-PER", "B-PER", "O"]),
        ("با سارا.", [(3, 7)], ["O", "B-PER", "O"]),
        ("با سارا.", [(3, 8)], ["O", "B-PER", "I-PER"]),
        ("ساراها آمد", [(0, 4)], ["B-PER", "O"]),  # the border lies inside of a word: all of it counts
        ("ساراها آمد", [(4, 10)], ["B-PER", "I-PER"]),
        (f"سارا{ZWNJ}ها آمد", [(0, 4)], ["B-PER", "O"]),  # what ZWNJ joins is one word
        (f"سارا{ZWNJ}ها آمد", [(0, 11)], ["B-PER", "I-PER"]),
        ("سارا  آمد", [(4, 6)], ["O", "O"]),  # nothing but blanks
        ("سـارا آمـد", [(0, 5)], ["B-PER", "O"]),  # tatweel: raw offsets, one clean word
        ("كاركنان سارا", [(8, 12)], ["O", "B-PER"]),
    ],
)
def test_words_of_entities(text: str, spans: list[tuple[int, int]], expected: list[str]) -> None:
    entities = tuple(Span(start=start, end=end, label="PER") for start, end in spans)
    assert rows(Record(text=text, entities=entities, entity_types=("PER", "DAT"))) == expected


def test_labels_stand_on_the_first_piece_of_a_word() -> None:
    record = Record(text="با سارا", entities=(Span(start=3, end=7, label="PER"),), entity_types=("PER", "DAT"))
    [example] = build(record)
    assert text_of(example) == "<s>باسارا</s>"
    assert names(example.allowed["entities"]) == [EVERY, "O", EVERY, "B-PER", EVERY, EVERY, EVERY, EVERY]


def test_titles_have_their_own_entities() -> None:
    record = Record(
        text="با دارا",
        title="سارا رسید",
        entities=(Span(start=3, end=7, label="PER"),),
        title_entities=(Span(start=0, end=4, label="PER"),),
        entity_types=("PER", "DAT"),
    )
    [example] = build(record)
    assert text_of(example) == "<s>سارارسید</s>بادارا</s>"
    found = names(example.allowed["entities"])
    assert [place for place, row in enumerate(found) if row == "B-PER"] == [1, 12]
    assert [place for place, row in enumerate(found) if row == "O"] == [5, 10]


def test_a_title_with_no_entities_given_is_unknown() -> None:
    [example] = build(Record(text="با دارا", title="سارا رسید", entity_types=("PER",)))
    assert example.allowed["entities"][:9].all()
    assert not example.allowed["entities"][10].all()


def test_titles_are_left_out_by_share() -> None:
    record = Record(text="با دارا", title="سارا رسید", topics=("sport",))
    [example] = build(record, title_share=0.0)
    assert text_of(example) == "<s>بادارا</s>"


def test_each_window_carries_its_own_words() -> None:
    words = ["سارا" if number % 3 == 0 else "بار" for number in range(60)]
    starts = np.cumsum([0, *(len(word) + 1 for word in words)])
    spans = [Span(start=int(starts[n]), end=int(starts[n]) + 4, label="PER") for n in range(0, 60, 3)]
    record = Record(text=" ".join(words), entities=tuple(spans), entity_types=("PER", "DAT"), topics=("crime",))
    examples = build(record)
    assert len(examples) > 3
    letters = "".join(words)
    first_letters = set(np.cumsum([0, *map(len, words)]).tolist())
    done = 0
    for example in examples:
        inside = text_of(example).removeprefix("<s>").removesuffix("</s>")
        assert len(example.ids) == len(inside) + 2 == len(example.allowed["entities"]) <= CONFIG.window
        start = done - CONFIG.overlap if done else 0
        done = start + len(inside)
        assert letters[start:done] == inside
        for place, row in enumerate(names(example.allowed["entities"])[1:-1], start=start):
            wanted = EVERY if place not in first_letters else "B-PER" if letters[place] == "س" else "O"
            assert row == wanted
        assert example.allowed["entities"][[0, -1]].all()
        assert example.allowed["topic"].tolist() == [False, True]
    assert done == len(letters)


def test_a_topic_alone_takes_one_window() -> None:
    record = Record(text="بار " * 200, topics=("crime",))
    builder = ExampleBuilder(READER, CONFIG.tasks)
    found = [list(builder.build(record, Random(seed))) for seed in range(20)]
    assert all(len(examples) == 1 and list(examples[0].allowed) == ["topic"] for examples in found)


def test_sets_of_labels() -> None:
    assert allowed(TOPIC, ["crime"]).tolist() == [False, True]
    assert allowed(TOPIC, ["crime", "sport"]).tolist() == [True, True]


def test_a_stance_is_a_pair_of_query_and_context() -> None:
    record = Record(
        text="سارا رسید. دارا نرسید.",
        target_stances=(TargetStance(target="دارا", labels=("against",)),),
        claim_stances=(ClaimStance(claim="سارا رسید", labels=("agree", "discuss")),),
    )
    target, claim = build(record)
    assert text_of(target) == "<s>دارا</s></s>سارارسید.دارانرسید.</s>"
    assert text_of(claim) == "<s>سارارسید</s></s>سارارسید.دارانرسید.</s>"
    assert {name: row.tolist() for name, row in target.allowed.items()} == {"target_stance": [False, True]}
    assert {name: row.tolist() for name, row in claim.allowed.items()} == {"claim_stance": [True, True]}


def test_the_title_goes_before_a_context() -> None:
    record = Record(text="سارا رسید.", title="بار", target_stances=(TargetStance(target="سارا", labels=("favor",)),))
    [example] = build(record)
    assert text_of(example) == "<s>سارا</s></s>بارسارارسید.</s>"


def test_a_task_that_the_model_lacks_is_passed_over() -> None:
    config = ModelConfig(name="t", tasks=(TOPIC,), cls_token="<s>", sep_token="</s>", pad_token="<pad>", window=96)
    record = Record(
        text="سارا رسید.",
        topics=("sport",),
        entity_types=("PER",),
        claim_stances=(ClaimStance(claim="سارا", labels=("agree",)),),
    )
    [example] = ExampleBuilder(READER, config.tasks).build(record, Random(0))
    assert list(example.allowed) == ["topic"]


def test_nothing_known_gives_nothing_to_learn() -> None:
    assert build(Record(text="سارا رسید.", title="بار")) == []


@st.composite
def sentences(draw: st.DrawFn) -> Record:
    """A sentence whose entities are whole words."""
    words = draw(st.lists(st.text("ابپ", min_size=1, max_size=6), min_size=1, max_size=6))
    text = " ".join(words)
    starts = [len(" ".join((*words[:number], ""))) if number else 0 for number in range(len(words))]
    spans = [
        Span(start=start, end=start + len(word), label="PER")
        for start, word in zip(starts, words, strict=True)
        if draw(st.booleans())
    ]
    group = draw(st.sampled_from(("a", "b", None)))
    return Record(text=text, entities=tuple(spans), entity_types=("PER",), group=group)


def named(records: list[Record]) -> list[str]:
    return [record.text[span.start : span.end] for record in records for span in record.entities]


@given(st.lists(sentences(), max_size=12), st.integers(0, 5), st.integers(0, 80))
def test_joined_passages_hold_the_same_text_and_entities(records: list[Record], seed: int, longest: int) -> None:
    passages = list(joined(records, Random(seed), longest))
    assert named(passages) == named(records)
    words = [(word, record.group) for record in records for word in record.text.split()]
    assert [(word, passage.group) for passage in passages for word in passage.text.split()] == words
    texts = {record.text for record in records}
    assert all(len(passage.text.replace(" ", "")) <= longest or passage.text in texts for passage in passages)


def test_neighbours_of_one_group_are_joined() -> None:
    records = [Record(text="بار", group=group) for group in "aaabba"]
    joins = {tuple(p.text for p in joined(records, Random(seed), longest=100)) for seed in range(200)}
    assert ("بار بار بار", "بار بار", "بار") in joins
    assert len(joins) > 3
    assert {" ".join(texts) for texts in joins} == {" ".join(["بار"] * 6)}


def test_padding() -> None:
    long = Example(np.array([0, 5, 6, 7, 1]), {"entities": np.zeros((5, 5), dtype=np.bool_)})
    short = Example(np.array([0, 8, 1]), {"topic": np.array([False, True]), "entities": np.zeros((3, 5), np.bool_)})
    batch = pad([long, short], CONFIG.tasks, pad_id=2)
    assert batch["input_ids"].tolist() == [[0, 5, 6, 7, 1], [0, 8, 1, 2, 2]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]
    assert batch["allowed.topic"].tolist() == [[True, True], [False, True]]
    assert batch["allowed.entities"].shape == (2, 5, 5)
    assert batch["allowed.entities"].all(-1).tolist() == [[False] * 5, [False, False, False, True, True]]
    assert batch["allowed.target_stance"].shape == batch["allowed.claim_stance"].shape == (2, 2)
    assert batch["allowed.target_stance"].all()
    assert batch["allowed.claim_stance"].all()


@given(st.lists(st.integers(1, 600), max_size=60), st.integers(1, 2048))
def test_batches(lengths: list[int], budget: int) -> None:
    batches = token_batches(lengths, budget)
    order = [index for batch in batches for index in batch]
    assert sorted(order) == list(range(len(lengths)))
    assert [lengths[index] for index in order] == sorted(lengths, reverse=True)
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[index] for index in batch) <= budget
    for batch, following in pairwise(batches):
        assert lengths[batch[0]] * (len(batch) + 1) > budget, f"{following[0]} would have had room"


def test_batches_of_a_case() -> None:
    assert token_batches([3, 9, 4, 5], 10) == [[1], [3, 2], [0]]
    assert token_batches([], 10) == []
