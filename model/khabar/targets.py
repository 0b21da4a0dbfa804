"""Whom stance is judged toward, and the part of the text that it is judged in."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import fsum, log
from typing import Final

import numpy as np

from khabar.errors import InputError
from khabar.results import Entity
from khabar.text import Integers, Passage, Span, TextReader, clean

_TARGET_TYPES: Final = ("PER", "ORG", "LOC")
_EVIDENCE: Final = 3
"""Sentences that a judgement names as its evidence, at most."""
_BRACKETS: Final = re.compile(r"\( ?([^()]+?) ?\)$")


@dataclass(frozen=True)
class Target:
    """One thing that stance is judged toward, with the other names that the text has for it."""

    name: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Context:
    """What a pair pass reads beside the query: pieces, and the sentences it rests on."""

    ids: Integers
    """Word pieces, shape (n_pieces,)."""
    places: Integers
    """Where each stands among the pieces of title, separator and text; shape (n_pieces,)."""
    evidence: tuple[Span, ...]
    """Spans of the raw text."""


def choose_targets(entities: Iterable[Entity], limit: int) -> list[Target]:
    """Return the *limit* people, organisations and places that a text names most.

    Mentions are one group where they are spelt alike but for ZWNJ and blanks, where a person is
    named in part («ظریف» after «محمدجواد ظریف»), or where an abbreviation stands in brackets
    behind the full name. Groups of equal size keep the order of their first mention.
    """
    groups: dict[str, list[Entity]] = {}
    for entity in entities:
        if entity.label in _TARGET_TYPES and re.search(r"\w", entity.text):
            groups.setdefault(_fold(entity.text), []).append(entity)
    owners: dict[tuple[str, str], str] = {}
    for name, mentions in groups.items():
        label = mentions[0].label
        for part in _short_names(name, label):
            owners.setdefault((part, label), name)
    for short in sorted(groups, key=len):
        owner = owners.get((short, groups[short][0].label))
        if owner is not None:
            groups[owner] += groups.pop(short)
    ranked = sorted(groups.values(), key=lambda mentions: (-len(mentions), min(entity.start for entity in mentions)))
    return [_target(mentions) for mentions in ranked[:limit]]


def _target(mentions: list[Entity]) -> Target:
    spellings = Counter(entity.text for entity in mentions)
    name = max(spellings, key=lambda text: (len(_fold(text)), spellings[text]))
    return Target(name, tuple(text for text in spellings if text != name))


def _fold(name: str) -> str:
    """Return what stays the same however a name is spaced."""
    return " ".join(re.split(r"[\s\u200c]+", clean(name).text.strip())).casefold()


def _short_names(name: str, label: str) -> Iterator[str]:
    """Yield what *name* may be called for short: the abbreviation behind it, a person's last names."""
    if behind := _BRACKETS.search(name):
        yield behind[1]
    if label == "PER":
        words = name.split(" ")
        yield from (" ".join(words[-n_words:]) for n_words in range(1, min(len(words), 5)))


class ContextFinder:
    """Finds the sentences of one article that bear on a target or a claim."""

    def __init__(self, reader: TextReader, title: Passage | None, body: Passage) -> None:
        self._reader = reader
        self._title = title
        self._body = body
        self._n_sentences = len(body.sentences)
        self._ids = reader.document(title, body)

    @cached_property
    def _bags(self) -> list[set[str]]:
        return [_content(self._body.sentence(index)) for index in range(self._n_sentences)]

    @cached_property
    def _rarity(self) -> dict[str, float]:
        counts = Counter(word for bag in self._bags for word in bag)
        return {word: log(1 + len(self._bags) / count) for word, count in counts.items()}

    def around_target(self, query: Passage, target: Target) -> Context:
        """Return the title, the sentences that name the target, the lead, and what follows each.

        A target that the text does not name is judged like a claim, by the words it shares.
        """
        pattern = _mention_pattern((target.name, *target.aliases))
        named = [index for index in range(self._n_sentences) if pattern.search(self._body.sentence(index))]
        if not named:
            return self.around_claim(query)
        return self._context(query, [*named, 0, *(index + 1 for index in named)], named)

    def around_claim(self, query: Passage) -> Context:
        """Return the title, the lead, and the sentences that share most with the claim, rare words first."""
        wanted = _content(query.clean.text)
        scores = [fsum(self._rarity[word] for word in bag & wanted) for bag in self._bags]  # the order of a set varies
        closest = sorted(range(len(scores)), key=lambda index: -scores[index])
        sharing = [index for index in closest if scores[index] > 0]
        return self._context(query, [*sharing[:1], 0, *closest], sharing)

    def _context(self, query: Passage, order: list[int], evidence: list[int]) -> Context:
        """Take sentences in *order* while they fit; lay them out as the text has them."""
        room = self._reader.window - 4 - len(query.ids)
        title = np.arange(min(room // 4, len(self._title.ids)) if self._title is not None else 0)
        room -= len(title)
        body_start = len(self._ids) - len(self._body.ids)
        chosen: dict[int, Integers] = {}
        for index in dict.fromkeys(order):
            if index >= self._n_sentences:
                continue
            pieces = body_start + np.arange(*self._body.sentence_pieces[index])
            if len(pieces) <= room or not chosen:
                chosen[index] = pieces[:room]
                room -= len(chosen[index])
        rests_on = sorted([index for index in evidence if index in chosen][:_EVIDENCE])
        places = np.concatenate((title, *(chosen[index] for index in sorted(chosen))))
        return Context(
            ids=self._ids[places],
            places=places,
            evidence=tuple(self._body.clean.raw_span(*self._body.sentences[index]) for index in rests_on),
        )


def check_query(query: Passage, reader: TextReader, argument: str) -> None:
    """Refuse a target or claim with no words, or one that leaves no room for the text."""
    if not query.has_words:
        raise InputError(argument, repr(query.clean.raw), "text with at least one word", "leave it out or write it out")
    if len(query.ids) > reader.window // 2:
        raise InputError(
            argument,
            f"{len(query.ids)} word pieces long",
            f"at most {reader.window // 2}",
            "say it in fewer words",
        )


def _mention_pattern(names: Sequence[str]) -> re.Pattern[str]:
    spellings = (r"[\s\u200c]+".join(map(re.escape, _fold(name).split())) for name in names)
    return re.compile(rf"(?<!\w)(?:{'|'.join(sorted(spellings, key=len, reverse=True))})(?!\w)", re.IGNORECASE)


def _content(text: str) -> set[str]:
    """Return the words of a sentence that can tell it from others."""
    return {word for word in re.findall(r"\w{2,}", text.casefold()) if word not in FUNCTION_WORDS}


FUNCTION_WORDS: Final = frozenset(
    [
        "و",
        "از",
        "به",
        "با",
        "در",
        "بر",
        "که",
        "را",
        "این",
        "آن",
        "تا",
        "برای",
        "هم",
        "نیز",
        "یا",
        "اما",
        "ولی",
        "است",
        "بود",
        "شد",
        "شده",
        "می",
        "نمی",
        "های",
        "ها",
        "ای",
        "هر",
        "چه",
        "یک",
        "خود",
        "او",
        "وی",
        "ما",
        "شما",
        "آنها",
        "آنان",
        "کرد",
        "کرده",
        "گفت",
        "باشد",
        "دارد",
        "شود",
        "کند",
        "اند",
        "بودند",
        "هستند",
        "همچنین",
        "پس",
        "پیش",
        "روی",
    ]
)
