"""Files by path, on this machine, and by URI, wherever ``pyarrow.fs`` reaches: S3, GCS, HDFS and others."""

import io
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import quote, unquote, urlsplit

from khabar.errors import SourceError
from khabar.extras import load_extra

PART: Final = "khabar batch"
EXTRA: Final = "batch"
"""What needs pyarrow, and the extra that brings it."""
_BUFFER: Final = 1 << 20
_REACHABLE: Final = "check the address, the network and your rights there, and run the same command again"


def is_uri(place: str) -> bool:
    """Whether a place is named with a scheme, as ``s3://bucket/folder``, and not by a path of this machine."""
    return "://" in place


def path_in(place: str) -> Path:
    """Return a path as it is, or that of a URI without its quoting and without what follows a question mark."""
    return Path(unquote(urlsplit(place).path) if is_uri(place) else place)


def opened_file(place: str) -> IO[bytes]:
    """Open a file to be read, also from its middle; where it cannot be, OSError for a path, SourceError for a URI."""
    if not is_uri(place):
        return open(place, "rb")
    system, path = _reached(place)
    with _blaming(place, "it cannot be opened"):
        return io.BufferedReader(_Remote(system.open_input_file(path), place), _BUFFER)


def files_under(uri: str) -> Iterator[tuple[str, int, int]]:
    """Yield the URI, size in bytes and time of change in nanoseconds of a file, or of all files under a folder."""
    fs = load_extra("pyarrow.fs", PART, EXTRA)
    system, path = _reached(uri)
    with _blaming(uri, "it cannot be read"):
        found = [system.get_file_info(path)]
        if found[0].type == fs.FileType.Directory:
            found = system.get_file_info(fs.FileSelector(path, recursive=True))
    whole, mark, query = uri.partition("?")
    for one in sorted(found, key=lambda one: str(one.path)):
        if one.type == fs.FileType.File:
            inside = quote(one.path.removeprefix(path).strip("/"))
            yield (f"{whole.rstrip('/')}/{inside}" if inside else whole) + mark + query, one.size, one.mtime_ns or 0


@contextmanager
def drafted_file(folder: str, name: str) -> Iterator[IO[bytes]]:
    """Give a file to write; on success it gets its name under *folder*. SourceError where it cannot be written."""
    draft = f".{name}.{platform.node()}.{os.getpid()}.draft"  # two machines may have a process of this number
    try:
        if is_uri(folder):
            system, path = _reached(folder)
            with system.open_output_stream(f"{path}/{draft}") as stream:
                yield stream
            system.move(f"{path}/{draft}", f"{path}/{name}")
        else:
            with open(Path(folder) / draft, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(Path(folder) / draft, Path(folder) / name)
    except OSError as error:
        problem = f"it cannot be written ({error.strerror or error})"
        raise SourceError(f"{folder}/{name}", problem, "mend that and run the same command again") from None


def file_names(folder: str) -> list[str]:
    """Return the names of the files in a folder, which is made where it is not there yet; or raise SourceError."""
    with _blaming(folder, "the folder cannot be made or read"):
        if not is_uri(folder):
            Path(folder).mkdir(parents=True, exist_ok=True)
            return [path.name for path in Path(folder).iterdir()]
        fs = load_extra("pyarrow.fs", PART, EXTRA)
        system, path = _reached(folder)
        system.create_dir(path)
        return [one.base_name for one in system.get_file_info(fs.FileSelector(path))]


def has_file(folder: str, name: str) -> bool:
    """Whether a file of that name is in a folder; SourceError where that cannot be told."""
    if not is_uri(folder):
        return (Path(folder) / name).exists()
    fs = load_extra("pyarrow.fs", PART, EXTRA)
    system, path = _reached(folder)
    with _blaming(folder, "it cannot be read"):
        return bool(system.get_file_info(f"{path}/{name}").type == fs.FileType.File)


def remove_file(folder: str, name: str) -> None:
    """Remove a file from a folder; SourceError where it cannot be."""
    with _blaming(folder, f"{name} cannot be removed"):
        if is_uri(folder):
            system, path = _reached(folder)
            system.delete_file(f"{path}/{name}")
        else:
            (Path(folder) / name).unlink(missing_ok=True)


@contextmanager
def _blaming(place: str, problem: str) -> Iterator[None]:
    """Turn an OSError, which pyarrow raises for networks and rights as well, into a SourceError about the place."""
    try:
        yield
    except OSError as error:
        raise SourceError(place, f"{problem} ({error.strerror or error})", _REACHABLE) from None


class _Remote(io.RawIOBase):
    """A file of ``pyarrow.fs`` of which a failure to read is told from damage: SourceError, not OSError."""

    def __init__(self, file: Any, uri: str) -> None:
        self._file = file
        self._uri = uri

    def readinto(self, buffer: Any) -> int:
        with _blaming(self._uri, "reading it broke off"):
            return int(self._file.readinto(buffer))

    def seek(self, offset: int, whence: int = 0) -> int:
        with _blaming(self._uri, "reading it broke off"):
            return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


@lru_cache(maxsize=64)  # a client of an object store is slow to make
def _reached(uri: str) -> tuple[Any, str]:
    """Return the file system of a URI and the path there; SourceError where nothing knows its scheme."""
    fs = load_extra("pyarrow.fs", PART, EXTRA)
    try:
        system, path = fs.FileSystem.from_uri(uri)
    except (OSError, ValueError) as error:  # pyarrow's own errors are ValueErrors
        raise SourceError(uri, f"it cannot be reached ({error})", _REACHABLE) from None
    return system, path
