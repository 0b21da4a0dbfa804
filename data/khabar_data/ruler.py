"""What the length of a text is counted in: words, or the word pieces of a model."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from khabar.checkpoint import Checkpoint
from khabar.text import clean, words


@dataclass(frozen=True)
class Ruler:
    """What the length of a text is counted in."""

    unit: str
    measure: Callable[[str], int]


WORD_RULER: Final = Ruler("words", lambda text: len(words(text)))


def piece_ruler(folder: Path) -> Ruler:
    """Return a ruler in the word pieces of a checkpoint's tokenizer."""
    tokenizer = Checkpoint(folder).tokenizer()
    return Ruler("word pieces", lambda text: len(tokenizer.encode(clean(text).text, add_special_tokens=False).ids))
