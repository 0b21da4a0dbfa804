"""The files that a batch reads: found under folders and globs, and known again when it goes on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from khabar.batch.places import files_under, is_uri, path_in
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
        ending = path_in(self.path).suffix.lower()
        return ending if ending in PACKINGS else ""

    @property
    def is_json(self) -> bool:
        """Whether it is JSON Lines, whose rows may each have columns of their own."""
        return self.suffix in SUFFIXES[:2]

    @property
    def suffix(self) -> str:
        """The suffix in small letters, that of the packing left out."""
        return _suffix(path_in(self.path))


def find_inputs(names: Sequence[str], *outs: str) -> list[Input]:
    """Return the files behind paths, folders, globs and URIs, each once, as given and sorted within a folder.

    Folders are searched through for files with a suffix that is known; a URI stands for a file or a
    folder. What lies under the places in *outs* is left out, and what a dot or underscore hides in a
    folder. SourceError where a name stands for
    nothing that can be read.
    """
    found: dict[str, Input] = {}
    for name in names:
        inputs = [one for one in _inputs(name) if not any(_is_under(one.path, out) for out in outs)]
        if not inputs:
            takes = ", ".join(SUFFIXES)
            raise SourceError(name, "there is no such file to read", f"name files, folders or globs of {takes}")
        found |= {one.path: one for one in inputs}
    return list(found.values())


def _inputs(name: str) -> Iterator[Input]:
    if is_uri(name):
        inputs = (Input(*facts) for facts in files_under(name))
        yield from (one for one in inputs if _is_table(path_in(one.path), path_in(name)))
        return
    path = Path(name)
    if path.is_file():
        yield _input(path)
        return
    matches = [path] if path.exists() else [Path(match) for match in sorted(glob(name, recursive=True))]
    for match in matches:
        inside = sorted(match.rglob("*")) if match.is_dir() else [match]
        yield from (_input(one) for one in inside if one.is_file() and _is_table(one, path))


def _is_table(path: Path, name: Path) -> bool:
    """Whether a file is a table, and neither it nor a folder on the way is hidden or unfinished, unless named so."""
    is_hidden = any(part[0] in "._" and part not in name.parts for part in path.parts)
    return _suffix(path) in SUFFIXES and not is_hidden


def _is_under(path: str, folder: str) -> bool:
    if all(not is_uri(place) or urlsplit(place).scheme == "file" for place in (path, folder)):
        return path_in(path).resolve().is_relative_to(path_in(folder).resolve())
    return path.startswith(folder.rstrip("/") + "/")


def _suffix(path: Path) -> str:
    return (path.with_suffix("") if path.suffix.lower() in PACKINGS else path).suffix.lower()


def _input(path: Path) -> Input:
    path = path.resolve()
    if _suffix(path) not in SUFFIXES:
        remedy = f"it takes {', '.join(SUFFIXES)}, also packed as {', '.join(PACKINGS)}"
        raise SourceError(str(path), "its name does not say what is in it", remedy)
    facts = path.stat()
    return Input(str(path), facts.st_size, facts.st_mtime_ns)
