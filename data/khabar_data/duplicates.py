"""Near duplicates: texts that share most of their runs of five words."""

from collections.abc import Iterator, Sequence
from typing import Any, Final
from unicodedata import normalize
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from khabar.extras import load_extra
from khabar.text import ZWNJ, clean, words

N_WORDS: Final = 5
N_HASHES: Final = 128
LIKENESS: Final = 0.8
"""The share of runs in common (Jaccard) from which two texts count as near duplicates."""
_BANDS: Final = (16, 8)
"""Bands and hashes in each: 95 % of the pairs at that likeness share a whole band and are then compared."""

_PLAIN: Final = str.maketrans("0123456789ةەہھے", "۰۱۲۳۴۵۶۷۸۹ههههی", "ء") | dict.fromkeys(
    [*range(0x300, 0x370), *range(0x64B, 0x660), 0x670]
)
"""After decomposition (NFKD): Persian digits, one he and one ye, neither hamza nor madda nor other marks."""


class NearDuplicates:
    """An index of texts by number (locality-sensitive hashing); it keeps hashes and no text, some 3 kB each."""

    def __init__(self, likeness: float = LIKENESS) -> None:
        self._likeness = likeness
        library = load_extra("datasketch", "finding near duplicates", "data")
        self._empty: Any = library.MinHash(N_HASHES, hashfunc=crc32)  # copied, as making its permutations takes long
        self._signatures: list[NDArray[np.uint32]] = []
        self._firsts: dict[int, int] = {}
        """From a band to the first text that has it: datasketch's own index takes three times the memory."""

    def add(self, text: str) -> int | None:
        """Take in the next text, counted from 0, and return the number of the earlier one most like it, if any."""
        number = len(self._signatures)
        runs = [run.encode("utf-8", "surrogatepass") for run in word_runs(text)]
        signature = self._empty.copy()
        signature.update_batch(runs)
        hashes = signature.hashvalues.astype(np.uint32)
        self._signatures.append(hashes)
        if not runs:
            return None
        bands = [hash((band, row.tobytes())) for band, row in enumerate(hashes.reshape(_BANDS))]
        others = sorted({self._firsts.setdefault(band, number) for band in bands} - {number})
        likeness = {other: float(np.mean(hashes == self._signatures[other])) for other in others}
        best = max(others, key=likeness.__getitem__, default=None)
        return None if best is None or likeness[best] < self._likeness else best


def word_runs(text: str) -> Iterator[str]:
    """Yield every run of five words, spelling variants made one; a shorter text is one run."""
    return runs_of(plain_words(text))


def runs_of(spoken: Sequence[str]) -> Iterator[str]:
    """Yield every run of five of a text's words."""
    for start in range(max(len(spoken) - N_WORDS + 1, min(len(spoken), 1))):
        yield " ".join(spoken[start : start + N_WORDS])


def plain_words(text: str) -> list[str]:
    """Return the words and numbers of a text, the same however letters, digits, marks and ZWNJ are typed."""
    plain = clean(normalize("NFKD", text).translate(_PLAIN)).text.casefold()
    return [word for start, end in words(plain) if (word := plain[start:end].replace(ZWNJ, ""))[0].isalnum()]
