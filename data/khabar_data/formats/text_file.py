"""Text files as they come: packed or not, with a byte order mark or not, in the wrong encoding or not."""

import bz2
import codecs
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, TextIO

from khabar_data.formats.entry import FormatError
from khabar_data.records import RecordError

UTF8: Final = "utf-8"
PACKINGS: Final[Mapping[str, Callable[..., Any]]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
"""By the last suffix."""
LONGEST_LINE: Final = 1 << 26
"""Characters; a small packed file may hold a line that no memory does."""
_WIDE_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ESCAPED: Final = re.compile("[\udc80-\udcff]")
_ARABIC: Final = re.compile("[\u0600-\u06ff]")


@contextmanager
def open_text(path: str, encoding: str = UTF8, newline: str = "\n") -> Iterator[TextIO]:
    """Open a text file, packed or not; FormatError where it cannot be read, now or further on.

    Bytes that *encoding* cannot read come as escapes; :func:`check_decoded` refuses them where they stand.
    """
    try:
        codec = codecs.lookup(encoding).name
    except LookupError:
        problem = f"no encoding is called {encoding!r}"
        raise FormatError(path, problem, "name one that Python knows, as windows-1256") from None
    try:
        with _open(path) as file:
            start = file.read(2)
        if codec == UTF8 and start in _WIDE_MARKS:
            remedy = "name its encoding, utf-16, or convert it, as with: iconv -f UTF-16 -t UTF-8"
            raise FormatError(f"{path}:1", "the file is in UTF-16", remedy)
        codec = "utf-8-sig" if codec == UTF8 else codec
        with _open(path) as file, io.TextIOWrapper(file, codec, "surrogateescape", newline) as text:
            yield text
    except UnicodeError as error:
        raise FormatError(path, f"bytes that are not {encoding} ({error})", "name the file's own encoding") from None
    except (EOFError, zlib.error, lzma.LZMAError) as error:
        raise FormatError(path, f"the packed file is damaged ({error})", "get it anew") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise FormatError(path, f"it cannot be read ({reason})", "check the path and the file") from None


def read_lines(path: str, encoding: str = UTF8, newline: str = "\n") -> Iterator[str]:
    """Yield the lines of a file with their ends, one at a time."""
    with open_text(path, encoding, newline) as file:
        while line := file.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE:
                raise FormatError(path, f"a line of {LONGEST_LINE:,} characters or more", "break it up")
            yield line


def check_decoded(text: str, encoding: str) -> None:
    """Refuse text with bytes that its encoding could not read."""
    if not (escaped := _ESCAPED.search(text)):
        return
    if encoding.lower() != UTF8:
        raise RecordError(f"bytes that are not {encoding}", encoding, "name the file's own encoding")
    got = f"bytes that are not UTF-8 (0x{ord(escaped[0]) - 0xDC00:02X})"
    remedy = "save the file as UTF-8"
    if _ARABIC.search(bytes(ord(one) - 0xDC00 for one in _ESCAPED.findall(text)).decode("windows-1256")):
        got += ", as in Windows-1256"
        remedy = "convert it, as with: iconv -f WINDOWS-1256 -t UTF-8, or name its encoding, windows-1256"
    raise RecordError(got, "UTF-8", remedy)


def suffix(path: str) -> str:
    """Return the suffix of a file in small letters, that of the packing left out."""
    name = Path(path)
    return (name.with_suffix("") if name.suffix.lower() in PACKINGS else name).suffix.lower()


def stem(path: str) -> str:
    """Return the name of a file without its suffixes."""
    name = Path(path)
    return (name.with_suffix("") if name.suffix.lower() in PACKINGS else name).stem


def _open(path: str) -> IO[bytes]:
    opened: IO[bytes] = PACKINGS.get(Path(path).suffix.lower(), open)(path, "rb")
    return opened
