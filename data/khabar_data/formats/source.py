"""A file to read: its path, its format, the format's settings, and what its labels mean."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from khabar.errors import near_miss
from khabar_data.formats.conll import ConllOptions, read_conll
from khabar_data.formats.doccano import DoccanoOptions, read_doccano
from khabar_data.formats.entry import Entry, FormatError, Notice
from khabar_data.formats.format import Format
from khabar_data.formats.hugging_face import HuggingFaceOptions, read_hugging_face
from khabar_data.formats.json_lines import JsonLinesOptions, read_json_lines
from khabar_data.formats.label_studio import LabelStudioOptions, read_label_studio
from khabar_data.formats.parquet import ParquetOptions, read_parquet
from khabar_data.formats.settings import configured
from khabar_data.formats.table import TableOptions, read_table
from khabar_data.formats.text_file import suffix
from khabar_data.label_map import LabelMap
from khabar_data.records import Record, RecordError

_ROWS: Final = (
    Format(
        name="jsonl",
        about="JSON Lines in the schema of Khabar's records",
        suffixes=(".jsonl", ".ndjson"),
        options=JsonLinesOptions(),
        read=read_json_lines,
    ),
    Format(
        name="csv",
        about="a table with a header, as spreadsheets save it",
        suffixes=(".csv",),
        options=TableOptions(),
        read=read_table,
    ),
    Format(
        name="tsv",
        about="the same, parted by tabs",
        suffixes=(".tsv", ".tab"),
        options=TableOptions(separator="\t"),
        read=read_table,
    ),
    Format(
        name="parquet",
        about="Parquet, columns as in CSV or as in records",
        suffixes=(".parquet",),
        options=ParquetOptions(),
        read=read_parquet,
    ),
    Format(
        name="conll",
        about="a word and its tag a line: BIO, IOB1 or BIOES",
        suffixes=(".conll", ".bio", ".iob", ".iob2", ".bioes"),
        options=ConllOptions(),
        read=read_conll,
    ),
    Format(
        name="doccano",
        about="doccano's JSONL: classes and spans",
        options=DoccanoOptions(),
        read=read_doccano,
    ),
    Format(
        name="label-studio",
        about="Label Studio's JSON export: Choices and Labels",
        options=LabelStudioOptions(),
        read=read_label_studio,
    ),
    Format(
        name="hugging-face",
        about="a data set of Hugging Face datasets, by name or folder, streamed",
        options=HuggingFaceOptions(),
        read=read_hugging_face,
    ),
)

FORMATS: Final[Mapping[str, Format]] = MappingProxyType({row.name: row for row in _ROWS})
"""The formats by name."""

_LOGGER: Final = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Source:
    """One file of records, checked when made."""

    path: str
    format: str | None = None
    """None: the one that the suffix names."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the format, as the format declares them or as strings."""
    maps: tuple[LabelMap, ...] = ()

    def __post_init__(self) -> None:
        configured(self._format.options, self.options, f"format {self._format.name}")

    def entries(self) -> Iterator[Entry]:
        """Yield what stands in the file, errors and notices among it; FormatError where it cannot go on."""
        options = configured(self._format.options, self.options, f"format {self._format.name}")
        for entry in self._format.read(self.path, options):
            content = entry.content
            if isinstance(content, Record):
                yield Entry.made(entry.place, self._mapped, content)
            else:
                yield entry

    def records(self) -> Iterator[Record]:
        """Yield the records; the first error is raised, with file and line, and each notice is logged once."""
        noticed = set()
        for entry in self.entries():
            match entry.content:
                case Record() as record:
                    yield record
                case RecordError() as error:
                    raise error.at(f"{self.path}:{entry.place}")
                case Notice(message) if message not in noticed:
                    noticed.add(message)
                    _LOGGER.warning("%s:%s: %s", self.path, entry.place, message)

    @property
    def _format(self) -> Format:
        if self.format is not None:
            return named_format(self.format)
        ending = suffix(self.path)
        for row in FORMATS.values():
            if ending in row.suffixes:
                return row
        problem = f"{ending!r} does not say what is in it" if ending else "its name does not say what is in it"
        raise FormatError(self.path, problem, f"name the format: {', '.join(FORMATS)}")

    def _mapped(self, record: Record) -> Record:
        for label_map in self.maps:
            record = label_map.applied(record)
        return record


def named_format(name: str) -> Format:
    """Return the format called *name*; FormatError where there is none."""
    if name not in FORMATS:
        known = tuple(FORMATS)
        raise FormatError(f"format {name!r}", "no such format", f"there are {', '.join(known)}{near_miss(name, known)}")
    return FORMATS[name]
