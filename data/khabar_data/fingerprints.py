"""Fingerprints of the texts that a model was trained on, to tell later what it has seen.

Kept are 64-bit hashes of whole texts and of their runs of five words, and no text: the lowest hashes
alone, so that a fingerprint of any number of texts is a few megabytes. A text to look up is judged by
those of its own hashes that lie as low (FracMinHash, Irber et al. 2022).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from khabar.checkpoint import TRAINING_DATA, Checkpoint
from khabar.errors import SourceError
from khabar.extras import load_extra
from khabar_data.duplicates import plain_words, runs_of
from khabar_data.records import Record

type Hashes = NDArray[np.uint64]

N_KEPT: Final = 300_000
"""Hashes of each kind that are kept at most: 2.4 MB."""
FORMAT: Final = 1
"""The number of the file's layout; a reader refuses another."""
_HIGHEST: Final = 2**64 - 1
_NEAR_SHARE: Final = 0.5
_NEAR_RUNS: Final = 4
_PART: Final = "fingerprints of training data"


@dataclass(frozen=True, eq=False)
class Sketch:
    """The lowest of a set of hashes."""

    hashes: Hashes
    """Ascending; shape (n_hashes,)."""
    limit: int
    """Every hash of the set up to this one is kept, none above."""

    def __or__(self, other: "Sketch") -> "Sketch":
        limit = min(self.limit, other.limit)
        hashes = np.union1d(self.hashes, other.hashes)
        return Sketch(hashes[hashes <= limit], limit)

    def lowest(self, size: int) -> "Sketch":
        """Return the *size* lowest hashes."""
        if len(self.hashes) <= size:
            return self
        return Sketch(self.hashes[:size], int(self.hashes[size - 1]))

    def sampled(self, hashes: Iterable[int]) -> Hashes:
        """Return those of *hashes* of which it is known whether they are in the set, each once."""
        return np.unique(np.array([one for one in hashes if one <= self.limit], dtype=np.uint64))

    def known(self, hashes: Hashes) -> int:
        """Return how many of *hashes* are in the set."""
        places = np.searchsorted(self.hashes, hashes)
        inside = places < len(self.hashes)
        return int((self.hashes[places[inside]] == hashes[inside]).sum())


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """What is kept of the texts that a model was trained on."""

    texts: Sketch
    runs: Sketch

    @staticmethod
    def of(records: Iterable[Record]) -> "Fingerprints":
        """Return the fingerprints of records' texts."""
        builder = FingerprintBuilder()
        for record in records:
            builder.add(record)
        return builder.fingerprints()

    @classmethod
    def of_checkpoint(cls, folder: Path) -> Self | None:
        """Return what a checkpoint holds, None where it holds no fingerprints; CheckpointError if it is damaged."""
        checkpoint = Checkpoint(folder)
        return cls.load(checkpoint.path(TRAINING_DATA)) if TRAINING_DATA in checkpoint.names else None

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what :meth:`save` wrote; SourceError where the file is another."""
        library = load_extra("safetensors", _PART, "train")
        try:
            with library.safe_open(path, "numpy") as file:
                if (file.metadata() or {}).get("format") != str(FORMAT):
                    raise ValueError("another format")
                texts, runs, limits = (file.get_tensor(name) for name in ("texts", "runs", "limits"))
        except (OSError, ValueError, library.SafetensorError) as error:
            raise SourceError(
                str(path), f"no {_PART} of format {FORMAT} ({error})", "use a file of a matching version of khabar"
            ) from None
        return cls(Sketch(texts, int(limits[0])), Sketch(runs, int(limits[1])))

    def save(self, path: Path) -> None:
        """Write the fingerprints as safetensors; the same fingerprints give the same bytes."""
        library = load_extra("safetensors.numpy", _PART, "train")
        limits = np.array([self.texts.limit, self.runs.limit], dtype=np.uint64)
        tensors = {"texts": self.texts.hashes, "runs": self.runs.hashes, "limits": limits}
        library.save_file(tensors, path, metadata={"format": str(FORMAT)})

    def __or__(self, other: "Fingerprints") -> "Fingerprints":
        """Return the fingerprints of the texts of both, as of a model that went on from another."""
        return Fingerprints((self.texts | other.texts).lowest(N_KEPT), (self.runs | other.runs).lowest(N_KEPT))

    def overlap(self, record: Record) -> Literal["exact", "near", "unknown"] | None:
        """Say whether a record's text is among these texts, spelling and signs aside, or is made of them.

        It is near where at least half of its sampled runs of five words are known, and no fewer than four;
        so a text of a few words is either found exactly or not at all. It is unknown where the fingerprints
        are those of so many texts that too few of its hashes are among what is kept.
        """
        words = plain_words(record.text)
        whole = self.texts.sampled(_whole(words))
        if self.texts.known(whole):
            return "exact"
        sampled = self.runs.sampled(_runs(words))
        if self.runs.known(sampled) >= max(_NEAR_RUNS, _NEAR_SHARE * len(sampled)):
            return "near"
        can_tell = len(whole) or not words or len(sampled) >= _NEAR_RUNS
        return None if can_tell else "unknown"


class FingerprintBuilder:
    """Takes in the texts of a run, one record at a time, in constant memory."""

    def __init__(self, n_kept: int = N_KEPT) -> None:
        self._texts = _Lowest(n_kept)
        self._runs = _Lowest(n_kept)

    def add(self, record: Record) -> None:
        """Take in a record's text as its file has it, with no noise added; one seen before costs little."""
        words = plain_words(record.text)
        whole = _whole(words)
        if whole not in self._texts:
            self._texts.add(whole)
            self._runs.add(_runs(words))

    def fingerprints(self) -> Fingerprints:
        """Return the fingerprints of all texts so far."""
        return Fingerprints(self._texts.sketch(), self._runs.sketch())


class _Lowest:
    """Collects hashes and keeps the lowest."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._hashes: set[int] = set()
        self._limit = _HIGHEST

    def __contains__(self, hashes: Iterable[int]) -> bool:
        return self._hashes.issuperset(hashes)

    def add(self, hashes: Iterable[int]) -> None:
        self._hashes.update(one for one in hashes if one <= self._limit)
        if len(self._hashes) > 2 * self._size:
            lowest = self.sketch()
            self._hashes, self._limit = set(lowest.hashes.tolist()), lowest.limit

    def sketch(self) -> Sketch:
        hashes = np.array(sorted(self._hashes), dtype=np.uint64)
        return Sketch(hashes, self._limit).lowest(self._size)


def _whole(words: Iterable[str]) -> list[int]:
    """Return the hash of a text by its letters and digits alone; nothing for a text with none."""
    plain = "".join(filter(str.isalnum, "".join(words)))
    return [_hash(plain)] if plain else []


def _runs(words: Sequence[str]) -> Iterator[int]:
    return map(_hash, runs_of(words))


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())
