"""Corpora of tagged words: PEYMA, NSURL-2019, ARMAN and ParsTwiNER, one sentence a record."""

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from khabar_data.corpora.corpus import CorpusError
from khabar_data.labels import ARMAN_TYPES, DATES_AND_NUMBERS, PARSTWINER_TYPES
from khabar_data.records import Record, Span

type Tagged = tuple[str, str]
"""A token and its tag: O, or B or I, a hyphen or underscore, and a type."""

ZWNJ = "\u200c"
CLOSERS = frozenset("،.؛:؟!)]»٪%,;?…”")
OPENERS = frozenset("([«“")
NUMBER = re.compile(r"\d[\d.,٫٬]*")
SENTENCE_ENDS = frozenset((".", "؟", "!", "?", "…", "..."))
PAUSES = frozenset(("،", "؛", ",", ";", ":"))
N_LONGEST = 120
"""Tokens of the longest NSURL sentence that is left whole."""
N_NEIGHBOURS = 20
"""Neighbouring sentences, often of one article, that form a group."""


def read_peyma(path: Path, part: str, seed: int) -> Iterator[Record]:
    """Yield PEYMA; a space inside a token was a ZWNJ and becomes one again."""
    types = {name: name for name in DATES_AND_NUMBERS}
    for i, sentence in enumerate(read_sentences(path, lambda line: _divide(line, "|"))):
        repaired = [(re.sub(r"(?<=\w) +(?=\w)", ZWNJ, token), tag) for token, tag in sentence]
        yield _record(repaired, types, f"peyma-{part}", i, group=f"peyma-{part}-{i // N_NEIGHBOURS}")


def read_nsurl(folder: Path, part: str, seed: int) -> Iterator[Record]:
    """Yield NSURL-2019, files by name; Arabic ي and ك become Persian, endless sentences are split."""
    types = {name: name for name in DATES_AND_NUMBERS}
    persian = str.maketrans("يك", "یک")
    i = 0
    for path in sorted(folder.iterdir()):
        for sentence in read_sentences(path, _divide_nsurl):
            for piece in split_long([(token.translate(persian), tag) for token, tag in sentence]):
                yield _record(piece, types, f"nsurl-{part}", i, group=f"nsurl-{path.name}")
                i += 1


def read_arman(path: Path, part: str, seed: int) -> Iterator[Record]:
    """Yield ARMAN, whose numbers are all ``0``: each becomes an invented one, drawn by *seed*."""
    chance = random.Random(seed)
    for i, sentence in enumerate(read_sentences(path, lambda line: _divide(line, " "))):
        tokens = [token for token, _ in sentence]
        for j, token in enumerate(tokens):
            if token == "0":
                beside_slash = "/" in tokens[max(j - 1, 0) : j + 2]
                sentence[j] = (invent_number(chance, whole=beside_slash), sentence[j][1])
        yield _record(sentence, ARMAN_TYPES, f"arman-{part}", i, group=f"arman-{part}-{i // N_NEIGHBOURS}")


def read_parstwiner(path: Path, part: str, seed: int) -> Iterator[Record]:
    """Yield ParsTwiNER; political groups are organizations, nationalities are nothing."""
    for i, sentence in enumerate(read_sentences(path, lambda line: _divide(line, "\t"))):
        yield _record(
            sentence,
            PARSTWINER_TYPES,
            f"parstwiner-{part}",
            i,
            group=f"parstwiner-{part}-{i // N_NEIGHBOURS}",
        )


def read_sentences(path: Path, divide: Callable[[str], Tagged]) -> Iterator[list[Tagged]]:
    """Yield the sentences of a file with one token a line and blank lines between sentences.

    Tokens that hold nothing but spaces or ZWNJ are noise and left out, and so are sentences of such.
    """
    sentence: list[Tagged] = []
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                token, tag = divide(line.rstrip("\r\n"))
                if tag != "O" and not re.match(r"[BI][-_]\w", tag):
                    raise CorpusError(f"{path}:{number}", f"tag {tag!r}", "it takes O, B-… or I-…; mend the line")
                if token.strip(f"{ZWNJ} "):
                    sentence.append((token.strip(), tag))
            elif sentence:
                yield sentence
                sentence = []
    if sentence:
        yield sentence


def detokenize(tokens: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """Join tokens as Persian news is written; return the text and each token's start and end in it.

    No space stands before closing punctuation, after opening punctuation, inside a pair of straight
    quotes or in a decimal like ۲/۵ or 2.5. A ZWNJ at a token's edge glues it on and belongs to neither.

    >>> detokenize(["گفت", ":", "«", "نه", "»", "."])[0]
    'گفت: «نه».'
    """
    text, gap = "", ""
    offsets = []
    in_quotes = False
    for i, token in enumerate(tokens):
        core = token.strip(ZWNJ) or token
        decimal = core in ("/", ".") and _between_numbers(tokens, i)
        if core[0] in CLOSERS or decimal or (core[0] == '"' and in_quotes):
            gap = ""
        elif token.startswith(ZWNJ) and gap:
            gap = ZWNJ
        text += gap
        offsets.append((len(text), len(text) + len(core)))
        text += core
        if not any(character.isalnum() for character in core):
            in_quotes ^= core.count('"') % 2 == 1
        opens = core[-1] in OPENERS or decimal or (core[-1] == '"' and in_quotes)
        gap = "" if opens else ZWNJ if token.endswith(ZWNJ) else " "
    return text, offsets


def _between_numbers(tokens: Sequence[str], i: int) -> bool:
    """Say whether the tokens before and after token *i* are numbers."""
    return 0 < i < len(tokens) - 1 and all(NUMBER.fullmatch(tokens[j]) for j in (i - 1, i + 1))


def split_long(sentence: list[Tagged]) -> Iterator[list[Tagged]]:
    """Cut a sentence into pieces of at most 120 tokens: after a full stop, else a comma; not in an entity."""
    while len(sentence) > N_LONGEST:
        cuts = [i for i in range(1, N_LONGEST + 1) if not sentence[i][1].startswith("I")] or [N_LONGEST]
        ends = [i for i in cuts if sentence[i - 1][0] in SENTENCE_ENDS]
        pauses = [i for i in cuts if sentence[i - 1][0] in PAUSES]
        cut = (ends or pauses or cuts)[-1]
        yield sentence[:cut]
        sentence = sentence[cut:]
    yield sentence


def invent_number(chance: random.Random, *, whole: bool = False) -> str:
    """Return a number as news has them: a year, a count or a decimal, in Latin or Persian digits."""
    makers: list[Callable[[], str]] = [
        lambda: str(chance.randint(1, 31)),
        lambda: str(chance.randint(2, 999)),
        lambda: str(chance.randint(1300, 1405)),
        lambda: str(chance.randint(1900, 2026)),
        lambda: f"{chance.randint(0, 99)}.{chance.randint(1, 99)}",
    ]
    number = chance.choice(makers[:2] if whole else makers)()
    return number.translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")) if chance.random() < 0.5 else number


def _divide(line: str, separator: str) -> Tagged:
    """Part a line into its token and its tag."""
    token, _, tag = line.rpartition(separator)
    return token, tag.strip()


def _divide_nsurl(line: str) -> Tagged:
    """Part an NSURL line; one without a TAB is a word outside entities, its O stuck to it or alone."""
    return _divide(line, "\t") if "\t" in line else (line.strip().removesuffix("O"), "O")


def _record(sentence: list[Tagged], types: Mapping[str, str], name: str, i: int, group: str) -> Record:
    """Return a tagged sentence as a record of running text; *name* is the corpus and its part."""
    text, offsets = detokenize([token for token, _ in sentence])
    return Record(
        text=text,
        entities=tuple(_spans([tag for _, tag in sentence], offsets, types)),
        entity_types=tuple(dict.fromkeys(types.values())),
        id=f"{name}-{i}",
        source=name.partition("-")[0],
        group=group,
    )


def _spans(tags: list[str], offsets: list[tuple[int, int]], types: Mapping[str, str]) -> Iterator[Span]:
    """Yield the entities; an I with no B of its type before it starts one."""
    previous = "O"
    start = end = 0
    for tag, (token_start, token_end) in zip([*tags, "O"], [*offsets, (0, 0)], strict=True):
        goes_on = tag[0] == "I" and previous[2:] == tag[2:]
        if not goes_on and previous[2:] in types:
            yield Span(start=start, end=end, label=types[previous[2:]])
        start, end = start if goes_on else token_start, token_end
        previous = tag
