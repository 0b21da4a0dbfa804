"""Label Studio's JSON export: Choices become topics or stances, Labels become entities."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from khabar.errors import near_miss
from khabar_data.formats.entry import Entry, FormatError, Notice, in_order
from khabar_data.formats.json_array import ArrayReader
from khabar_data.formats.text_file import UTF8, check_decoded, open_text
from khabar_data.label_map import LABEL_PLACES
from khabar_data.records import Record, RecordError, Span

QUERIES: Final[Mapping[str, tuple[str, str]]] = {
    "target_stance": ("target", "target_stances"),
    "claim_stance": ("claim", "claim_stances"),
}
"""For stances: the key of what the stance is toward, and the record's field."""
_CHOICES: Final[Mapping[str, str]] = {
    "topic": "topic",
    "stance": "target_stance",
    "target_stance": "target_stance",
    "claim_stance": "claim_stance",
}


@dataclass(frozen=True, kw_only=True)
class LabelStudioOptions:
    """How an export of Label Studio is read. Keys are those of a task's data."""

    text: str = "text"
    title: str = "title"
    target: str = "target"
    """Whom the stance is toward, where it is not toward a region."""
    claim: str = "claim"
    group: str = "group"
    choices: Mapping[str, str] = field(default_factory=lambda: dict(_CHOICES))
    """From the names of Choices tags to tasks."""
    entity_types: tuple[str, ...] = ()
    """What was looked for; none given: the types that the file has, if it has Labels at all."""
    encoding: str = UTF8

    def __post_init__(self) -> None:
        tasks = tuple(task for task in LABEL_PLACES if task != "entities")
        for name, task in self.choices.items():
            if task not in tasks:
                remedy = f"choices go to {', '.join(tasks)}{near_miss(task, tasks)}"
                raise FormatError("format label-studio", f"choices {name!r} go to {task!r}", remedy)


def read_label_studio(path: str, options: LabelStudioOptions) -> Iterator[Entry]:
    """Yield the annotated tasks of an export; what Khabar has no use for is passed over with a notice."""
    types = options.entity_types or _types(path, options)
    for place, task in _tasks(path, options):
        try:
            results, notices = _results(task)
            yield from (Entry(place, Notice(notice)) for notice in notices)
            if results:
                yield Entry(place, _record(task, results, options, types))
        except RecordError as error:
            yield Entry(place, error)


def _tasks(path: str, options: LabelStudioOptions) -> Iterator[tuple[str, Any]]:
    with open_text(path, options.encoding) as file:
        for number, (line, task) in enumerate(ArrayReader(path, file), start=1):
            yield f"{line}: task {number}", task


def _types(path: str, options: LabelStudioOptions) -> tuple[str, ...]:
    """Read a file once for the types of its regions; what is broken there is reported when it is read in earnest."""
    found: set[str] = set()
    for _, task in _tasks(path, options):
        try:
            results, _ = _results(task)
        except RecordError:
            continue
        for result in results:
            if result["type"] == "labels":
                found.update(_chosen(result, "labels"))
    return tuple(sorted(found))


def _results(task: Any) -> tuple[list[Mapping[str, Any]], list[str]]:
    """Return the Choices and Labels of a task's first annotation, and what was passed over."""
    match task:
        case {"data": dict(), "annotations": [*annotations]}:
            pass
        case _:
            remedy = "export as JSON; JSON-MIN and the others leave out what is needed"
            raise RecordError("a task of another shape", "an object with data and annotations", remedy)
    done = [one for one in annotations if isinstance(one, dict) and not one.get("was_cancelled")]
    notices = [] if done else ["a task without an annotation was passed over"]
    if len(done) > 1:
        notices.append("a task with several annotations was read by its first one")
    results: list[Mapping[str, Any]] = []
    given = done[0].get("result", []) if done else []
    if not isinstance(given, list):
        raise RecordError(f"a result that is {type(given).__name__}", "a list of results", "export the task again")
    for result in given:
        kind = result.get("type") if isinstance(result, dict) else None
        if kind in ("choices", "labels"):
            results.append(result)
        else:
            notices.append(f"what is of type {kind} was passed over")
    return results, notices


def _record(
    task: Mapping[str, Any], results: Sequence[Mapping[str, Any]], options: LabelStudioOptions, types: tuple[str, ...]
) -> Record:
    data = task["data"]
    if not isinstance(text := data.get(options.text), str):
        keys = tuple(data)
        takes = f"a text in its data, which has {', '.join(keys) or 'nothing'}"
        remedy = f"name the setting text after the key of the text{near_miss(options.text, keys)}"
        raise RecordError(f"no text {options.text!r}", takes, remedy)
    check_decoded(text, options.encoding)
    form: dict[str, Any] = {"text": text, "topic": [], "target_stances": [], "claim_stances": []}
    form |= {key: data[name] for key, name in (("title", options.title), ("group", options.group)) if data.get(name)}
    spans: list[Span] = []
    for result in results:
        if result["type"] == "labels":
            start, end = _region(result, text)
            spans += [Span(start=start, end=end, label=label) for label in _chosen(result, "labels")]
            continue
        name = result.get("from_name")
        job = options.choices.get(str(name))
        if job is None:
            takes = f"the Choices {', '.join(options.choices)}"
            raise RecordError(f"the Choices {name!r}", takes, f"say in choices which task {name!r} is")
        if job == "topic":
            form["topic"] += _chosen(result, "choices")
        else:
            query, into = QUERIES[job]
            toward = _toward(result, text, data, getattr(options, query))
            form[into].append({query: toward, "label": _chosen(result, "choices")})
    form |= {"entities": [vars(span) for span in in_order(spans)], "entity_types": list(types)}
    return Record.from_dict({**form, "id": str(task["id"])} if "id" in task else form)


def _chosen(result: Mapping[str, Any], key: str) -> list[str]:
    """Return the labels of one result."""
    match result.get("value"):
        case {"choices": [*labels]} if key == "choices":
            pass
        case {"labels": [*labels]} if key == "labels":
            pass
        case _:
            raise RecordError(f"{key} without a list", f"{key} with their labels", "export it anew")
    return [str(label) for label in labels]


def _toward(result: Mapping[str, Any], text: str, data: Mapping[str, Any], key: str) -> str:
    """Return what a stance is toward: its region's text, else what the task's data name."""
    if "start" in result["value"]:
        start, end = _region(result, text)
        return text[start:end]
    if not isinstance(query := data.get(key), str):
        known = tuple(data)
        takes = f"whom or what it is toward, as a region or in the data, which has {', '.join(known)}"
        raise RecordError("a stance toward nothing", takes, f"name the key of it{near_miss(key, known)}")
    return query


def _region(result: Mapping[str, Any], text: str) -> tuple[int, int]:
    """Return where a region stands in the text.

    Older versions count UTF-16 units, so that an emoji is two; the region's own text tells which.
    """
    match result["value"]:
        case {"start": int(start), "end": int(end)}:
            pass
        case value:
            takes = "a region of a Text tag, with start and end"
            raise RecordError(f"a region {value!r}", takes, "label plain text, not HTML")
    quoted = result["value"].get("text")
    if quoted is None or text[start:end] == quoted:
        return start, end
    units = text.encode("utf-16-le", "surrogatepass")
    before, inside = (units[2 * a : 2 * b].decode("utf-16-le", "replace") for a, b in ((0, start), (start, end)))
    if inside == quoted:
        return len(before), len(before) + len(inside)
    takes = f"the text there, {text[start:end]!r}"
    raise RecordError(f"a region {start}-{end} that quotes {quoted!r}", takes, "export it anew with the same texts")
