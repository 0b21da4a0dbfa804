"""Names put in place of others of their type, so that a network reads what stands around a name."""

from collections import defaultdict
from collections.abc import Iterable
from random import Random
from typing import Self

from khabar_data.noise import edit
from khabar_data.records import Record


class Names:
    """The names of some data by type, each once (mention replacement; Dai and Adel 2020)."""

    def __init__(self, by_type: dict[str, list[str]]) -> None:
        self._by_type = by_type

    @classmethod
    def of(cls, records: Iterable[Record]) -> Self:
        """Collect the names of all entities in *records*."""
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for record in records:
            for span in record.entities:
                found[span.label][record.text[span.start : span.end]] = None
        return cls({label: list(names) for label, names in found.items()})

    def swapped(self, record: Record, share: float, chance: Random) -> Record:
        """Return the record with about *share* of its entities under another name of their type.

        A record with a topic or a stance stays as it is: these may hang on who is named.
        """
        if record.topics or record.target_stances or record.claim_stances:
            return record
        chosen = [span for span in record.entities if span.label in self._by_type and chance.random() < share]
        return edit(record, [(span.start, span.end, chance.choice(self._by_type[span.label])) for span in chosen])
