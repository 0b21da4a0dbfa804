"""One document as the model reads it: passages, windows, and what is asked of it."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from khabar.errors import InputError
from khabar.results import Document, Entity
from khabar.runtime import Logits
from khabar.targets import Context, ContextFinder, Target, check_query, choose_targets
from khabar.text import Integers, Passage, Span, TextReader

LONGEST_TEXT: Final = 1_000_000
"""Characters of one article, as many as a long book has; more is an archive in one text, and memory without end."""


@dataclass(frozen=True, eq=False)
class Question:
    """A target or claim to judge."""

    kind: Literal["target", "claim"]
    target: Target
    query: Passage


class Reading:
    """One document as the model reads it; InputError where something in it is not of its kind."""

    def __init__(self, document: Document, reader: TextReader) -> None:
        _check(document)
        self.document = document
        self.reader = reader
        self.body = reader.read(document.text)
        self.title = reader.read(document.title) if document.title else None
        self.claims = [self.question("claim", Target(claim)) for claim in document.claims]
        self.targets = [self.question("target", Target(name)) for name in document.targets or ()]

    @cached_property
    def ids(self) -> Integers:
        return self.reader.document(self.title, self.body)

    @property
    def body_start(self) -> int:
        """How many pieces stand before those of the text."""
        return len(self.ids) - len(self.body.ids)

    @cached_property
    def windows(self) -> list[Span]:
        """The windows over title and text; none where there is not one word."""
        readable = self.body.has_words or (self.title is not None and self.title.has_words)
        return self.reader.windows(len(self.ids)) if readable else []

    @cached_property
    def finder(self) -> ContextFinder:
        return ContextFinder(self.reader, self.title, self.body)

    def question(self, kind: Literal["target", "claim"], target: Target) -> Question:
        query = self.reader.read(target.name)
        check_query(query, self.reader, kind)
        return Question(kind, target, query)

    def main_targets(self, entities: Sequence[Entity], limit: int) -> list[Question]:
        """Ask about the entities named most; one too long to ask about is passed over."""
        questions: list[Question] = []
        for target in choose_targets(entities, len(entities)):
            if len(questions) == limit:
                break
            with suppress(InputError):
                questions.append(self.question("target", target))
        return questions

    def context(self, question: Question) -> Context:
        if question.kind == "claim":
            return self.finder.around_claim(question.query)
        return self.finder.around_target(question.query, question.target)

    def word_logits(self, windows: Sequence[Logits], task: str) -> NDArray[np.float32]:
        """Return each word's logits from the window where it stands most central; shape (n_words, K)."""
        pieces = self.body_start + self.body.first_pieces
        rows = np.empty((len(pieces), windows[0][task].shape[-1]), dtype=np.float32)
        widest = np.full(len(pieces), -1)
        for (start, end), logits in zip(self.windows, windows, strict=True):
            words = np.arange(*np.searchsorted(pieces, (start, end)))
            margins = np.minimum(pieces[words] - start, end - 1 - pieces[words])
            wider = margins > widest[words]
            words, margins = words[wider], margins[wider]
            widest[words] = margins
            rows[words] = logits[task][1 + pieces[words] - start]  # 1 for <s>
        return rows


def as_document(document: object, targets: Sequence[str] | None) -> Document:
    """Return one of many documents, asked about *targets* where it names none; InputError where it is no such thing."""
    if isinstance(document, str):
        return Document(document, targets=targets)
    if not isinstance(document, Document):
        raise InputError("a document", kind_of(document), "a str or a Document", "wrap the text: khabar.Document(text)")
    if document.targets is None and targets is not None:
        return Document(document.text, document.title, targets, document.claims, document.id)
    return document


def _check(document: Document) -> None:
    if not isinstance(document.text, str):
        raise InputError("text", kind_of(document.text), "a str", "decode bytes first, and leave out what has no text")
    _check_length("text", document.text)
    if document.title is not None:
        if not isinstance(document.title, str):
            raise InputError("title", kind_of(document.title), "a str or None", "decode bytes first")
        _check_length("title", document.title)
    for name, values in (("targets", document.targets), ("claims", document.claims)):
        if values is None and name == "targets":
            continue
        if not isinstance(values, Sequence) or isinstance(values, str | bytes):
            raise InputError(name, kind_of(values), "a sequence of strings", f"write {name}=[…], also for a single one")
        for value in values:
            if not isinstance(value, str):
                raise InputError(f"one of {name}", kind_of(value), "a str", "turn each one into a str")
            _check_length(f"one of {name}", value)


def _check_length(name: str, text: str) -> None:
    if len(text) > LONGEST_TEXT:
        got, takes = f"{len(text):,} characters long", f"up to {LONGEST_TEXT:,}"
        raise InputError(name, got, takes, "read each article on its own")


def check_score(value: object) -> None:
    """Refuse a least score that is no number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) <= 1:
        raise InputError("min_score", repr(value), "a number from 0 to 1", "pass 0 to take every answer")


def kind_of(value: object) -> str:
    return type(value).__name__
