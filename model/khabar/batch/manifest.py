"""The manifest of a batch: what it reads and how, and which rows are done; a line is added for every part.

manifest.jsonl   first the settings, the model and the inputs; then the parts, and the ends of inputs
errors.jsonl     the rows that could not be read, with file, row, id and reason
articles/        the parts, as Parquet or JSON Lines, and nothing else: so that it can be read as one table;
                 another folder or URI may take its place

A part's file is renamed first, its faults are written next, its line last, and what stands behind the
last whole line is cut off when the batch goes on: so a kill at any moment leaves no row lost or twice.
"""

import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from fnmatch import fnmatch
from pathlib import Path
from typing import IO, Any, Final

from khabar.batch.inputs import Input
from khabar.batch.parts import PartDone
from khabar.batch.places import file_names, is_uri, remove_file
from khabar.batch.schema import as_json
from khabar.batch.settings import BatchSettings
from khabar.errors import SourceError

MANIFEST: Final = "manifest.jsonl"
ERRORS: Final = "errors.jsonl"
ARTICLES: Final = "articles"
_FORMAT: Final = 1
_DRAFT: Final = ".*.draft"
_RESTORE: Final = "restore it from a copy, or name a new folder"


class Manifest:
    """The open manifest of a batch; made by :func:`opened`."""

    def __init__(self, lines: IO[bytes], errors: IO[bytes], inputs: Sequence[Input], id_column: str) -> None:
        self._lines = lines
        self._errors = errors
        self._inputs = inputs
        self._id_column = id_column
        self._parts: dict[int, set[int]] = defaultdict(set)
        self._ends: dict[int, int] = {}
        self.n_articles = 0
        self.n_faults = 0
        self._go_on()

    def has(self, number: int, part: int) -> bool:
        """Whether a part of an input is done."""
        return part in self._parts[number]

    def has_all(self, number: int) -> bool:
        """Whether every part of an input is done."""
        return number in self._ends and len(self._parts[number]) == self._ends[number]

    def add(self, done: PartDone) -> None:
        """Note a part that is done, with its faults."""
        for row in done.faults:
            fault = {
                "file": self._inputs[done.input].path,
                "row": row.number,
                "id": row.values.get(self._id_column),
                "reason": row.fault,
            }
            self._errors.write(f"{as_json(fault)}\n".encode())
        _flush(self._errors)
        line = {
            "input": done.input,
            "part": done.number,
            "file": done.file,
            "rows": [done.first, done.last],
            "articles": done.n_articles,
            "faults": len(done.faults),
            "errors_end": self._errors.tell(),
        }
        self._write(line)
        self._take(line)

    def add_end(self, number: int, n_parts: int) -> None:
        """Note that an input has so many parts and no more."""
        if number not in self._ends:
            self._write({"input": number, "parts": n_parts})
            self._ends[number] = n_parts

    def _write(self, line: Mapping[str, Any]) -> None:
        self._lines.write(f"{json.dumps(line)}\n".encode())
        _flush(self._lines)

    def _take(self, line: Mapping[str, Any]) -> None:
        if "parts" in line:
            self._ends[line["input"]] = line["parts"]
            return
        self._parts[line["input"]].add(line["part"])
        self.n_articles += line["articles"]
        self.n_faults += line["faults"]

    def _go_on(self) -> None:
        """Take what is done, and cut off what a kill has left unfinished; SourceError where more than that is gone."""
        self._lines.seek(0)
        end = len(self._lines.readline())
        errors_end = 0
        for number, text in enumerate(self._lines, start=2):
            if not text.endswith(b"\n"):
                break
            try:
                line = json.loads(text)
                errors_end = line.get("errors_end", errors_end)
                self._take(line)
            except (ValueError, KeyError, TypeError, AttributeError):
                raise SourceError(str(self._lines.name), f"line {number} is damaged", _RESTORE) from None
            end += len(text)
        if (there := self._errors.seek(0, os.SEEK_END)) < errors_end:
            problem = f"it has {there} bytes, and the manifest has noted {errors_end}"
            raise SourceError(str(self._errors.name), problem, _RESTORE)
        self._lines.truncate(end)
        self._lines.seek(end)
        self._errors.truncate(errors_end)
        self._errors.seek(errors_end)


@contextmanager
def opened(out: Path, settings: BatchSettings, digest: str, inputs: Sequence[Input]) -> Iterator[Manifest]:
    """Begin a batch in a new or empty folder, or go on with the one that stands there.

    *digest* is that of the model. SourceError where the folder, or that of the articles, holds something
    else, a batch of other settings or inputs, an input that has changed, or one that is being run.
    """
    listed = [[one.path, one.size, one.modified] for one in inputs]
    articles, is_own = articles_of(out, settings), settings.articles is None
    place = None if is_own else articles  # resolved: the next run may be started in another folder
    begun = {"format": _FORMAT, **asdict(settings), "articles": place, "model": digest, "inputs": listed}
    try:
        out.mkdir(parents=True, exist_ok=True)
        if not (out / MANIFEST).exists() and any(out.iterdir()):
            raise SourceError(str(out), "something other than a batch stands there", "name a new folder")
        with open(out / MANIFEST, "a+b") as lines, open(out / ERRORS, "a+b") as errors:
            _lock(lines, out)
            if not _goes_on(lines, begun, out):
                _make_room(articles, is_own=is_own)  # before the first line says that it has been done
                lines.truncate(0)
                lines.write(f"{json.dumps(begun)}\n".encode())
                _flush(lines)
            _remove_drafts(articles)
            yield Manifest(lines, errors, inputs, settings.columns.id)
            _remove_drafts(articles)  # what a worker has left that was killed and replaced
    except OSError as error:
        problem = f"it cannot be written ({error.strerror or error})"
        raise SourceError(str(out), problem, "mend that and run the same command again") from error


def articles_of(out: Path, settings: BatchSettings) -> str:
    """Return the folder of the parts, or its URI."""
    if settings.articles is not None and is_uri(settings.articles):
        return settings.articles.rstrip("/")
    return str((out / ARTICLES if settings.articles is None else Path(settings.articles)).resolve())


def _make_room(articles: str, *, is_own: bool) -> None:
    """Remove parts that were never noted from the batch's own folder; SourceError where another one is not empty."""
    for name in file_names(articles):
        if is_own and name.startswith("part-"):
            remove_file(articles, name)
        elif not is_own and not fnmatch(name, _DRAFT):
            raise SourceError(articles, f"there is a file {name} already", "empty it, or name a new folder")


def _remove_drafts(articles: str) -> None:
    for name in file_names(articles):
        if fnmatch(name, _DRAFT):
            remove_file(articles, name)


def _goes_on(lines: IO[bytes], begun: Mapping[str, Any], out: Path) -> bool:
    """Whether the batch that stands there is this one; False where none does, or one that has no part done."""
    lines.seek(0)
    first = lines.readline()
    is_first = b'{"format"'.startswith(first[:9]) and not lines.readline()
    if is_first and first != f"{json.dumps(begun)}\n".encode():
        return False
    try:
        before = json.loads(first)
        is_known = before["format"] == _FORMAT
    except (ValueError, KeyError, TypeError):
        is_known = False
    if not is_known:
        raise SourceError(str(out / MANIFEST), "it is no manifest that this version reads", "name a new folder")
    _check_same(before, begun, out)
    return True


def _check_same(before: Mapping[str, Any], now: Mapping[str, Any], out: Path) -> None:
    remedy = "run it with what it was begun with, or name a new folder"
    now = json.loads(json.dumps(now))
    for key in now:
        if key != "inputs" and before.get(key) != now[key]:
            was, is_now = (json.dumps(values.get(key), ensure_ascii=False) for values in (before, now))
            raise SourceError(str(out), f"the batch there was begun with {key} {was}, and now it is {is_now}", remedy)
    known, found = ({path: facts for path, *facts in values["inputs"]} for values in (before, now))
    for path in known | found:
        if known.get(path) != found.get(path):
            change = "new" if path not in known else "missing" if path not in found else "changed"
            raise SourceError(path, f"it is {change} since the batch in {out} was begun", remedy)


def _lock(lines: IO[bytes], out: Path) -> None:
    """Keep a second run out for as long as the file is open."""
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(lines, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SourceError(str(out), "another run is writing there", "wait for it, or end it") from None


def _flush(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
