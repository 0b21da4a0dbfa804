"""The record: one article and whatever is known of it, checked when made, to and from JSON Lines."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from khabar.errors import KhabarError, near_miss


class RecordError(KhabarError, ValueError):
    """A record is not in the schema; where it came from a file, the error names the line."""

    def __init__(self, got: str, takes: str, remedy: str, place: str = "") -> None:
        super().__init__(got, takes, remedy, place)

    def __str__(self) -> str:
        got, takes, remedy, place = self.args
        return f"{place + ': ' if place else ''}got {got}; a record takes {takes}; {remedy}"

    def at(self, place: str) -> "RecordError":
        """Return the same error with the place where it happened."""
        got, takes, remedy, _ = self.args
        return RecordError(got, takes, remedy, place)


@dataclass(frozen=True, kw_only=True)
class Span:
    """A labelled stretch of a text: characters *start* to *end*, the end not included."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, kw_only=True)
class TargetStance:
    """The attitude that a text conveys toward a target; several labels: one of them, unknown which."""

    target: str
    labels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ClaimStance:
    """Whether a text supports a statement; several labels: one of them, unknown which."""

    claim: str
    labels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Record:
    """One article. What is absent is unknown, never negative.

    ``topics`` is the set of topics that the article may be of. ``entity_types`` are the types that were
    looked for: empty where the entities are unknown. ``group`` keeps together what a split must not part.
    ``date`` is when it was published, as the source writes it; reports slice by its year, so ISO 8601 is best.

    >>> Record(text="بانک ملی", entities=(Span(start=0, end=8, label="ORG"),), entity_types=("ORG",)).text
    'بانک ملی'
    """

    text: str
    title: str | None = None
    topics: tuple[str, ...] = ()
    entities: tuple[Span, ...] = ()
    title_entities: tuple[Span, ...] = ()
    entity_types: tuple[str, ...] = ()
    target_stances: tuple[TargetStance, ...] = ()
    claim_stances: tuple[ClaimStance, ...] = ()
    id: str | None = None
    source: str | None = None
    group: str | None = None
    variety: str | None = None
    date: str | None = None

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise RecordError("a blank text", "a text with words in it", "leave the record out")
        _check_spans("entities", self.entities, self.text, self.entity_types)
        _check_spans("title_entities", self.title_entities, self.title or "", self.entity_types)
        _check_once("topic", self.topics)
        _check_once("entity_types", self.entity_types)
        for target in self.target_stances:
            _check_stance(target.target, target.labels)
        for claim in self.claim_stances:
            _check_stance(claim.claim, claim.labels)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read the JSON form; RecordError says what is wrong with it."""
        _check_keys("the record", values, FIELDS, required=("text",))
        return cls(
            topics=_strings(values, "topic"),
            entities=tuple(_span(item) for item in _items(values, "entities")),
            title_entities=tuple(_span(item) for item in _items(values, "title_entities")),
            entity_types=_strings(values, "entity_types"),
            target_stances=tuple(
                TargetStance(target=_stance(item, "target"), labels=_strings(item, "label"))
                for item in _items(values, "target_stances")
            ),
            claim_stances=tuple(
                ClaimStance(claim=_stance(item, "claim"), labels=_strings(item, "label"))
                for item in _items(values, "claim_stances")
            ),
            text=_string(values, "text"),
            **{key: _string(values, key) for key in OPTIONAL_STRINGS if values.get(key) is not None},
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; what is absent is left out."""
        values: dict[str, Any] = {
            "id": self.id,
            "title": self.title,
            "text": self.text,
            "topic": _one_or_list(self.topics),
            "entities": [vars(span) for span in self.entities],
            "title_entities": [vars(span) for span in self.title_entities],
            "entity_types": list(self.entity_types),
            "target_stances": [
                {"target": stance.target, "label": _one_or_list(stance.labels)} for stance in self.target_stances
            ],
            "claim_stances": [
                {"claim": stance.claim, "label": _one_or_list(stance.labels)} for stance in self.claim_stances
            ],
            "variety": self.variety,
            "source": self.source,
            "group": self.group,
            "date": self.date,
        }
        return {key: value for key, value in values.items() if value is not None and value != []}


SURROGATES = re.compile("[\ud800-\udfff]")
OPTIONAL_STRINGS = ("title", "id", "source", "group", "variety", "date")
FIELDS = (
    *("text", "topic", "entities", "title_entities", "entity_types", "target_stances", "claim_stances"),
    *OPTIONAL_STRINGS,
)
"""The keys of a record's JSON form."""


def read_jsonl(path: Path | str) -> Iterator[Record]:
    """Yield the records of a JSON Lines file, one line at a time; RecordError names the bad line."""
    with Path(path).open("rb") as file:
        for number, line in enumerate(file, start=1):
            content = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            if not content.strip():
                continue
            try:
                yield Record.from_dict(_parse(content))
            except RecordError as error:
                raise error.at(f"{path}:{number}") from None


def write_jsonl(path: Path | str, records: Iterable[Record]) -> int:
    """Write records as JSON Lines and return how many; the file appears whole or not at all."""
    path = Path(path)
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    count = 0
    try:
        with draft.open("w", encoding="utf-8", newline="\n") as file:
            for record in records:
                file.write(json.dumps(record.to_dict(), ensure_ascii=False) + "\n")
                count += 1
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return count


def _parse(line: bytes) -> dict[str, Any]:
    """Return the object that one line holds."""
    try:
        values = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise RecordError(f"bytes that are not UTF-8 ({error})", "UTF-8", "save the file as UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise RecordError(f"broken JSON ({error})", "one JSON object a line", "mend the line") from None
    if not isinstance(values, dict):
        raise RecordError(f"a JSON {type(values).__name__}", "one JSON object a line", "wrap it: {'text': ...}")
    return values


def _check_keys(what: str, values: object, known: tuple[str, ...], required: tuple[str, ...]) -> None:
    """Refuse what is not a mapping, a key that is not known and the lack of one that must be there."""
    if not isinstance(values, Mapping):
        raise RecordError(f"{values!r} as {what}", f"an object with {', '.join(known)}", "write it as an object")
    for key in values:
        if key not in known:
            hint = near_miss(str(key), known).removeprefix("; ") or "rename it or leave it out"
            raise RecordError(f"the key {key!r} in {what}", ", ".join(known), hint)
    for key in required:
        if key not in values:
            raise RecordError(f"{what} without {key!r}", ", ".join(required), f"add {key!r}")


def _string(values: Mapping[str, Any], key: str) -> str:
    """Return a string that UTF-8 can carry."""
    value = values[key]
    if not isinstance(value, str):
        raise RecordError(f"{value!r} as {key!r}", f"a string as {key!r}", "put it in quotes")
    if SURROGATES.search(value):
        raise RecordError(f"half a surrogate pair in {key!r}", "whole characters", "drop or mend the character")
    return value


def _strings(values: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Return one string or a list of them as a tuple; nothing where the key is absent."""
    value = values.get(key)
    items = [value] if isinstance(value, str) else value or []
    if not isinstance(items, list) or not all(isinstance(item, str) and item for item in items):
        raise RecordError(f"{value!r} as {key!r}", f"a string or a list of strings as {key!r}", "mend it")
    return tuple(items)


def _items(values: Mapping[str, Any], key: str) -> list[Any]:
    """Return a list; nothing where the key is absent."""
    value = values.get(key)
    if not isinstance(value, list | None):
        raise RecordError(f"{value!r} as {key!r}", f"a list of objects as {key!r}", "wrap it in [ ]")
    return value or []


def _span(values: Any) -> Span:
    """Read one entity."""
    _check_keys("an entity", values, ("start", "end", "label"), required=("start", "end", "label"))
    for key in ("start", "end"):
        if type(values[key]) is not int:
            raise RecordError(f"{values[key]!r} as {key!r}", f"a whole number as {key!r}", "count characters from 0")
    return Span(start=values["start"], end=values["end"], label=_string(values, "label"))


def _stance(values: Any, query: str) -> str:
    """Check one stance and return its target or claim."""
    _check_keys("a stance", values, (query, "label"), required=(query, "label"))
    return _string(values, query)


def _one_or_list(labels: Sequence[str]) -> str | list[str]:
    """Return the only label, or all of them."""
    return labels[0] if len(labels) == 1 else list(labels)


def _check_once(what: str, labels: tuple[str, ...]) -> None:
    """Refuse a label that is listed twice."""
    if len(set(labels)) < len(labels):
        raise RecordError(f"{what} {', '.join(labels)}", f"each label of {what} once", "drop the double")


def _check_stance(query: str, labels: tuple[str, ...]) -> None:
    """Refuse a stance toward nothing, or one with no label."""
    if not query.strip() or not labels:
        got = f"a stance toward {query!r} with labels {labels}"
        raise RecordError(got, "a target or claim and a label", "complete it or drop it")
    _check_once("a stance's label", labels)


def _check_spans(what: str, spans: tuple[Span, ...], text: str, types: tuple[str, ...]) -> None:
    """Refuse spans that leave the text, cross each other, stand out of order or have an unlisted type."""
    after = 0
    for span in spans:
        if not after <= span.start < span.end <= len(text):
            raise RecordError(
                f"{span} in {what}",
                f"spans in order, apart from each other, within 0 to {len(text)}",
                f"this one may start at {after} or later; sort them and count characters, not bytes",
            )
        if span.label not in types:
            raise RecordError(
                f"{span} in {what}",
                f"the annotated entity_types: {', '.join(types) or 'none'}",
                f"add {span.label!r} to entity_types{near_miss(span.label, types)}",
            )
        after = span.end
