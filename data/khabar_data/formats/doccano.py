"""doccano's JSON Lines: texts with classes, with spans, or with both."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from khabar_data.formats.entry import Entry, Notice, in_order
from khabar_data.formats.json_lines import parse_object
from khabar_data.formats.text_file import UTF8, read_lines
from khabar_data.records import Record, RecordError, Span

_LABEL_KEYS: Final = ("label", "labels", "cats", "entities")
_PLAIN: Final = ("title", "group", "source", "variety", "date")


@dataclass(frozen=True, kw_only=True)
class DoccanoOptions:
    """How an export of doccano is read."""

    text: str = "text"
    """The key of the text; ``data`` in some versions."""
    entity_types: tuple[str, ...] = ()
    """What was looked for; none given: the types that the file has, if it has spans at all."""
    encoding: str = UTF8


def read_doccano(path: str, options: DoccanoOptions) -> Iterator[Entry]:
    """Yield the texts of an export: classes become topics, spans entities; relations are passed over."""
    types = options.entity_types or _types(path, options)
    for number, line in enumerate(read_lines(path, options.encoding), start=1):
        if line.isspace():
            continue
        try:
            values = parse_object(line, options.encoding)
            if values.get("relations"):
                yield Entry(str(number), Notice("relations, which Khabar does not have, were passed over"))
            yield Entry(str(number), _record(values, options, types))
        except RecordError as error:
            yield Entry(str(number), error)


def _types(path: str, options: DoccanoOptions) -> tuple[str, ...]:
    """Read a file once for the types of its spans; what is broken there is reported when it is read in earnest."""
    found: set[str] = set()
    for line in read_lines(path, options.encoding):
        if line.isspace():
            continue
        try:
            found.update(span.label for span in _labels(parse_object(line, options.encoding))[1])
        except RecordError:
            continue
    return tuple(sorted(found))


def _record(values: Mapping[str, Any], options: DoccanoOptions, types: tuple[str, ...]) -> Record:
    if options.text not in values:
        raise RecordError(f"no key {options.text!r}", "the text", "name the setting text after the key of the text")
    classes, spans = _labels(values)
    plain = {key: values[key] for key in _PLAIN if isinstance(values.get(key), str)}
    number = {"id": str(values["id"])} if "id" in values else {}
    return Record.from_dict(
        {
            **plain,
            **number,
            "text": values[options.text],
            "topic": classes,
            "entities": [vars(span) for span in in_order(spans)],
            "entity_types": list(types),
        }
    )


def _labels(values: Mapping[str, Any]) -> tuple[list[str], list[Span]]:
    """Return the classes and the spans of a text."""
    classes: list[str] = []
    spans: list[Span] = []
    for key in _LABEL_KEYS:
        items = values.get(key) or []
        for item in items if isinstance(items, list) else [items]:
            if isinstance(item, str):
                classes.append(item)
            else:
                spans.append(_span(item))
    return list(dict.fromkeys(classes)), spans


def _span(item: object) -> Span:
    """Read ``[start, end, label]`` or an object with ``start_offset``, ``end_offset`` and ``label``."""
    match item:
        case [int(start), int(end), str(label)]:
            return Span(start=start, end=end, label=label)
        case {"start_offset": int(start), "end_offset": int(end), "label": str(label)}:
            return Span(start=start, end=end, label=label)
    takes = "a class, or a span as [start, end, label] or with start_offset, end_offset and label"
    raise RecordError(f"{item!r} as a label", takes, "export from doccano as JSONL")
