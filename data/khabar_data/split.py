"""Splits that keep together what must not be parted."""

from collections.abc import Iterable, Iterator
from hashlib import sha256

from khabar_data.records import Record


def held_out(group: str, share: float, seed: int = 0) -> bool:
    """Say whether a group falls into the held-out part, which takes about *share* of all groups.

    The answer depends on the group's name and the seed alone, so it stays the same when data come or go.
    """
    digest = sha256(f"{seed}:{group}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8]) < share * 2**64


def split(records: Iterable[Record], share: float, *, keep: bool, seed: int = 0) -> Iterator[Record]:
    """Yield the held-out records (keep=False) or the others (keep=True); a record with no group is its own."""
    for record in records:
        if held_out(record.group or record.id or record.text, share, seed) is not keep:
            yield record
