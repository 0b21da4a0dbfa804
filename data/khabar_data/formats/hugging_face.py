"""Data sets in the form of the library ``datasets``: from the Hub by name, or from a folder; always streamed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from khabar.extras import load_extra
from khabar_data.formats.conll import tagged_text, visible
from khabar_data.formats.entry import Entry, FormatError, Notice
from khabar_data.formats.rows import NESTED, Columns, row_record
from khabar_data.formats.tags import parse_tag
from khabar_data.records import Record, RecordError

_PART: Final = "reading Hugging Face datasets"
_SAVED: Final = ("state.json", "dataset_dict.json")


@dataclass(frozen=True, kw_only=True)
class HuggingFaceOptions:
    """How a data set is read: as texts in columns, or as tagged words where *tokens* names a column."""

    part: str = "train"
    configuration: str | None = None
    columns: Columns = field(default_factory=Columns)
    tokens: str | None = None
    """The column of lists of words."""
    tags: str = "ner_tags"
    """The column of lists of tags, in BIO, IOB1 or BIOES."""
    entity_types: tuple[str, ...] = ()
    """What was looked for; none given: the types that the data set declares."""


def read_hugging_face(path: str, options: HuggingFaceOptions) -> Iterator[Entry]:
    """Yield the rows of one part of a data set, which count from 1."""
    rows = _loaded(path, options)
    names = _class_names(rows.features or {})
    columns: Mapping[str, str] = {}
    for number, row in enumerate(_guarded(path, rows), start=1):
        if options.tokens:
            yield Entry.made(str(number), _tagged, row, options, names)
            continue
        if number == 1:
            columns = options.columns.located(list(row), path)
            if unread := [name for name in row if name not in columns.values() and name not in NESTED]:
                yield Entry("1", Notice(f"columns that are not read: {', '.join(unread)}"))
        named = {key: _named(value, names.get(key)) for key, value in row.items()}
        yield Entry.made(str(number), row_record, named, columns)


def _loaded(path: str, options: HuggingFaceOptions) -> Any:
    """Open one part of a data set for streaming."""
    library = load_extra("datasets", _PART, "train")
    try:
        if not any((Path(path) / name).is_file() for name in _SAVED):
            return library.load_dataset(path, options.configuration, split=options.part, streaming=True)
        saved = library.load_from_disk(path)
        for part in saved.values() if isinstance(saved, dict) else [saved]:
            part.data.validate(full=True)  # else a damaged file ends the process, without a word
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:  # of damaged files
        raise FormatError(path, f"it cannot be read ({error})", "check the name, the part and the folder") from None
    if isinstance(saved, dict) and options.part not in saved:
        raise FormatError(path, f"no part {options.part!r}", f"it has {', '.join(saved)}; name one as part")
    part = saved[options.part] if isinstance(saved, dict) else saved
    return part.to_iterable_dataset()


def _guarded(path: str, rows: Any) -> Iterator[dict[str, Any]]:
    """Yield rows; what the library raises on the way becomes a FormatError."""
    try:
        yield from rows
    except (OSError, ValueError, RuntimeError, TypeError) as error:
        raise FormatError(path, f"it cannot be read ({error})", "check the files of the data set") from None


def _class_names(features: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return, by column, the names that class numbers stand for, in lists of them too."""
    inner = {key: getattr(feature, "feature", feature) for key, feature in features.items()}
    return {key: list(feature.names) for key, feature in inner.items() if hasattr(feature, "names")}


def _named(value: Any, names: list[str] | None) -> Any:
    """Return the name of a class number; nothing for -1, which stands for no label."""
    if names is None or type(value) is not int:
        return value
    return names[value] if value >= 0 else None


def _tagged(row: Mapping[str, Any], options: HuggingFaceOptions, names: Mapping[str, list[str]]) -> Record:
    for column in (options.tokens or "", options.tags):
        if not isinstance(row.get(column), list):
            remedy = "name the settings tokens and tags after the columns"
            raise RecordError(f"no list in column {column!r}", f"lists in columns {', '.join(row)}", remedy)
    written = [str(_named(tag, names.get(options.tags))) for tag in row[options.tags]]
    declared = {parse_tag(name).label for name in names.get(options.tags, ())} - {""}
    types = options.entity_types or tuple(sorted(declared))
    if not types:
        remedy = "name the setting entity_types"
        raise RecordError("tags whose types the data set does not declare", "known types", remedy)
    if len(written) != len(row[options.tokens or ""]):
        raise RecordError(f"{len(written)} tags", f"{len(row[options.tokens or ''])}, one a word", "mend the row")
    words = [(visible(str(word)), parse_tag(tag)) for word, tag in zip(row[options.tokens or ""], written, strict=True)]
    kept = [(word, tag) for word, tag in words if word]
    text, spans = tagged_text([([word for word, _ in kept], [tag for _, tag in kept])], glued=True)
    return Record(text=text, entities=spans, entity_types=types, id=str(row["id"]) if "id" in row else None)
