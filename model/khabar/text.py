"""Raw text to clean text to words, sentences and word pieces, always with the way back.

The model reads a cleaned text: Arabic letters unified with the Persian ones, marks composed or
dropped, invisible controls gone. Everything found there is a span of the clean text, and
:meth:`CleanText.raw_span` turns it into a span of the caller's own string.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from khabar.config import ModelConfig
from khabar.errors import ConfigError

type Integers = NDArray[np.int64]
type Span = tuple[int, int]

ZWNJ: Final = "\u200c"

# Characters that say nothing to the model: zero-width and bidi controls, soft hyphen, tatweel.
_FORMAT: Final = "\u00ad\u0640\u061c\u180e\u200b\u200d-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff"
# Marks that join the letter before them: Latin accents, Arabic vowel signs, madda, hamza.
_MARKS: Final = "\u0300-\u036f\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"
_CLUSTER: Final = re.compile(rf"([^\W_\u0640])?[{_FORMAT}{_MARKS}]+")
_MARK: Final = re.compile(rf"[{_MARKS}]")
_TRAILING_FORMAT: Final = re.compile(rf"[{_FORMAT}]+$")

_WORD: Final = re.compile(
    r"\d{1,64}(?:[.,/:٫٬]\d{1,64})*(?![\w\u200c])|\w{1,64}(?:\u200c{1,3}\w{1,64}){0,8}|[^\w\s\u200c]"
)
_SENTENCE_END: Final = re.compile(r"(?<![.!?؟…۔])[.!?؟…۔]+[\"'”’»)\]]*(?=\s)|\n+")
_LONGEST_SENTENCE: Final = 600
_INNER: Final = re.compile(r"[^\s\u200c](?:.*[^\s\u200c])?", re.DOTALL)


def _character_map() -> dict[int, str]:
    """Return one-to-one replacements, so that lengths stay as they are."""
    letters = {"ي": "ی", "ى": "ی", "ك": "ک"}
    forms = [*range(0xFB50, 0xFDFE), *range(0xFE70, 0xFEFD)]
    table = {code: unicodedata.normalize("NFKC", chr(code)) for code in forms}
    table = {code: letters.get(letter, letter) for code, letter in table.items() if len(letter) == 1}
    table |= dict.fromkeys([*range(9), 0xB, 0xC, *range(0xE, 0x20), *range(0x7F, 0xA0)], " ")
    table |= dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
    table |= {ord("٠") + digit: chr(ord("۰") + digit) for digit in range(10)}
    return table | {ord(letter): persian for letter, persian in letters.items()} | {0xAC: ZWNJ}


_CHARACTERS: Final = _character_map()


@dataclass(frozen=True, eq=False)
class CleanText:
    """A cleaned text; character i of it stands for ``raw[starts[i]:ends[i]]``."""

    raw: str
    text: str
    starts: Integers | None = None
    ends: Integers | None = None
    """Both None where every character kept its place."""

    def raw_span(self, start: int, end: int) -> Span:
        """Return the span of the raw text for a non-empty span of the clean one."""
        if self.starts is None or self.ends is None:
            return int(start), int(end)
        return int(self.starts[start]), int(self.ends[end - 1])

    def raw_spans(self, spans: Integers) -> Integers:
        """Do the same for many spans at once; shapes (n, 2) -> (n, 2)."""
        if self.starts is None or self.ends is None or not len(spans):
            return spans
        return np.stack((self.starts[spans[:, 0]], self.ends[spans[:, 1] - 1]), axis=1)


def clean(raw: str) -> CleanText:
    """Return *raw* as the model reads it, with the alignment back to it."""
    mapped = raw.translate(_CHARACTERS)
    pieces: list[str] = []
    starts: list[Integers] = []
    ends: list[Integers] = []
    done = 0
    for match in _CLUSTER.finditer(mapped):
        pieces.append(mapped[done : match.start()])
        kept = np.arange(done, match.start())
        starts.append(kept)
        ends.append(kept + 1)
        if base := match[1]:
            pieces.append(unicodedata.normalize("NFC", base + "".join(_MARK.findall(match[0])))[0])
            starts.append(np.array([match.start()]))
            ends.append(np.array([match.start() + len(_TRAILING_FORMAT.sub("", match[0]))]))
        done = match.end()
    if not starts:
        return CleanText(raw, mapped)
    rest = np.arange(done, len(mapped))
    text = "".join((*pieces, mapped[done:]))
    return CleanText(raw, text, np.concatenate((*starts, rest)), np.concatenate((*ends, rest + 1)))


def words(text: str) -> Integers:
    """Return the (start, end) of every word, number and punctuation mark; shape (n_words, 2).

    What ZWNJ joins is one word, so that no entity ends in the middle of one.
    """
    return _spans([match.span() for match in _WORD.finditer(text)])


def sentences(text: str) -> Integers:
    """Return the (start, end) of every sentence, blanks around it left out; shape (n_sentences, 2).

    A sentence of over 600 characters is cut at the last comma or blank before that.
    """
    found: list[Span] = []
    start = 0
    for end in (*(match.end() for match in _SENTENCE_END.finditer(text)), len(text)):
        while end - start > _LONGEST_SENTENCE:
            limit = start + _LONGEST_SENTENCE
            cut = max(text.rfind(mark, start + _LONGEST_SENTENCE // 2, limit) for mark in "،؛ ") + 1 or limit
            found.append((start, cut))
            start = cut
        found.append((start, end))
        start = end
    return _spans([inner.span() for span in found if (inner := _INNER.search(text, *span))])


def _spans(spans: list[Span]) -> Integers:
    return np.array(spans, dtype=np.int64).reshape(-1, 2)


@dataclass(frozen=True, eq=False)
class Passage:
    """One text as the encoder sees it. Spans are (start, end) in the clean text."""

    clean: CleanText
    ids: Integers
    """Word pieces, no special tokens; shape (n_pieces,)."""
    words: Integers
    """Words that have at least one piece; shape (n_words, 2)."""
    first_pieces: Integers
    """The first piece of each word; shape (n_words,)."""
    sentences: Integers
    """Shape (n_sentences, 2)."""
    sentence_pieces: Integers
    """The (first, last + 1) piece of each sentence; shape (n_sentences, 2)."""

    @property
    def has_words(self) -> bool:
        """Say whether there is a letter or digit to read, and not just signs."""
        return re.search(r"\w", self.clean.text) is not None

    def sentence(self, index: int) -> str:
        """Return one sentence of the clean text."""
        start, end = self.sentences[index]
        return self.clean.text[start:end]


class TextReader:
    """Reads texts into word pieces, and lays pieces out as the encoder takes them."""

    def __init__(self, tokenizer: Tokenizer, config: ModelConfig) -> None:
        self._tokenizer = tokenizer
        self.window = config.window
        self.overlap = config.overlap
        self.cls_id, self.sep_id, self.pad_id = (
            _token_id(tokenizer, token) for token in (config.cls_token, config.sep_token, config.pad_token)
        )
        self.largest_id = tokenizer.get_vocab_size() - 1
        self._special_ids = _special_ids(tokenizer) | {self.cls_id, self.sep_id, self.pad_id}
        self._letters: dict[str, list[int]] = {}

    def read(self, raw: str) -> Passage:
        """Clean one text and cut it into words, sentences and word pieces."""
        cleaned = clean(raw)
        ids, offsets = self._pieces(cleaned.text)
        ends = np.maximum.accumulate(offsets[:, 1])
        word_spans, sentence_spans = words(cleaned.text), sentences(cleaned.text)
        first = np.searchsorted(ends, word_spans[:, 0], side="right")
        seen = first < len(ends)
        seen[seen] = offsets[first[seen], 0] < word_spans[seen, 1]
        sentence_first = np.searchsorted(ends, sentence_spans[:, 0], side="right")
        return Passage(
            clean=cleaned,
            ids=ids,
            words=word_spans[seen],
            first_pieces=first[seen],
            sentences=sentence_spans,
            sentence_pieces=np.stack((sentence_first, np.append(sentence_first[1:], len(ends))), axis=1)
            if len(sentence_spans)
            else sentence_spans,
        )

    def _pieces(self, text: str) -> tuple[Integers, Integers]:
        """Return the word pieces of a clean text, shape (n,), and their (start, end), shape (n, 2).

        What spells a special piece, as ``</s>`` may, is text: it is read letter by letter.
        """
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        ids, spans = encoding.ids, encoding.offsets
        if not self._special_ids.isdisjoint(ids):
            found: list[tuple[int, Span]] = []
            for piece, (start, end) in zip(ids, spans, strict=True):
                if piece not in self._special_ids:
                    found.append((piece, (start, end)))
                    continue
                for place in range(start, end):
                    found += [(letter, (place, place + 1)) for letter in self._letter(text[place])]
            ids, spans = [piece for piece, _ in found], [span for _, span in found]
        return np.array(ids, dtype=np.int64), _spans(spans)

    def _letter(self, letter: str) -> list[int]:
        """Return the pieces of one letter."""
        if letter not in self._letters:
            ids = self._tokenizer.encode(letter, add_special_tokens=False).ids
            self._letters[letter] = [piece for piece in ids if piece not in self._special_ids]
        return self._letters[letter]

    def document(self, title: Passage | None, body: Passage) -> Integers:
        """Return the pieces of title, separator and text (or of the text alone); shape (n_pieces,)."""
        if title is None or not len(title.ids):
            return body.ids
        return np.concatenate((title.ids, [self.sep_id], body.ids))

    def windows(self, n_pieces: int) -> list[Span]:
        """Return overlapping (start, end) that cover *n_pieces*, as even as can be."""
        if not n_pieces:
            return []
        size = self.window - 2
        n_windows = 1 if n_pieces <= size else -(-(n_pieces - self.overlap) // (size - self.overlap))
        length = -(-(n_pieces + (n_windows - 1) * self.overlap) // n_windows)
        starts = (index * (length - self.overlap) for index in range(n_windows))
        return [(start, min(start + length, n_pieces)) for start in starts]

    def single(self, ids: Integers) -> Integers:
        """Return ``<s> ids </s>``."""
        return np.concatenate(([self.cls_id], ids, [self.sep_id]))

    def pair(self, query: Integers, context: Integers) -> Integers:
        """Return ``<s> query </s></s> context </s>``."""
        return np.concatenate(([self.cls_id], query, [self.sep_id, self.sep_id], context, [self.sep_id]))


def _special_ids(tokenizer: Tokenizer) -> set[int]:
    """Return the pieces that a text never spells: all special ones but the one for what is unknown."""
    unknown = {token.id for token in tokenizer.model.tokenize("\uffff")}  # no character, so in no vocabulary
    return {piece for piece, token in tokenizer.get_added_tokens_decoder().items() if token.special} - unknown


def _token_id(tokenizer: Tokenizer, token: str) -> int:
    found = tokenizer.token_to_id(token)
    if found is None:
        raise ConfigError(f"the tokenizer has no token {token!r}, which the configuration names; use the matching pair")
    return found
