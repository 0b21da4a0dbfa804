"""Tagged words: every scheme read back to the spans it was written from, and errors with their line."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khabar_data import Record, RecordError
from khabar_data.formats import FormatError, Notice, Scheme, Source
from khabar_data.formats.conll import tagged_text, visible
from khabar_data.formats.tags import (
    OUTSIDE,
    Tag,
    detect_scheme,
    parse_tag,
    tag_faults,
    tag_pairs,
    tag_spans,
)

type Chunk = tuple[str, int]
"""A type, or nothing, and how many words are of it."""

CHUNKS = st.lists(st.tuples(st.sampled_from(["", "PER", "LOC"]), st.integers(1, 4)), max_size=8)
TOKENS = st.lists(
    st.one_of(
        st.sampled_from(
            ["بانک", "می\u200cرود", "\u200cها", "نیمه\u200c", "«", "»", '"', ".", "/", "۲", "۵", "ISI", "👨\u200d👩"]
        ),
        st.text(min_size=1, max_size=5),
    )
    .map(visible)
    .filter(bool),
    min_size=1,
    max_size=20,
)


def bio(label: str, length: int, after: str) -> list[str]:
    return [f"B-{label}", *[f"I-{label}"] * (length - 1)]


def iob1(label: str, length: int, after: str) -> list[str]:
    return [f"{'B' if after == label else 'I'}-{label}", *[f"I-{label}"] * (length - 1)]


def bioes(label: str, length: int, after: str, letters: str = "BIES") -> list[str]:
    begin, inside, end, single = list(letters)
    if length == 1:
        return [f"{single}-{label}"]
    return [f"{begin}-{label}", *[f"{inside}-{label}"] * (length - 2), f"{end}-{label}"]


def bilou(label: str, length: int, after: str) -> list[str]:
    return bioes(label, length, after, "BILU")


WRITERS: list[tuple[Callable[[str, int, str], list[str]], Scheme]] = [
    (bio, Scheme.BIO),
    (iob1, Scheme.IOB1),
    (bioes, Scheme.BIOES),
    (bilou, Scheme.BIOES),
]


def written(chunks: Sequence[Chunk], write: Callable[[str, int, str], list[str]]) -> list[str]:
    tags: list[str] = []
    after = ""
    for label, length in chunks:
        tags += write(label, length, after) if label else ["O"] * length
        after = label
    return tags


@pytest.mark.parametrize(("write", "scheme"), WRITERS)
@settings(deadline=None)
@given(chunks=CHUNKS)
def test_spans_of_every_scheme(
    write: Callable[[str, int, str], list[str]], scheme: Scheme, chunks: list[Chunk]
) -> None:
    tags = [parse_tag(tag) for tag in written(chunks, write)]
    places = [(index, index + 1) for index in range(len(tags))]
    expected = []
    start = 0
    for label, length in chunks:
        if label:
            expected.append((start, start + length, label))
        start += length
    assert [(span.start, span.end, span.label) for span in tag_spans(tags, places)] == expected
    assert list(tag_faults(tags, scheme)) == []


@settings(deadline=None)
@given(tokens=TOKENS, data=st.data(), glued=st.booleans())
def test_spans_cut_their_words_out_of_the_text(tokens: list[str], data: st.DataObject, glued: bool) -> None:
    tags = data.draw(st.lists(TAGS, min_size=len(tokens), max_size=len(tokens)))
    text, spans = tagged_text([(tokens, tags), (tokens, tags)], glued=glued)
    record = Record(text=text, entities=spans, entity_types=("PER", "LOC"))
    starts = [index for index, (before, tag) in enumerate(tag_pairs(tags)) if tag is not OUTSIDE and opens(before, tag)]
    assert len(record.entities) == 2 * len(starts)
    for span, start in zip(record.entities, [*starts, *starts], strict=True):
        inside = text[span.start : span.end]
        assert inside == inside.strip()
        assert inside.startswith(tokens[start].strip("\u200c"))
        assert span.label == tags[start].label


def opens(before: Tag, tag: Tag) -> bool:
    """Say by conlleval's rules whether an entity starts at a tag."""
    return tag.position in "BS" or before.position in "OES" or before.label != tag.label


TAGS = st.one_of(st.just(OUTSIDE), st.builds(Tag, st.sampled_from("BIES"), st.sampled_from(["PER", "LOC"])))


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        ("O O", Scheme.BIO),
        ("B-A I-A O B-A", Scheme.BIO),
        ("I-A I-A O I-B", Scheme.IOB1),
        ("I-A B-A O I-B", Scheme.IOB1),
        ("B-A I-A O I-B", Scheme.BIO),
        ("B-A E-A O", Scheme.BIOES),
        ("O S-A", Scheme.BIOES),
        ("O U-A", Scheme.BIOES),
    ],
)
def test_the_scheme_is_found_out(tags: str, scheme: Scheme) -> None:
    assert detect_scheme(set(tag_pairs([parse_tag(tag) for tag in tags.split()]))) is scheme


@pytest.mark.parametrize(
    ("tags", "scheme", "indices"),
    [
        ("O I-A", Scheme.BIO, [1]),
        ("B-A I-B", Scheme.BIO, [1]),
        ("S-A", Scheme.BIO, [0]),
        ("B-A O", Scheme.IOB1, [0]),
        ("I-A B-B", Scheme.IOB1, [1]),
        ("B-A O", Scheme.BIOES, [1]),
        ("O B-A", Scheme.BIOES, [1]),
        ("E-A", Scheme.BIOES, [0]),
        ("B-A I-A B-A E-A", Scheme.BIOES, [2]),
    ],
)
def test_breaches_of_a_scheme(tags: str, scheme: Scheme, indices: list[int]) -> None:
    assert [index for index, _ in tag_faults([parse_tag(tag) for tag in tags.split()], scheme)] == indices


def test_tags_with_underscores_and_persian_types() -> None:
    assert parse_tag("I_سازمان") == Tag("I", "سازمان")


def source(tmp_path: Path, content: str, **options: Any) -> Source:
    path = tmp_path / "in.conll"
    path.write_bytes(content.encode())
    return Source(path=str(path), options=options)


def refusal(tmp_path: Path, content: str, **options: Any) -> str:
    with pytest.raises((FormatError, RecordError)) as caught:
        list(source(tmp_path, content, **options).records())
    return str(caught.value).replace(f"{tmp_path}/", "")


def named(record: Record) -> list[tuple[str, str]]:
    return [(record.text[span.start : span.end], span.label) for span in record.entities]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(("separator", "given"), [("\t", "\t"), (" ", None), ("   ", None), ("|", "|")])
def test_columns_of_any_separator(tmp_path: Path, separator: str, given: str | None, end: str) -> None:
    rows = ["بانک 1 B-ORG", "ملی 2 I-ORG", ". 3 O", "", "", "کابل 1 B-LOC"]
    content = "\ufeff" + end.join(row.replace(" ", separator) for row in rows)
    first, second = source(tmp_path, content, separator=given).records()
    assert (first.text, named(first), first.id) == ("بانک ملی.", [("بانک ملی", "ORG")], "in-1")
    assert (second.text, named(second), second.id) == ("کابل", [("کابل", "LOC")], "in-2")
    assert first.entity_types == second.entity_types == ("LOC", "ORG")
    assert first.group is None


def test_chosen_columns_types_and_joining(tmp_path: Path) -> None:
    content = "B-LOC کابل NN\nO . PU\n"
    (found,) = source(tmp_path, content, token=1, tag=0, entity_types=("LOC", "PER"), detokenize=False).records()
    assert (found.text, named(found), found.entity_types) == ("کابل .", [("کابل", "LOC")], ("LOC", "PER"))


def test_a_joiner_at_the_edge_of_a_word_is_outside_of_the_entity(tmp_path: Path) -> None:
    content = "نیمه\u200c O\n\u200cکابل\u200c B-LOC\n"
    for glued, text in ((True, "نیمه\u200cکابل"), (False, "نیمه\u200c \u200cکابل\u200c")):
        (found,) = source(tmp_path, content, detokenize=glued).records()
        assert (found.text, named(found)) == (text, [("کابل", "LOC")])


def test_words_with_blanks_where_the_separator_is_given(tmp_path: Path) -> None:
    (found,) = source(tmp_path, "می رود\tO\n\u200c\tO\nبه\tO\n", separator="\t").records()
    assert found.text == "می رود به"


DOCUMENTS = "-DOCSTART- -X- O\n\nکابل B-LOC\n\nباران O\n\n-DOCSTART- -X- O\n\nهرات B-LOC\n"


def test_documents_become_groups(tmp_path: Path) -> None:
    found = list(source(tmp_path, DOCUMENTS).records())
    assert [(record.text, record.group) for record in found] == [("کابل", "in-1"), ("باران", "in-1"), ("هرات", "in-2")]


def test_documents_become_records(tmp_path: Path) -> None:
    first, second = source(tmp_path, DOCUMENTS, documents=True).records()
    assert (first.text, named(first), second.text) == ("کابل باران", [("کابل", "LOC")], "هرات")
    assert refusal(tmp_path, "کابل B-LOC\n", documents=True).startswith(
        "in.conll: no -DOCSTART- line; leave out documents"
    )


def test_a_file_without_words(tmp_path: Path) -> None:
    for content in ("", "\n \n", "-DOCSTART- O\n\n"):
        assert list(source(tmp_path, content).records()) == []


REFUSALS: list[tuple[str, Mapping[str, Any], str]] = [
    (
        "کابل B-LOC\n\nهرات\n",
        {},
        "in.conll:3: got 1 columns; a record takes a word in column 0, a tag in -1; mend the line",
    ),
    ("کابل x B-LOC\n", {"tag": 3}, "in.conll:1: got 3 columns; a record takes a word in column 0, a tag in 3"),
    ("کابل LOC\n", {}, "in.conll:1: got the tag 'LOC'; a record takes O, or one of B, I"),
    ("کابل B-\n", {}, "in.conll:1: got the tag 'B-'"),
    ("کابل X-LOC\n", {}, "in.conll:1: got the tag 'X-LOC'"),
    ("کابل B-LOC\nO I-LOC\nد I-PER\n", {"scheme": "BIO"}, "in.conll:3: got I-PER after I-LOC, which BIO does not have"),
    ("کابل B-LOC\n\n", {"scheme": "BIOES"}, "in.conll:1: got O after B-LOC, which BIOES does not have"),
    ("کابل B-LOC\n", {"entity_types": ("PER",)}, "in.conll:1: got Span(start=0, end=4, label='LOC') in entities"),
]


@pytest.mark.parametrize(("content", "options", "message"), REFUSALS)
def test_refusals_name_the_line(tmp_path: Path, content: str, options: Mapping[str, Any], message: str) -> None:
    assert refusal(tmp_path, content, **options).startswith(message)


def test_bytes_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "in.bio"
    path.write_bytes("کابل O\n".encode("windows-1256"))
    with pytest.raises(RecordError, match=r"in\.bio:1: got bytes that are not UTF-8 .0x98., as in Windows-1256"):
        list(Source(path=str(path)).records())
    assert [record.text for record in Source(path=str(path), options={"encoding": "cp1256"}).records()] == ["کابل"]


def test_a_bad_line_costs_its_sentence_and_no_other(tmp_path: Path) -> None:
    entries = list(source(tmp_path, "یک O\nدو\nسه ?\n\nچهار O\n").entries())
    assert [(entry.place, type(entry.content)) for entry in entries] == [
        ("2", RecordError),
        ("3", RecordError),
        ("5", Record),
    ]


def test_where_no_scheme_is_given_a_breach_is_a_notice(tmp_path: Path) -> None:
    entries = list(source(tmp_path, "یک B-PER\n\nدو I-PER\n").entries())
    assert [(entry.place, type(entry.content)) for entry in entries] == [("1", Record), ("3", Notice), ("3", Record)]
    assert isinstance(entries[2].content, Record)
    assert named(entries[2].content) == [("دو", "PER")]
