"""What is known of one public corpus, and how a line of its files is taken in."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from khabar.errors import SourceError, near_miss
from khabar_data.records import Record


class CorpusError(SourceError):
    """A corpus cannot be read: its name, part or file is not there, or a line is not in its format."""


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """One public corpus: a row in the table."""

    name: str
    tasks: tuple[str, ...]
    path: str
    """Where a part lies under the folder of corpora; ``{part}`` stands for the part."""
    parts: tuple[str, ...] = ("all",)
    licence: str
    where: str
    """Who made it and where it can be got, in words."""
    defects: str = "none known"
    language: str = "fa"
    """ISO 639-1."""
    read: Callable[[Path, str, int], Iterator[Record]]
    """From the path of a part, its name and a seed to records."""

    def locate(self, folder: Path, part: str) -> Path:
        """Return the path of a part; CorpusError where there is no such part or nothing lies there."""
        if part not in self.parts:
            remedy = f"it has {', '.join(self.parts)}{near_miss(part, self.parts)}"
            raise CorpusError(f"corpus {self.name!r}", f"no part {part!r}", remedy)
        path = folder / self.path.format(part=part)
        if not path.exists():
            remedy = f"get it ({self.where}) and put it there"
            raise CorpusError(f"corpus {self.name!r}", f"nothing at {path}", remedy)
        return path


def read_rows(path: Path, *required: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSON Lines file; CorpusError where a line lacks a *required* key."""
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            try:
                row = json.loads(line)
            except ValueError as error:
                raise CorpusError(f"{path}:{number}", f"broken JSON ({error})", "get the file anew") from None
            missing = [key for key in required if key not in row]
            if missing:
                raise CorpusError(f"{path}:{number}", f"no {', '.join(missing)}", "get the file anew")
            yield row
