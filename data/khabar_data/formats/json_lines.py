"""JSON Lines: one record a line, in the schema of :class:`khabar_data.records.Record`."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from khabar_data.formats.entry import Entry
from khabar_data.formats.text_file import UTF8, check_decoded, read_lines
from khabar_data.records import Record, RecordError

_DOCCANO_KEYS: Final = {"label", "labels", "cats", "relations"}


@dataclass(frozen=True, kw_only=True)
class JsonLinesOptions:
    """How a JSON Lines file is read."""

    encoding: str = UTF8


def read_json_lines(path: str, options: JsonLinesOptions) -> Iterator[Entry]:
    """Yield the records of a JSON Lines file."""
    for number, line in enumerate(read_lines(path, options.encoding), start=1):
        if line.strip():
            yield Entry.made(str(number), _record, line, options.encoding)


def parse_object(line: str, encoding: str) -> dict[str, Any]:
    """Return the object that one line holds."""
    check_decoded(line, encoding)
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"broken JSON ({error})", "one JSON object a line", "mend the line") from None
    if not isinstance(values, dict):
        remedy = (
            "name the format, as label-studio, if the file is one JSON array" if line.startswith("[") else "mend it"
        )
        raise RecordError(f"a JSON {type(values).__name__}", "one JSON object a line", remedy)
    return values


def _record(line: str, encoding: str) -> Record:
    values = parse_object(line, encoding)
    try:
        return Record.from_dict(values)
    except RecordError as error:
        if not _DOCCANO_KEYS & values.keys():
            raise
        got, takes, _, _ = error.args
        raise RecordError(got, takes, "if the file comes from doccano, name that format: doccano") from None
