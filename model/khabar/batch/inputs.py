"""The files that a batch reads: found under folders and globs, and known again when it goes on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import Final

from khabar.errors import SourceError

PACKINGS: Final = (".gz", ".bz2", ".xz", ".zst")
SUFFIXES: Final = (".jsonl", ".ndjson", ".csv", ".tsv", ".tab", ".parquet")


@dataclass(frozen=True)
class Input:
    """A file of articles as it was when the batch was begun; *size* in bytes, *modified* in nanoseconds."""

    path: str
    size: int
    modified: int

    @property
    def packing(self) -> str:
        """The last suffix where it is that of a packing, else an empty string."""
        ending = Path(self.path).suffix.lower()
        return ending if ending in PACKINGS else ""

    @property
    def is_json(self) -> bool:
        """Whether it is JSON Lines, whose rows may each have columns of their own."""
        return self.suffix in SUFFIXES[:2]

    @property
    def suffix(self) -> str:
        """The suffix in small letters, that of the packing left out."""
        return _suffix(Path(self.path))


def find_inputs(names: Sequence[str], out: Path) -> list[Input]:
    """Return the files behind paths, folders and globs, each once, in the order given and sorted within a folder.

    Folders are searched through for files with a suffix that is known; what lies under *out* is left
    out. SourceError where a name stands for nothing that can be read.
    """
    found: dict[Path, Input] = {}
    for name in names:
        paths = [path.resolve() for path in _paths(name)]
        paths = [path for path in paths if not path.is_relative_to(out.resolve())]
        if not paths:
            takes = ", ".join(SUFFIXES)
            raise SourceError(name, "there is no such file to read", f"name files, folders or globs of {takes}")
        for path in paths:
            found[path] = _input(path)
    return list(found.values())


def _paths(name: str) -> Iterator[Path]:
    path = Path(name)
    if path.is_file():
        yield path
        return
    matches = [path] if path.exists() else [Path(match) for match in sorted(glob(name, recursive=True))]
    for match in matches:
        inside = sorted(match.rglob("*")) if match.is_dir() else [match]
        yield from (one for one in inside if one.is_file() and _suffix(one) in SUFFIXES and one.name[0] not in "._")


def _suffix(path: Path) -> str:
    return (path.with_suffix("") if path.suffix.lower() in PACKINGS else path).suffix.lower()


def _input(path: Path) -> Input:
    if _suffix(path) not in SUFFIXES:
        remedy = f"it takes {', '.join(SUFFIXES)}, also packed as {', '.join(PACKINGS)}"
        raise SourceError(str(path), "its name does not say what is in it", remedy)
    facts = path.stat()
    return Input(str(path), facts.st_size, facts.st_mtime_ns)
