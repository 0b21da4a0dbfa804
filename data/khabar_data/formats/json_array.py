"""One large JSON array, an element at a time."""

import json
from collections.abc import Iterator
from typing import Any, Final, TextIO

from khabar_data.formats.entry import FormatError

LONGEST_ELEMENT: Final = 1 << 26
"""Characters; broken JSON must not make a reader swallow the file."""
_CHUNK: Final = 1 << 16
_BLANKS: Final = " \t\r\n"
_DECODER: Final = json.JSONDecoder()


class ArrayReader:
    """Reads the elements of an array, each with the line that it starts on."""

    def __init__(self, path: str, file: TextIO) -> None:
        self._path = path
        self._file = file
        self._buffer = ""
        self._line = 1

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        self._take("[")
        if self._peek() == "]":
            return
        while True:
            self._peek()
            line = self._line
            yield line, self._element()
            if self._take(",]") == "]":
                return

    def _fill(self) -> bool:
        """Read on, ever more at a time; say whether anything came."""
        piece = self._file.read(max(_CHUNK, len(self._buffer)))
        self._buffer += piece
        return bool(piece)

    def _drop(self, count: int) -> None:
        self._line += self._buffer.count("\n", 0, count)
        self._buffer = self._buffer[count:]

    def _peek(self) -> str:
        """Pass over blanks and return the character after them; nothing at the end of the file."""
        while True:
            self._drop(len(self._buffer) - len(self._buffer.lstrip(_BLANKS)))
            if self._buffer or not self._fill():
                return self._buffer[:1]

    def _take(self, marks: str) -> str:
        """Pass over one of *marks* and return it."""
        mark = self._peek()
        if not mark or mark not in marks:
            got = repr(mark) if mark else "the end of the file"
            raise self._error(f"{got} where {' or '.join(marks)} belongs")
        self._drop(1)
        return mark

    def _element(self) -> Any:
        while True:
            try:
                element, end = _DECODER.raw_decode(self._buffer)
            except json.JSONDecodeError as error:
                if len(self._buffer) < LONGEST_ELEMENT and self._fill():
                    continue
                self._drop(error.pos)
                raise self._error(f"broken JSON ({error.msg})") from None
            except (RecursionError, ValueError) as error:  # nested too deep; a number of thousands of digits
                raise self._error(f"broken JSON ({error})") from None
            if end < len(self._buffer) or not self._fill():  # a number at the buffer's end may go on
                self._drop(end)
                return element

    def _error(self, problem: str) -> FormatError:
        return FormatError(f"{self._path}:{self._line}", problem, "export it anew, as one JSON array")
