"""CoNLL columns: a word and its tag a line, a blank line after each sentence."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from khabar.text import ZWNJ
from khabar_data.corpora.entities import detokenize
from khabar_data.formats.entry import Entry, FormatError, Notice
from khabar_data.formats.tags import (
    Scheme,
    Tag,
    detect_scheme,
    parse_tag,
    tag_faults,
    tag_pairs,
    tag_spans,
)
from khabar_data.formats.text_file import UTF8, check_decoded, read_lines, stem
from khabar_data.records import Record, RecordError, Span

DOCUMENT_START: Final = "-DOCSTART-"
_EDGES: Final = re.compile("^[\\s\u200b-\u200d\ufeff]+|[\\s\u200b-\u200d\ufeff]+$")


@dataclass(frozen=True, kw_only=True)
class ConllOptions:
    """How a file of tagged words is read."""

    token: int = 0
    """The column of the words, from 0; negative from the end."""
    tag: int = -1
    separator: str | None = None
    """None: any run of blanks."""
    scheme: Scheme | None = None
    """A given scheme is held to: what breaks it is an error. None: found out, and breaches are notices."""
    entity_types: tuple[str, ...] = ()
    """What was looked for; none given: the types that the file has."""
    documents: bool = False
    """Join the sentences between -DOCSTART- lines into one record."""
    detokenize: bool = True
    """Put the words together as Persian is written; else with one blank between each two."""
    encoding: str = UTF8


@dataclass
class Sentence:
    """The words between two blank lines."""

    document: int
    """How many -DOCSTART- lines came before."""
    lines: list[int] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)
    faults: list[Entry] = field(default_factory=list)


@dataclass(frozen=True)
class Survey:
    """What a first pass over a file finds."""

    types: tuple[str, ...]
    scheme: Scheme
    n_documents: int


def read_conll(path: str, options: ConllOptions) -> Iterator[Entry]:
    """Yield the sentences, or the documents, of a file of tagged words.

    The file is read twice: which types were looked for must be known before the first record.
    """
    survey = _survey(path, options)
    if options.documents and not survey.n_documents:
        raise FormatError(path, f"no {DOCUMENT_START} line", "leave out documents, or mark where they start")
    number = 0
    document: list[Sentence] = []
    for sentence in _sentences(path, options):
        if document and not (options.documents and document[0].document == sentence.document):
            number += 1
            yield _entry(document, survey, path, number, options)
            document = []
        faults = sentence.faults or list(_scheme_faults(sentence, options.scheme, survey.scheme))
        yield from faults
        if sentence.tokens and not any(isinstance(fault.content, RecordError) for fault in faults):
            document.append(sentence)
    if document:
        yield _entry(document, survey, path, number + 1, options)


def tagged_text(sentences: list[tuple[list[str], list[Tag]]], *, glued: bool) -> tuple[str, tuple[Span, ...]]:
    """Return the text of tagged sentences and the entities in it; *glued*: punctuation as Persian writes it."""
    text = ""
    spans: list[Span] = []
    for tokens, tags in sentences:
        text += " " if text else ""
        sentence, offsets = detokenize(tokens) if glued else _joined(tokens)
        moved = [(start + len(text), end + len(text)) for start, end in offsets]
        spans += tag_spans(tags, moved)
        text += sentence
    return text, tuple(spans)


def visible(token: str) -> str:
    """Return a word without blanks around it; nothing where only blanks and joiners are left.

    A ZWNJ at an edge stays, as it says that the word is glued on, unless a blank stands behind it.
    """
    core = _EDGES.sub("", token)
    word = token.strip()
    return word if core and word.strip(ZWNJ) == word.strip(ZWNJ).strip() else core


def _joined(tokens: list[str]) -> tuple[str, list[tuple[int, int]]]:
    offsets = []
    start = 0
    for token in tokens:
        core = token.strip(ZWNJ)
        offsets.append((start + token.index(core), start + token.index(core) + len(core)))
        start += len(token) + 1
    return " ".join(tokens), offsets


def _survey(path: str, options: ConllOptions) -> Survey:
    """Read a file once, for the types, the scheme and the number of documents."""
    pairs: set[tuple[Tag, Tag]] = set()
    n_documents = 0
    for sentence in _sentences(path, options):
        pairs.update(tag_pairs(sentence.tags))
        n_documents = sentence.document
    types = options.entity_types or tuple(sorted({tag.label for _, tag in pairs if tag.label}))
    return Survey(types, options.scheme or detect_scheme(pairs), n_documents)


def _sentences(path: str, options: ConllOptions) -> Iterator[Sentence]:
    sentence = Sentence(0)
    for number, line in enumerate(read_lines(path, options.encoding), start=1):
        starts_document = line.startswith(DOCUMENT_START)
        if starts_document or line.isspace():
            if sentence.tokens or sentence.faults:
                yield sentence
                sentence = Sentence(sentence.document)
            sentence.document += starts_document
            continue
        try:
            token, tag = _divided(line.rstrip("\r\n"), options)
        except RecordError as error:
            sentence.faults.append(Entry(str(number), error))
            continue
        if token:
            sentence.lines.append(number)
            sentence.tokens.append(token)
            sentence.tags.append(tag)
    yield sentence


def _divided(line: str, options: ConllOptions) -> tuple[str, Tag]:
    check_decoded(line, options.encoding)
    cells = line.split(options.separator)
    n_cells = len(cells)
    places = [place + n_cells if place < 0 else place for place in (options.token, options.tag)]
    if not all(0 <= place < n_cells for place in places) or places[0] == places[1]:
        remedy = "mend the line, or name the separator and the columns token and tag"
        raise RecordError(f"{n_cells} columns", f"a word in column {options.token}, a tag in {options.tag}", remedy)
    return visible(cells[places[0]]), parse_tag(cells[places[1]].strip())


def _scheme_faults(sentence: Sentence, given: Scheme | None, scheme: Scheme) -> Iterator[Entry]:
    for index, fault in tag_faults(sentence.tags, scheme):
        place = str(sentence.lines[index])
        if given:
            yield Entry(place, RecordError(fault, f"tags in {scheme}", "mend the tag, or leave the scheme out"))
        else:
            yield Entry(place, Notice(f"{fault}; what does not go on an entity was read as the start of one"))


def _entry(sentences: list[Sentence], survey: Survey, path: str, number: int, options: ConllOptions) -> Entry:
    def record() -> Record:
        pairs = [(sentence.tokens, sentence.tags) for sentence in sentences]
        text, spans = tagged_text(pairs, glued=options.detokenize)
        group = f"{stem(path)}-{sentences[0].document}" if survey.n_documents else None
        return Record(text=text, entities=spans, entity_types=survey.types, id=f"{stem(path)}-{number}", group=group)

    return Entry.made(str(sentences[0].lines[0]), record)
