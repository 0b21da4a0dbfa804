"""Rows of tables: which column holds what, and a row as a record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Final

from khabar.errors import near_miss
from khabar_data.formats.entry import FormatError
from khabar_data.records import Record

NESTED: Final = ("entities", "title_entities", "entity_types", "target_stances", "claim_stances")
"""Fields that only tables with nested columns can hold; their columns have these names."""
_PAIRS: Final = (("target", "target_stance", "target_stances"), ("claim", "claim_stance", "claim_stances"))


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The names of the columns; None stands for the field's own name, where there is such a column."""

    text: str | None = None
    title: str | None = None
    topic: str | None = None
    id: str | None = None
    group: str | None = None
    source: str | None = None
    variety: str | None = None
    date: str | None = None
    target: str | None = None
    target_stance: str | None = None
    claim: str | None = None
    claim_stance: str | None = None

    def located(self, header: Sequence[str], place: str) -> dict[str, str]:
        """Return field to column for those that are there; FormatError where one that must be is not."""
        found = {}
        for field in fields(self):
            given: str | None = getattr(self, field.name)
            column = given or field.name
            if header.count(column) > 1:
                raise FormatError(place, f"two columns {column!r}", "rename one of them")
            if column in header:
                found[field.name] = column
            elif given or field.name == "text":
                known = tuple(name for name in header if name)
                remedy = f"there are {', '.join(known)}; name the one for {field.name}{near_miss(column, known)}"
                raise FormatError(place, f"no column {column!r}", remedy)
        for one, other, _ in _PAIRS:
            missing = other if one in found else one
            if (one in found) is not (other in found):
                if getattr(self, one) or getattr(self, other):
                    raise FormatError(place, f"{one} and {other} go together", f"name the column for {missing} too")
                found.pop(one, found.pop(other, None))
        return found


def row_record(values: Mapping[str, Any], columns: Mapping[str, str]) -> Record:
    """Return a row, by column, as a record; blank cells are unknown."""
    cells = {field: _cell(values[column]) for field, column in columns.items()}
    form = {field: cell for field, cell in cells.items() if cell is not None}
    for one, other, field in _PAIRS:
        query, label = form.pop(one, None), form.pop(other, None)
        if query is not None and label is not None:
            form[field] = [{one: query, "label": label}]
    form |= {field: values[field] for field in NESTED if values.get(field) is not None}
    return Record.from_dict({"text": "", **form})


def _cell(value: Any) -> Any:
    """Return what a cell holds: a string with no blanks around it, None for a blank one; numbers, dates as strings."""
    if type(value) is int:
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return value.strip() or None
    return value
