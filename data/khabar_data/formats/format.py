"""What a format is: a row in the table."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from khabar_data.formats.entry import Entry


@dataclass(frozen=True, kw_only=True)
class Format:
    """One way in which records are written: a row in the table."""

    name: str
    about: str
    suffixes: tuple[str, ...] = ()
    """Those that name this format and no other; a format with none must be named."""
    options: Any
    """A frozen dataclass: the settings and their defaults."""
    read: Callable[[str, Any], Iterator[Entry]]
    """From a path and settings to entries."""
